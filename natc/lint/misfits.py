"""Rules that exclude what the jumps to their chain let through."""

from collections.abc import Iterator

from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.lists import HookList
from natc.lint.subject import Subject
from natc.targets.iptables.lift import HOOKS

TABLES: dict[Hook, str] = {hook: table for (table, _), hook in HOOKS.items()}

_Sets = tuple[tuple[Field, IntervalSet], ...]
"""Fields with what they must be."""

_ANYTHING: tuple[_Sets, ...] = ((),)

_Name = tuple[Family, str, str]
"""Family, table, and `CHAIN:number`: a kernel rule, of which each way to its chain makes one."""


class _Ways:
    """The rules of chains, on all ways to them.

    Attributes:
        fitting: those that can match something on some way.
        misfits: the others of each way, with the jump.
    """

    def __init__(self) -> None:
        self.fitting: set[_Name] = set()
        self.misfits: list[tuple[_Name, Rule, Rule]] = []

    def add(self, where: HookList, table: str) -> None:
        """Look at the rules of one hook."""
        asked: dict[int, tuple[_Sets, ...]] = {}
        for position, jump in enumerate(where.within):
            rule = where.rules[position]
            if jump is None:  # The hook's own, or behind a jump that lets everything through.
                self.fitting.add((rule.family, table, rule.name))
                continue
            sets = asked.get(jump)
            if sets is None:
                sets = asked[jump] = _asked(where.boxes[jump])
            if _fits(rule, sets):
                self.fitting.add((rule.family, table, rule.name))
            elif sets:  # Else the jump itself leads nowhere.
                self.misfits.append(((rule.family, table, rule.name), rule, where.rules[jump]))


def misfits(subject: Subject) -> Iterator[tuple[Rule, Rule]]:
    """Yield each rule that fits no jump to its chain, and one of the jumps.

    Table filter is left out.
    """
    ways = _Ways()
    for (_, hook), where in subject.lists.items():
        if TABLES[hook] != "filter":
            ways.add(where, TABLES[hook])
    for name, rule, jump in ways.misfits:
        if name not in ways.fitting:
            yield rule, jump


def _asked(boxes: tuple[Box, ...] | None) -> tuple[_Sets, ...]:
    """Return what is known of the packets of a jump, whatever rules on the way may change.

    Conditions are left out, marks among them, and whether the destination is another one.
    """
    if boxes is None:
        return _ANYTHING
    return tuple(
        tuple((field, held) for field, held in box.restricted() if field is not Field.TRANSLATED)
        for box in boxes
    )


def _fits(rule: Rule, asked: tuple[_Sets, ...]) -> bool:
    return any(_meets(box, sets) for sets in asked for box in rule.match.boxes)


def _meets(box: Box, sets: _Sets) -> bool:
    for field, theirs in sets:
        mine = box.sets[field]
        if mine is not None and mine is not theirs and not mine & theirs:
            return False
    return True
