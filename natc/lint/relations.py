"""Which rules of a hook no packet reaches, and which meet others that do something else.

Published names: shadowing, redundancy, correlation and generalisation (Al-Shaer and Hamed, 2004);
that several rules together cover one (Yuan and others, FIREMAN, 2006).  Exact, within bounds.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from natc.address import Family
from natc.ir.actions import Accept, Action, Dnat, Return, Snat
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.ir.stack import NotDecided, Stack, inside
from natc.lint.lists import HookList
from natc.record import Record, replace

MOST_MET = 8
"""Rules that one rule meets, of which a finding speaks."""

_LOOKS = 200
"""Rules that are looked at for each rule of a list, on average, for those that meet it."""

LEAVING_ALONE = (Accept, Return)
"""Actions that translate nothing."""


class Dead(Record):
    """A rule that no packet reaches.

    Attributes:
        position: in the list.
        by: the positions of the rules that take all its packets, the fewest; empty where none can
            come to its chain.
    """

    position: int
    by: tuple[int, ...]


class Meeting(Record):
    """A rule that meets rules above it which do something else, neither being a part of the other.

    Attributes:
        others: their positions.
        packets: some of those that the first of the others takes from the rule.
    """

    position: int
    others: tuple[int, ...]
    packets: Box


class Relations:
    """One hook's rules, related to each other."""

    def __init__(self, rules: HookList) -> None:
        self.list = rules
        self.undecided: list[Rule] = list(rules.undecided)
        self._looks = _LOOKS * (len(rules.rules) + 100)

    @cached_property
    def stack(self) -> Stack:
        """The boxes of all rules that are certain to decide."""
        return Stack(
            self.list.family,
            (
                (position, box)
                for position, boxes in enumerate(self.list.boxes)
                if boxes is not None and self.list.decides[position]
                for box in boxes
            ),
        )

    @cached_property
    def dead(self) -> list[Dead]:
        """The rules that no packet reaches, in order."""
        return [found for found in self._found if isinstance(found, Dead)]

    @cached_property
    def meetings(self) -> list[Meeting]:
        """The rules that meet others, in order."""
        return [found for found in self._found if isinstance(found, Meeting)]

    @cached_property
    def _found(self) -> list[Dead | Meeting]:
        return list(self._compared())

    def _compared(self) -> Iterator[Dead | Meeting]:
        for position, boxes in enumerate(self.list.boxes):
            if boxes is None:
                continue
            met = {above for box in boxes for above in self.stack.touching(box, 0, position)}
            if not met and boxes:
                continue
            try:
                cover = self.stack.cover(boxes, 0, position)
                if cover.left is None:
                    yield Dead(position, cover.by)
                elif self.list.decides[position]:
                    yield from self._met(position, boxes, met)
            except NotDecided:
                self.undecided.append(self.list.rules[position])

    def _met(self, position: int, boxes: Sequence[Box], above: set[int]) -> Iterator[Meeting]:
        """Yield the meeting of one rule with those above it, if there is any."""
        rule = self.list.rules[position]
        others: list[int] = []
        packets: Box | None = None
        self._looks -= len(above)
        if self._looks < 0:
            raise NotDecided
        for other in sorted(above):
            earlier = self.list.rules[other]
            theirs = self.list.boxes[other] or ()
            if (
                isinstance(earlier.action, LEAVING_ALONE)
                or earlier.origin == rule.origin
                or _all_inside(theirs, boxes)
            ):
                continue
            left = self._taken(rule, boxes, other)
            if left is not None and not self._is_part(theirs, boxes):
                others.append(other)
                packets = packets or left
            if len(others) == MOST_MET:
                break
        if packets is not None:
            yield Meeting(position, tuple(others), packets)

    def _taken(self, rule: Rule, boxes: Sequence[Box], other: int) -> Box | None:
        """Return packets that `other` takes from `rule` and treats otherwise, None if none."""
        earlier = self.list.rules[other]
        for mine in boxes:
            for theirs in self.list.boxes[other] or ():
                both = mine & theirs
                if both is None:
                    continue
                for part in differing(rule.action, earlier.action, both, self.list.family):
                    left = self.stack.cover((part,), 0, other).left
                    if left is not None:
                        return left
        return None

    def _is_part(self, boxes: Sequence[Box], whole: Sequence[Box]) -> bool:
        left = list(boxes)
        for other in whole:
            left = [rest for box in left for rest in box.minus(other, self.list.family)]
        return not left


def _all_inside(boxes: Sequence[Box], others: Sequence[Box]) -> bool:
    return all(any(inside(box, other) for other in others) for box in boxes)


def differing(one: Action, other: Action, packets: Box, family: Family) -> list[Box]:
    """Return the parts of `packets` to which two actions do different things."""
    if alike(one, other, packets):
        return []
    match one, other:
        case Dnat(mine, ports), Dnat(theirs, others) if mine == theirs:
            named = [each for each in (ports, others) if each is not None]
            if len(named) == 1 and named[0].size == 1:  # It stays where one leaves it.
                return list(packets.minus(Box.of({Field.DESTINATION_PORT: named[0]}), family))
    return [packets]


def alike(one: Action, other: Action, packets: Box) -> bool:
    """Whether two actions do the same to `packets`, each and every one."""
    return one == other or _plain(one, packets) == _plain(other, packets)


def _plain(action: Action, packets: Box) -> Action:
    """Return an action without what makes no difference to `packets`."""
    match action:
        case Return():
            return Accept()
        case Dnat(addresses, ports):
            if ports is not None and ports.size == 1:
                kept = ports == packets.get(Field.DESTINATION_PORT)
                action = replace(action, ports=None if kept else ports, shift_from=None)
            return replace(action, persistent=False) if addresses.size == 1 else action
        case Snat(addresses) if addresses.size == 1:
            return replace(action, persistent=False)
    return action
