"""Packets followed through all hooks, in a dump those of the filter table as well."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from natc.address import Family
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.ordinary import shown
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.simulate.changed import FROM_OUTSIDE
from natc.simulate.engine import End, Engine
from natc.simulate.single import box_of

_MOST_ENDS = 256
"""Parts of packets that are followed until one comes to a rule."""


@lru_cache(maxsize=2)  # One for each family: several lint rules ask, one after another.
def _engine(subject: Subject, family: Family) -> Engine:
    return Engine(subject.policy, family, subject.site(family))


def ends(subject: Subject, family: Family, packets: Box) -> Iterator[End]:
    """Yield what becomes of arriving packets, in parts."""
    start = packets & FROM_OUTSIDE
    if start is not None:
        yield from _engine(subject, family).ends(start)


def coming_to(subject: Subject, rule: Rule, packets: Box) -> Packet | None:
    """Return one of arriving `packets` that comes to `rule`; None if none was found."""
    one = box_of(shown(subject, rule.family, packets))  # Mostly good enough, and fast.
    for start in (one, packets):
        for end in islice(ends(subject, rule.family, start), _MOST_ENDS):
            if any(step.rule is rule for step in end.way.steps):
                return shown(subject, rule.family, end.way.packets)
    return None
