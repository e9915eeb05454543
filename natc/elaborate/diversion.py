"""Keeps the order of the file where the kernel has another: TPROXY comes before all translation.

A packet is handed to a transparent proxy in the mangle table, before the nat table is asked.  A
destination rule that stands above the `transparent-proxy` in the file would lose to it.  So its
packets are let through first.
"""

from collections.abc import Iterable, Iterator

from natc.ir.actions import Accept, Hook, Return
from natc.ir.policy import Rule
from natc.record import replace


def in_file_order(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Yield `rules`, with a way past each diversion for what earlier rules decide."""
    earlier: list[Rule] = []
    for rule in rules:
        if rule.hook is Hook.DIVERT:
            passing = [
                known for known in earlier if known.family is rule.family and _meet(known, rule)
            ]
            for known in passing:
                yield replace(
                    known, name=f"{known.name}.undiverted", hook=Hook.DIVERT, action=Return()
                )
            earlier = [known for known in earlier if known not in passing]
        elif rule.hook is Hook.PREROUTING and not _is_kept(rule):
            earlier.append(rule)
        yield rule


def _is_kept(rule: Rule) -> bool:
    """Whether the rule only keeps diverted packets untranslated."""
    return isinstance(rule.action, Accept) and rule.name.endswith(".kept")


def _meet(left: Rule, right: Rule) -> bool:
    return bool(left.match & right.match)
