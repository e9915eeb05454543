"""Where destination rules send packets, and which packets come to a rule at all."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from natc.address import Family
from natc.ir.actions import Action, Balance, Dnat, Hook, Netmap, Side
from natc.ir.conditions import Draw, Opaque
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.ir.stack import NotDecided
from natc.lint.subject import Subject
from natc.record import Record

TURNING = (Dnat, Balance, Netmap)
"""Actions of the destination phase that lead to other hosts."""


class Server(Record):
    """One end of a destination rule.

    Attributes:
        ports: None where the port stays as it is.
    """

    addresses: IntervalSet
    ports: IntervalSet | None = None


def servers(action: Action) -> tuple[Server, ...]:
    """Return where an action sends packets; nowhere if it does not turn them to other hosts."""
    match action:
        case Dnat(addresses, ports):
            return (Server(addresses, ports),)
        case Balance(backends):
            ends = (backend.action for backend in backends)
            return tuple(Server(end.addresses, end.ports) for end in ends)
        case Netmap(Side.DESTINATION, network):
            return (Server(network),)
    return ()


def forwards(subject: Subject, family: Family) -> Iterator[tuple[int, Rule]]:
    """Yield the rules that turn arriving packets to other hosts, with their places in the list."""
    rules = subject.rules.get((family, Hook.PREROUTING), ())
    for position in _turning(subject, family):
        yield position, rules[position]


@lru_cache(maxsize=2)  # One for each family: several lint rules ask, one after another.
def _turning(subject: Subject, family: Family) -> tuple[int, ...]:
    rules = subject.rules.get((family, Hook.PREROUTING), ())
    return tuple([place for place, rule in enumerate(rules) if isinstance(rule.action, TURNING)])


def left_for(
    subject: Subject, place: tuple[Family, Hook], position: int | None, packets: Box
) -> Box | None:
    """Return some of `packets`, as they are in a hook, that no rule above `position` takes.

    None where there are none; where it cannot be decided, that is noted.

    Args:
        position: None is the end of the hook's rules.
    """
    relations = subject.relations.get(place)
    if relations is None:
        return packets
    stop = len(relations.list.rules) if position is None else position
    try:
        return relations.stack.left((packets,), stop)
    except NotDecided:
        subject.doubt(f"which packets some rules of {place[1]} leave to those below")
        return None


def meeting(subject: Subject, place: tuple[Family, Hook], packets: Box) -> Iterator[int]:
    """Yield the places of the rules of a hook that take some of `packets`, in order."""
    relations = subject.relations.get(place)
    if relations is None:
        return
    is_first = True  # Nothing above has any of the packets: mostly there is one rule.
    for position in sorted(set(relations.stack.touching((packets,), 0, len(relations.list.rules)))):
        met = [box & packets for box in relations.list.boxes[position] or ()]
        mine = [both for both in met if both is not None]
        if mine and (is_first or any(_is_left(subject, place, position, both) for both in mine)):
            yield position
        is_first = is_first and not mine


def _is_left(subject: Subject, place: tuple[Family, Hook], position: int, packets: Box) -> bool:
    return left_for(subject, place, position, packets) is not None


def restricted(box: Box, sets: Mapping[Field, IntervalSet]) -> Box | None:
    """Return the packets of `box` with the given sets; None where there are none."""
    if not all(sets.values()):
        return None
    return box & Box.of(sets)


def is_plain(box: Box) -> bool:
    """Whether no mark, ipset or opaque match tells packets apart; draws and limits do not."""
    return all(
        isinstance(known, Draw) or (isinstance(known, Opaque) and known.is_fickle)
        for known in box.conditions
    )
