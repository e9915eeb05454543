"""Boxes that lie over each other: what those above a box leave of it, and who takes the rest.

A packet of the box is picked, whoever lies over it is found and cut away, and so on with what is
left: a box of which something is left is mostly done with its first packets, one of which nothing
is left takes about as many cuts as others lie over it.  The work is bounded; what is not decided
within the bounds says so.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from natc.address import Family
from natc.ir.fields import universes
from natc.ir.index import Index, positions
from natc.ir.intervals import IntervalSet, point
from natc.ir.space import Box
from natc.record import Record

MOST_CUTS = 2_000
"""Cuts before a question is given up."""

_MOST_COMPARED = 32
"""Boxes over one packet, or one box, among which the best is looked for."""

_MOST_MINIMISED = 48
"""Covering boxes among which needless ones are looked for."""

_GOLDEN = 0x9E3779B97F4A7C15
"""Spreads picks evenly.  The golden ratio, in 1/2**64."""


class NotDecided(Exception):  # noqa: N818 - an answer, not an error of natc
    """More than `MOST_CUTS` cuts."""


class Cover(Record):
    """What lies over boxes.

    Attributes:
        left: packets that nothing covers; None when all are covered.
        by: the owners of what covers all, ascending; without any one of them, something is left.
    """

    left: Box | None
    by: tuple[int, ...] = ()


class Stack:
    """Boxes, each with an owner: a number that never falls from one box to the next."""

    def __init__(self, family: Family, boxes: Iterable[tuple[int, Box]]) -> None:
        self._family = family
        items = list(boxes)
        self._owners = [owner for owner, _ in items]
        self._boxes = [box for _, box in items]
        self._index = Index(self._boxes)
        self._asked = {field for box in self._boxes for field, _ in box.restricted()}

    def touching(self, box: Box, start: int, stop: int) -> list[int]:
        """Return the owners from `start` to `stop - 1` that `box` meets, and perhaps others."""
        found = self._index.touching(box, self._first(start), self._first(stop))
        return sorted({self._owners[item] for item in positions(found)}) if found else []

    def cover(self, boxes: Sequence[Box], start: int, stop: int, but: int | None = None) -> Cover:
        """Return what the owners from `start` to `stop - 1`, all but `but`, leave of `boxes`.

        Raises:
            NotDecided: it takes too much work.
        """
        span = self._first(start), self._first(stop)
        used: list[int] = []
        for box in boxes:
            left = self._peeled(box, span, but, used)
            if left is not None:
                return Cover(left)
        return Cover(None, tuple(self._needed(boxes, sorted({self._owners[i] for i in used}))))

    def _peeled(
        self, box: Box, span: tuple[int, int], but: int | None, used: list[int]
    ) -> Box | None:
        """Return packets of `box` that no item takes; None when `used`, with those added, do."""
        if not self._index.touching(box, *span):
            return box
        whole = self._best(box, box, span, but)
        if whole is None:
            return box
        if inside(box, self._boxes[whole]):
            used.append(whole)
            return None
        pieces = [box]
        cuts = 0
        while pieces:
            piece = pieces.pop()
            packet = self._packet(piece, cuts)
            item = self._best(packet, piece, span, but)
            if item is None:
                return packet
            used.append(item)
            cuts += 1
            if cuts > MOST_CUTS:
                raise NotDecided
            pieces += piece.minus(self._boxes[item], self._family)
        return None

    def _first(self, owner: int) -> int:
        return bisect_left(self._owners, owner)

    def _packet(self, piece: Box, turn: int) -> Box:
        """Return one packet of `piece`, as far as any box asks."""
        sets = list(piece.sets)
        for field in self._asked:
            values = sets[field] or universes(self._family)[field]
            fraction = (turn * len(sets) + field + 1) * _GOLDEN & (1 << 64) - 1
            sets[field] = point(_member(values, fraction * values.size >> 64))
        return Box(tuple(sets), piece.conditions)

    def _best(self, packets: Box, piece: Box, span: tuple[int, int], but: int | None) -> int | None:
        """Return an item that meets `packets`: one that takes all of `piece`, if there is any."""
        best: int | None = None
        for count, item in enumerate(positions(self._index.touching(packets, *span))):
            if best is not None and count > _MOST_COMPARED:
                break
            box = self._boxes[item]
            if self._owners[item] == but or box & packets is None:
                continue
            if inside(piece, box):
                return item
            if best is None or len(box.conditions) < len(self._boxes[best].conditions):
                best = item
        return best

    def _needed(self, boxes: Sequence[Box], owners: Sequence[int]) -> Sequence[int]:
        """Return as few of `owners` as still cover `boxes`, those with the smallest parts out."""
        if not 1 < len(owners) <= _MOST_MINIMISED:
            return owners
        needed = list(owners)
        parts = {
            owner: self._boxes[self._first(owner) : self._first(owner + 1)] for owner in owners
        }
        for owner in sorted(owners, key=lambda owner: _shared(boxes, parts[owner])):
            others = [other for other in needed if other != owner]
            if not self._left(boxes, (box for other in others for box in parts[other])):
                needed = others
        return needed

    def _left(self, pieces: Iterable[Box], others: Iterable[Box]) -> list[Box]:
        left = list(pieces)
        for other in others:
            left = [rest for piece in left for rest in piece.minus(other, self._family)]
        return left


def _shared(boxes: Iterable[Box], others: Sequence[Box]) -> int:
    """Return a measure of the packets that are in both."""
    return sum(_size(both) for box in boxes for other in others if (both := box & other))


def _size(box: Box) -> int:
    size = 1
    for values in box.sets:
        size *= 1 if values is None else values.size
    return size


def inside(box: Box, other: Box) -> bool:
    """Whether `box` lies in `other`, as far as is seen at once: implied marks are missed."""
    for mine, theirs in zip(box.sets, other.sets, strict=True):
        if theirs is not None and mine is not theirs and (mine is None or not mine <= theirs):
            return False
    return not other.conditions or set(other.conditions) <= set(box.conditions)


def _member(values: IntervalSet, index: int) -> int:
    for low, high in values.ranges:
        if index <= high - low:
            return low + index
        index -= high - low + 1
    raise IndexError(index)
