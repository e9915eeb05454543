"""Which boxes of many a box can meet, without looking at each.

Boxes that restrict the field that tells most of them apart are sorted along it and cut into packs;
the others likewise by the field that tells most of them apart, and so on.  In a pack every field
knows, for each place where boxes begin or end, which boxes have begun or not yet ended, as one
integer with a bit for each box.  What meets a box is then a few `&` of integers.

A field with many ranges counts from its first to its last value, and conditions not at all: what is
found may not meet, what is not found does not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter, or_

from natc.ir.intervals import IntervalSet
from natc.ir.space import Box

_PACK = 512
_BITS = [1 << bit for bit in range(_PACK)]
_MOST_PIECES = 64
"""Ranges of one field that are looked at one by one."""

Span = tuple[int, int]
Hull = Sequence[Span | None]
"""The first and last value of each field that any box restricts, None where a box does not."""

Sets = Sequence[IntervalSet | None]

_EVERY = (0, 1 << 300)
_WHOLE = 2.0**64
"""What a field that is not restricted counts."""


class Index:
    """Boxes by their position in a sequence, all or some of them."""

    def __init__(self, boxes: Iterable[tuple[int, Box]]) -> None:
        every = [(position, box.sets) for position, box in boxes]
        self._restricted = itemgetter(*_restricted(sets for _, sets in every))
        pieces = [
            (position, hull) for position, sets in every for hull in _hulls(self._restricted(sets))
        ]
        self._rows = list(_rows(pieces))

    def touching(self, box: Box, start: int, stop: int) -> "Iterator[Found]":
        """Yield what `box` can meet among the positions `start` to `stop - 1`, packed.

        A box of which several ranges are looked at finds some twice.
        """
        for hull in _hulls(self._restricted(box.sets)):
            for row in self._rows:
                for pack in row.meeting(hull):
                    mask = pack.touching(hull, start, stop)
                    if mask:
                        yield pack, mask

    def holding(self, box: Box, stop: int) -> "Iterator[Found]":
        """Yield what can hold all of `box` among the first `stop`, packed.

        Of a box with several ranges each is kept on its own, so one that holds all is missed.
        """
        hull = _whole(self._restricted(box.sets))
        for row in self._rows:
            for pack in row.holding(hull):
                mask = pack.holding(hull, stop)
                if mask:
                    yield pack, mask


def positions(found: "Iterable[Found]") -> Iterator[int]:
    """Yield the positions that an index has found; some may come twice."""
    for pack, mask in found:
        left = mask
        while left:
            bit = left & -left
            left ^= bit
            yield pack.positions[bit.bit_length() - 1]


def _rows(pieces: "list[Piece]") -> "Iterator[_Row]":
    """Yield rows that together hold all pieces: one for each field that tells the rest apart."""
    left = pieces
    while left:
        fields = _telling([hull for _, hull in left])
        primary = fields[0] if fields else 0
        row = [piece for piece in left if piece[1][primary] is not None] or left
        left = [] if row is left else [piece for piece in left if piece[1][primary] is None]
        row.sort(key=lambda piece: piece[1][primary] or _EVERY)
        yield _Row(row, primary)


class _Row:
    """Packs of boxes, sorted along one field which all of them restrict, or none."""

    def __init__(self, pieces: "Sequence[Piece]", primary: int) -> None:
        hulls = [hull for _, hull in pieces]
        self._primary = primary
        self._common = list(_common(hulls))
        fields = _telling(hulls)
        self._packs = [
            _Pack(pieces[at : at + _PACK], fields, primary) for at in range(0, len(pieces), _PACK)
        ]
        self._lows = [pack.low for pack in self._packs]
        self._highs = list(accumulate((pack.high for pack in self._packs), max))

    def meeting(self, hull: Hull) -> "Iterable[_Pack]":
        """Return the packs with boxes that may meet `hull`."""
        for field, low, high in self._common:
            span = hull[field]
            if span is not None and (span[1] < low or high < span[0]):
                return ()
        low, high = hull[self._primary] or _EVERY
        return self._from_to(high, low)

    def holding(self, hull: Hull) -> "Iterable[_Pack]":
        """Return the packs with boxes that may hold all of `hull`."""
        for field, low, high in self._common:
            span = hull[field]
            if span is None or span[0] < low or high < span[1]:
                return ()
        return self._from_to(*(hull[self._primary] or _EVERY))

    def _from_to(self, start: int, end: int) -> "Iterator[_Pack]":
        """Yield the packs that begin at `start` or before, and end at `end` or after."""
        for place in range(bisect_right(self._lows, start) - 1, -1, -1):
            if self._highs[place] < end:
                return  # So do all before it.
            if self._packs[place].high >= end:
                yield self._packs[place]


class _Pack:
    """Some boxes that lie near each other.

    Attributes:
        positions: of each bit's box, the large boxes first.
        low, high: the values of the primary field between which all lie.
    """

    def __init__(self, pieces: "Sequence[Piece]", fields: Sequence[int], primary: int) -> None:
        pieces = sorted(pieces, key=lambda piece: _size(piece[1], fields), reverse=True)
        self.positions = [position for position, _ in pieces]
        self._order = _Steps(self.positions)
        hulls = [hull for _, hull in pieces]
        self._lines = [(field, *_begun_and_ended(hulls, field)) for field in fields]
        spans = [hull[primary] or _EVERY for hull in hulls]
        self.low = min(low for low, _ in spans)
        self.high = max(high for _, high in spans)

    def touching(self, hull: Hull, start: int, stop: int) -> int:
        """Return the bits of the boxes that meet `hull`, at positions `start` to `stop - 1`."""
        mask = self._order.before(stop)
        if start:
            mask &= ~self._order.before(start)
        for field, begun, ended in self._lines:
            span = hull[field]
            if span is not None:
                mask &= begun.until(span[1]) & ~ended.before(span[0])
        return mask

    def holding(self, hull: Hull, stop: int) -> int:
        """Return the bits of the boxes that can hold `hull`, at the positions before `stop`."""
        mask = self._order.before(stop)
        for field, begun, ended in self._lines:
            low, high = hull[field] or _EVERY
            mask &= begun.until(low) & ~ended.before(high)
        return mask


Found = tuple[_Pack, int]
Piece = tuple[int, Hull]


class _Steps:
    """A set of bits that grows along a line; those without a place are always in it."""

    def __init__(self, places: Sequence[int | None]) -> None:
        placed = [(place, bit) for bit, place in enumerate(places) if place is not None]
        first = 0
        if len(placed) < len(places):
            first = sum(_BITS[bit] for bit, place in enumerate(places) if place is None)
        placed.sort()
        self._places = [place for place, _ in placed]
        self._masks = list(accumulate((_BITS[bit] for _, bit in placed), or_, initial=first))

    def until(self, place: int) -> int:
        """Return the bits whose place is `place` or before."""
        return self._masks[bisect_right(self._places, place)]

    def before(self, place: int) -> int:
        """Return the bits whose place is before `place`."""
        return self._masks[bisect_left(self._places, place)]


def _begun_and_ended(hulls: Sequence[Hull], field: int) -> tuple[_Steps, _Steps]:
    """Return where boxes begin and where they end; one that spans the field never ends."""
    spans = [hull[field] for hull in hulls]
    return (
        _Steps([None if span is None else span[0] for span in spans]),
        _Steps([_EVERY[1] if span is None else span[1] for span in spans]),
    )


def _restricted(every: Iterable[Sets]) -> list[int]:
    """Return the fields that any box restricts; two at least, for `itemgetter`."""
    fields = [field for field, sets in enumerate(zip(*every, strict=True)) if any(sets)]
    return fields if len(fields) > 1 else [*fields, *range(2)]


def _hulls(sets: Sets) -> Iterable[Hull]:
    """Return hulls that hold a box: one for each range of the field that has most of them."""
    hull: list[Span | None] = []
    most, count = 0, 1
    for values in sets:
        if values is None:
            hull.append(None)
            continue
        ranges = values.ranges
        if len(ranges) > 1:
            if count < len(ranges) <= _MOST_PIECES:
                most, count = len(hull), len(ranges)
            hull.append((ranges[0][0], ranges[-1][1]))
        else:
            hull.append(ranges[0])
    if count == 1:
        return (hull,)
    values = sets[most]
    spans = () if values is None else values.ranges
    return [[*hull[:most], span, *hull[most + 1 :]] for span in spans]


def _whole(sets: Sets) -> Hull:
    return [
        None if values is None else (values.ranges[0][0], values.ranges[-1][1]) for values in sets
    ]


def _size(hull: Hull, fields: Iterable[int]) -> float:
    """Return how large a box is among boxes that these fields tell apart, roughly."""
    size = 1.0
    for field in fields:
        span = hull[field]
        size *= _WHOLE if span is None else (span[1] - span[0] + 1) / _WHOLE
    return size


def _telling(hulls: Sequence[Hull]) -> list[int]:
    """Return the fields that tell boxes apart, the one with most spans first."""
    spans = [len(set(column)) for column in zip(*hulls, strict=True)]
    telling = [field for field, count in enumerate(spans) if count > 1]
    return sorted(telling, key=lambda field: (-spans[field], field))


def _common(hulls: Sequence[Hull]) -> Iterator[tuple[int, int, int]]:
    """Yield the fields that all boxes restrict in one way, with the first and last value."""
    for field, span in enumerate(hulls[0]):
        if span is not None and all(hull[field] == span for hull in hulls):
            yield field, *span
