"""Boxes that lie over each other: what those above a box leave of it, and who takes the rest.

A packet of the box is picked, whoever lies over it is found and cut away, and so on with what is
left: a box of which something is left is mostly done with its first packets, one of which nothing
is left takes about as many cuts as others lie over it.  The work is bounded; what is not decided
within the bounds says so.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cached_property

from natc.address import Family
from natc.ir.conditions import Mark, negation
from natc.ir.fields import Field, universes
from natc.ir.index import Found, positions
from natc.ir.intervals import IntervalSet, interval
from natc.ir.shown import Shown
from natc.ir.space import Box
from natc.record import Record

MOST_CUTS = 2_000
"""Cuts before a question is given up."""

_ON_AVERAGE = 300
"""Cuts for each box, on average, before all further questions that need cuts are given up."""

_PATIENCE = 8
"""Cuts before packets are tried of which nothing is true that boxes over them ask.

Rules for an ipset each leave those, and every cut by one of them decides on its ipset alone.
"""

_MOST_MINIMISED = 16
"""Covering boxes among which needless ones are looked for."""

_GOLDEN = 0x9E3779B97F4A7C15
"""Spreads picks evenly.  The golden ratio, in 1/2**64."""

_FRACTION = (1 << 64) - 1


class NotDecided(Exception):  # noqa: N818 - an answer, not an error of natc
    """More cuts than `MOST_CUTS`, or than are worth it for all questions together."""


class Cover(Record):
    """What lies over boxes.

    Attributes:
        left: packets that nothing covers; None when all are covered.
        by: the owners of what covers all, ascending.  Up to `_MOST_MINIMISED`, without any one of
            them something is left; of more, some may be needless.
    """

    left: Box | None
    by: tuple[int, ...] = ()


class Stack:
    """Boxes, each with an owner: a number that never falls from one box to the next."""

    def __init__(self, family: Family, boxes: Iterable[tuple[int, Box]]) -> None:
        self._family = family
        self._universes = universes(family)
        items = list(boxes)
        self._owners = [owner for owner, _ in items]
        self._boxes = [box for _, box in items]
        self._shown = Shown(self._boxes)
        self._cuts_left = _ON_AVERAGE * (len(items) + MOST_CUTS)

    def hide(self, owner: int) -> None:
        """Leave out an owner whose boxes those before it cover: questions are faster without it."""
        self._shown.hide(range(self._first(owner), self._first(owner + 1)))

    def is_alone(self, boxes: Iterable[Box], stop: int) -> bool:
        """Whether `boxes` meet nothing of the owners before `stop`; False: perhaps."""
        return next(self.above(boxes, stop), None) is None

    def above(self, boxes: Iterable[Box], stop: int) -> Iterator[int]:
        """Yield the owners before `stop` that `boxes` meet, but for hidden ones; perhaps others.

        In no order; some may come twice.
        """
        last = self._first(stop)
        for box in boxes:
            for item in positions(self._touching(box, last, ())):
                yield self._owners[item]

    def touching(self, boxes: Iterable[Box], start: int, stop: int) -> Iterator[int]:
        """Yield the owners from `start` to `stop - 1` that `boxes` meet, and perhaps others.

        In no order; some may come twice.
        """
        span = self._first(start), self._first(stop)
        for box in boxes:
            for item in positions(self._shown.every.touching(box, *span)):
                yield self._owners[item]

    def holder(self, box: Box, stop: int) -> int | None:
        """Return the first owner before `stop` one of whose boxes holds all of `box`.

        None where none is seen at once.
        """
        found = sorted(positions(self._shown.holding(box, self._first(stop))))
        return next((self._owners[item] for item in found if inside(box, self._boxes[item])), None)

    def glimpse(self, box: Box, stop: int) -> Box | None:
        """Return packets of `box` that no owner before `stop` holds, if the first pick is such."""
        packet = self._packet(box, 0)
        return packet if self._over(packet, self._first(stop), ()) is None else None

    def takers(self, box: Box, stop: int, most: int) -> Iterator[tuple[int, Box]]:
        """Yield owners before `stop` that hold packets of `box` first, with such packets.

        Not all there are: those that a few picks meet, `most` at most.
        """
        pieces = [box]
        for turn in range(most):
            if not pieces:
                return
            piece = pieces.pop()
            packet = self._packet(piece, turn)
            first = self._first_over(packet, stop)
            if first is not None:
                taken = packet & self._boxes[first]
                if taken is not None:
                    yield self._owners[first], taken
                pieces += piece.cut(self._boxes[first], self._family)

    def left(self, boxes: Iterable[Box], stop: int, but: Container[int] = ()) -> Box | None:
        """Return packets of `boxes` that the owners before `stop`, all but `but`, leave.

        Raises:
            NotDecided: it takes too much work.
        """
        parts = (self._peeled(box, self._first(stop), but, []) for box in boxes)
        return next((part for part in parts if part is not None), None)

    def cover(self, boxes: Sequence[Box], stop: int) -> Cover:
        """Return what the owners before `stop` leave of `boxes`, or which of them cover all.

        Raises:
            NotDecided: it takes too much work.
        """
        used: list[int] = []
        for box in boxes:
            left = self._peeled(box, self._first(stop), (), used)
            if left is not None:
                return Cover(left)
        return Cover(None, tuple(self.needed(boxes, sorted({self._owners[i] for i in used}))))

    def _peeled(self, box: Box, last: int, but: Container[int], used: list[int]) -> Box | None:
        """Return packets of `box` that no item takes; None when `used`, with those added, do."""
        if next(self._touching(box, last, but), None) is None:
            return box
        pieces = [box]
        for cuts in range(MOST_CUTS):
            if not pieces:
                return None
            if cuts == _PATIENCE:
                packet = self._packet(self._refusing(box, last), cuts)
                if self._over(packet, last, but) is None:
                    return packet
            piece = pieces.pop()
            packet = self._packet(piece, cuts)
            item = self._over(packet, last, but)
            if item is None:
                return packet
            self._cuts_left -= 1
            if self._cuts_left < 0:
                break
            used.append(item)
            pieces += piece.cut(self._boxes[item], self._family)
        raise NotDecided

    def _refusing(self, box: Box, last: int) -> Box:
        """Return the packets of `box` of which nothing is true that items ask, but for marks."""
        refused = {
            each if each.negated else negation(each)
            for item in positions(self._touching(box, last, ()))
            for each in self._boxes[item].conditions
            if not isinstance(each, Mark)
        }
        refused -= {each if each.negated else negation(each) for each in box.conditions}
        return (box & Box.of({}, tuple(refused))) or box

    def _first(self, owner: int) -> int:
        return bisect_left(self._owners, owner)

    @cached_property
    def _cuts(self) -> dict[Field, list[int]]:
        """The values of each field at which some box begins or has ended, in order."""
        cuts: dict[Field, list[int]] = {}
        columns = zip(*(box.sets for box in self._boxes), strict=True)
        for field, column in zip(Field, columns, strict=False):  # No columns of no boxes.
            sets = {values.ranges for values in column if values is not None}
            ends = {end for ranges in sets for low, high in ranges for end in (low, high + 1)}
            if ends:
                cuts[field] = sorted(ends)
        return cuts

    def _packet(self, piece: Box, turn: int) -> Box:
        """Return packets of `piece` that no box tells apart, but by its conditions."""
        sets = list(piece.sets)
        for field, cuts in self._cuts.items():
            values = sets[field] or self._universes[field]
            fraction = (turn * len(sets) + field + 1) * _GOLDEN & _FRACTION
            if len(values.ranges) == 1:
                low, high = values.ranges[0]
                value = low + (fraction * (high - low + 1) >> 64)
            else:
                value, low, high = _member(values, fraction * values.size >> 64)
            after = bisect_right(cuts, value)
            if after:
                low = max(low, cuts[after - 1])
            if after < len(cuts):
                high = min(high, cuts[after] - 1)
            sets[field] = interval(low, high)
        return Box(tuple(sets), piece.conditions)

    def _over(self, packet: Box, last: int, but: Container[int]) -> int | None:
        """Return an item that meets `packet`, the largest of some; None if none does."""
        best = None
        for found in self._touching(packet, last, but):
            for item in positions((found,)):  # The large ones come first.
                if self._owners[item] in but or not packet.meets(self._boxes[item]):
                    continue
                if best is None or self._sizes[best] < self._sizes[item]:
                    best = item
                break
        return best

    def _touching(self, box: Box, last: int, but: Container[int]) -> Iterator[Found]:
        """Yield what may meet `box`; the hidden count where those that cover them may not."""
        return self._shown.every.touching(box, 0, last) if but else self._shown.touching(box, last)

    def _first_over(self, packet: Box, stop: int) -> int | None:
        found = sorted(positions(self._touching(packet, self._first(stop), ())))
        return next((item for item in found if packet.meets(self._boxes[item])), None)

    @cached_property
    def _sizes(self) -> list[int]:
        """How many packets each box holds, half of them for each condition."""
        whole = [values.size for values in self._universes]
        return [_size(box, whole) >> len(box.conditions) for box in self._boxes]

    def needed(self, boxes: Sequence[Box], owners: Sequence[int]) -> Sequence[int]:
        """Return as few of `owners` as still cover `boxes`, the small ones left out first."""
        if not 1 < len(owners) <= _MOST_MINIMISED:
            return owners
        needed = list(owners)
        items = {owner: range(self._first(owner), self._first(owner + 1)) for owner in owners}
        sizes = {owner: sum(self._sizes[item] for item in items[owner]) for owner in owners}
        for owner in sorted(owners, key=sizes.__getitem__):
            mine = (self._boxes[item] for item in items[owner])
            taken = [both for one in mine for box in boxes if (both := box & one) is not None]
            others = [item for other in needed if other != owner for item in items[other]]
            others.sort(key=self._sizes.__getitem__, reverse=True)
            if self._is_covered(taken, others):
                needed.remove(owner)
        return needed

    def _is_covered(self, boxes: Sequence[Box], items: Sequence[int]) -> bool:
        """Whether `items` cover `boxes`; one that is not covered ends the search."""
        left = [(box, 0) for box in boxes]
        while left:
            piece, start = left.pop()
            for turn in range(start, len(items)):
                other = self._boxes[items[turn]]
                if piece.meets(other):
                    left += ((rest, turn + 1) for rest in piece.cut(other, self._family))
                    break
            else:
                return False
        return True


def _size(box: Box, whole: Sequence[int]) -> int:
    size = 1
    for values, most in zip(box.sets, whole, strict=True):
        size *= most if values is None else values.size
    return size


def inside(box: Box, other: Box) -> bool:
    """Whether `box` lies in `other`, as far as is seen at once: implied marks are missed."""
    for mine, theirs in zip(box.sets, other.sets, strict=True):
        if theirs is not None and mine is not theirs and (mine is None or not mine <= theirs):
            return False
    return not other.conditions or set(other.conditions) <= set(box.conditions)


def _member(values: IntervalSet, index: int) -> tuple[int, int, int]:
    """Return the member of a set at `index`, and the ends of its range."""
    for low, high in values.ranges:
        if index <= high - low:
            return low + index, low, high
        index -= high - low + 1
    raise IndexError(index)
