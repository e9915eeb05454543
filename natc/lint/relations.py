"""Which rules of a hook no packet reaches, and which meet others that do something else.

Published names: shadowing, redundancy, correlation and generalisation (Al-Shaer and Hamed, 2004);
that several rules together cover one (Yuan and others, FIREMAN, 2006).  Exact, within bounds.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice

from natc.address import Family
from natc.ir.actions import Accept, Action, Dnat, Return, SetMark, Snat
from natc.ir.conditions import Draw, Mark, Noted, Opaque
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.ir.stack import Cover, NotDecided, Stack, inside
from natc.lint.lists import HookList
from natc.record import Record, replace

MOST_MET = 8
"""Rules that one rule meets, of which a finding speaks."""

_LOOKS = 200
"""Rules that are looked at for each rule of a list, on average, for those that meet it."""

_MOST_ASKED = 4
"""Covering rules that are asked whether they decide."""

_FEW = 24
"""Rules that are all compared with one that they meet; of more, some are picked first.

A dead rule that more cover is asked for what it covers, which saves asking for each of them.
"""

LEAVING_ALONE = (Accept, Return)
"""Actions that translate nothing."""


class Dead(Record):
    """A rule that no packet reaches.

    Attributes:
        position: in the list.
        by: the positions of the rules that take all its packets, or by which they leave its chain
            before, of few the fewest; empty where none can come to its chain.
    """

    position: int
    by: tuple[int, ...]


class Meeting(Record):
    """A rule that meets rules above it which do something else, neither being a part of the other.

    Where chance decides between them, as it does among balanced servers, they do not meet.

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
        self._unclear: set[int] = set()
        self._unreached: dict[int, tuple[int, ...]] = {}
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

    def is_dead(self, position: int) -> bool:
        """Whether no packet reaches a rule."""
        return bool(self.dead) and position in self._unreached

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
            if boxes and self.stack.is_alone(boxes, position):
                continue
            try:
                cover = self._cover(position, boxes)
                if cover.left is None:
                    by = self._told(position) or self._deciding(position, boxes, cover.by)
                    self._unreached[position] = by
                    if len(cover.by) <= _FEW:  # One that many cover stands for them all.
                        self.stack.hide(position)
                    yield Dead(position, by)
                elif self.list.decides[position]:
                    yield from self._met(position, boxes)
            except NotDecided:
                self._unclear.add(position)
                self.undecided.append(self.list.rules[position])

    def _cover(self, position: int, boxes: Sequence[Box]) -> Cover:
        """Return what is left of a rule; one rule that takes all is found first."""
        if len(boxes) == 1:
            holder = self.stack.holder(boxes[0], position)
            if holder is not None:
                return Cover(None, (holder,))
        return self.stack.cover(boxes, position)

    def _deciding(
        self, position: int, boxes: Sequence[Box], by: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Return rules that cover a dead rule and decide on its packets, as few as there are.

        Args:
            by: rules that cover it; they may be unreached, all or for these packets.  Of many it
                is not asked.
        """
        if any(one in self._unreached for one in by):
            above = {each for one in by for each in self._unreached.get(one, (one,))}
            by = tuple(self.stack.needed(boxes, sorted(above)))
        if len(by) > _MOST_ASKED or all(self._takes_some(boxes, other) for other in by):
            return by
        taking = {owner for box in boxes for owner, _ in self.stack.takers(box, position, _FEW)}
        items = [(each, box) for each in sorted(taking) for box in self.list.boxes[each] or ()]
        cover = Stack(self.list.family, items).cover(boxes, position)
        return cover.by if cover.left is None else by

    def _takes_some(self, boxes: Sequence[Box], other: int) -> bool:
        """Whether a rule decides on some of `boxes`."""
        theirs = self.list.boxes[other] or ()
        both = [met for box in boxes for part in theirs if (met := box & part) is not None]
        if other in self._unclear or any(self.stack.glimpse(part, other) for part in both):
            return True  # That it covers the rule is known in any case.
        try:
            return self.stack.left(both, other) is not None
        except NotDecided:
            return True

    def _told(self, position: int) -> tuple[int, ...]:
        """Return what takes the packets of a dead rule of a chain that some leave early.

        One whose own match holds them all, or else rules and those by which packets leave.
        Empty where none leave, or they do not tell, as where marks change on the way.
        """
        jump = self.list.within[position]
        leaving = [] if jump is None else self.list.given_back.get(jump, [])
        leaving = [each for each in leaving if each < position]
        match = self.list.rules[position].match.boxes
        if jump is None or not leaving or self._asks_for_changed_marks(position):
            return ()
        for each in range(jump, position):
            is_end = self.list.decides[each] or each in leaving
            if is_end and _all_inside(match, self.list.rules[each].match.boxes):
                return (each,)
        came = self.list.boxes[jump] or ()
        own = [_unnoted(box) for box in match]
        wanted = [both for box in own for part in came if (both := box & part) is not None]
        alone = self.stack.cover(wanted, position)
        if alone.left is None:
            return alone.by
        above = set(self.stack.touching(wanted, 0, position))
        items = [
            (each, box) for each in sorted({*above, *leaving}) for box in self._matched(each, jump)
        ]
        cover = Stack(self.list.family, items).cover(wanted, position)
        return cover.by if cover.left is None else ()

    def _matched(self, position: int, jump: int) -> Iterable[Box]:
        """Return packets that do not come past a rule of the chain to which a jump leads.

        What a rule of the chain matches counts, whichever rule of the chain above it takes it.
        """
        boxes = self.list.boxes[position] or ()
        if self.list.within[position] != jump or self._asks_for_changed_marks(position):
            return boxes
        return map(_unnoted, self.list.rules[position].match.boxes)

    def _asks_for_changed_marks(self, position: int) -> bool:
        """Whether a rule asks for marks that rules above may have set."""
        match = self.list.rules[position].match.boxes
        return self._first_mark < position and any(map(_asks_for_marks, match))

    @cached_property
    def _first_mark(self) -> int:
        """The first rule that sets marks."""
        actions = [rule.action for rule in self.list.rules]
        setting = (place for place, each in enumerate(actions) if isinstance(each, SetMark))
        return next(setting, len(actions))

    def _met(self, position: int, boxes: Sequence[Box]) -> Iterator[Meeting]:
        """Yield the meeting of one rule with those above it, if there is any.

        Of few all are looked at.  Of many, first some at a glance, then those that a few packets
        happen to meet, and all only when none of these meets the rule.
        """
        some = list(dict.fromkeys(islice(self._above(position), _FEW + 1)))
        others: dict[int, Box] = {}
        if len(some) > _FEW:
            self._find(position, some, others, at_a_glance=True)
            for other, packets in self._takers(boxes, position) if not others else ():
                if other not in others and self._could_meet(position, other):
                    others[other] = packets
                if len(others) == MOST_MET:
                    break
        if not others:
            self._find(position, sorted(set(self._above(position))), others)
        if others:
            yield Meeting(position, tuple(sorted(others)), others[min(others)])

    def special_cases(self, position: int) -> Iterator[tuple[int, Box]]:
        """Yield rules above that are a part of a rule and treat it otherwise, with such packets."""
        boxes = self.list.boxes[position]
        if not boxes or not self.list.decides[position]:
            return
        for other in sorted(set(self._above(position))):
            earlier, theirs = self.list.rules[other], self.list.boxes[other] or ()
            if isinstance(earlier.action, LEAVING_ALONE) or not self._is_part(theirs, boxes):
                continue
            left = None
            with suppress(NotDecided):
                left = self._taken(position, other, at_a_glance=False)
            if left is not None and not self._is_part(boxes, theirs):
                yield other, left

    def _above(self, position: int) -> Iterator[int]:
        return self.stack.above(self.list.boxes[position] or (), position)

    def _find(
        self,
        position: int,
        above: Iterable[int],
        others: dict[int, Box],
        *,
        at_a_glance: bool = False,
    ) -> None:
        """Add to `others` those of `above` that a rule meets, `MOST_MET` at most."""
        for other in above:
            self._looks -= 1
            if self._looks < 0:
                raise NotDecided
            if self._could_meet(position, other):
                left = self._taken(position, other, at_a_glance=at_a_glance)
                if left is not None:
                    others[other] = left
            if len(others) == MOST_MET:
                return

    def _could_meet(self, position: int, other: int) -> bool:
        """Whether neither of two rules is a part of the other, and that above no exception."""
        earlier, boxes = self.list.rules[other], self.list.boxes[position] or ()
        theirs = self.list.boxes[other] or ()
        return not (
            isinstance(earlier.action, LEAVING_ALONE)
            or earlier.origin == self.list.rules[position].origin
            or self._is_part(theirs, boxes)
        )

    def _takers(self, boxes: Sequence[Box], position: int) -> Iterator[tuple[int, Box]]:
        """Yield rules that take packets of `boxes` from a rule and treat them otherwise."""
        rule = self.list.rules[position]
        for box in boxes:
            for other, packets in self.stack.takers(box, position, _FEW):
                if not is_by_chance(packets):
                    earlier = self.list.rules[other]
                    for part in differing(rule.action, earlier.action, packets, self.list.family):
                        yield other, part

    def _taken(self, position: int, other: int, *, at_a_glance: bool) -> Box | None:
        """Return packets that `other` takes from a rule and treats otherwise, None if none."""
        rule, earlier = self.list.rules[position], self.list.rules[other]
        for mine in self.list.boxes[position] or ():
            for theirs in self.list.boxes[other] or ():
                both = mine & theirs
                if both is None or is_by_chance(both):
                    continue
                for part in differing(rule.action, earlier.action, both, self.list.family):
                    if at_a_glance:
                        left = self.stack.glimpse(part, other)
                    else:
                        left = self.stack.left((part,), other)
                    if left is not None:
                        return left
        return None

    def _is_part(self, boxes: Sequence[Box], whole: Sequence[Box]) -> bool:
        if _all_inside(boxes, whole):
            return True
        if len(whole) == 1 and not whole[0].conditions:
            return False
        left = list(boxes)
        for other in whole:
            left = [rest for box in left for rest in box.minus(other, self.list.family)]
        return not left


def _unnoted(box: Box) -> Box:
    asked = tuple(each for each in box.conditions if not isinstance(each, Noted))
    return replace(box, conditions=asked)


def _asks_for_marks(box: Box) -> bool:
    """Whether a box is of packets with marks."""
    return any(isinstance(each, Mark) for each in box.conditions)


def is_by_chance(packets: Box) -> bool:
    """Whether a draw or a limit decides which packets of one kind these are."""
    return any(
        isinstance(each, Draw) or (isinstance(each, Opaque) and each.is_fickle)
        for each in packets.conditions
    )


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
    match one, other:
        case (Dnat(mine), Dnat(theirs)) | (Snat(mine), Snat(theirs)) if mine != theirs:
            return False  # So it is nearly always.
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
