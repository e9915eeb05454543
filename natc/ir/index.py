"""Which boxes of many a box can meet, without looking at each.

Boxes are packed: sorted along the field that tells most of them apart, and cut into packs.  In a
pack every field knows, for each place where boxes begin or end, which boxes have begun or not yet
ended, as one integer with a bit for each box.  What meets a box is then a few `&` of integers.

A field with many ranges counts from its first to its last value, and conditions not at all: what is
found may not meet, what is not found does not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import or_

from natc.ir.fields import Field
from natc.ir.space import Box

_PACK = 1024
_BITS = [1 << bit for bit in range(_PACK)]
_MOST_PIECES = 64
"""Ranges of one field that are looked at one by one."""

Span = tuple[int, int]
Hull = Sequence[Span | None]
"""The first and last value of each field, None where it is not restricted."""

_EVERY = (0, 1 << 300)


class Index:
    """Boxes by their position in a sequence."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        pieces = [(position, hull) for position, box in enumerate(boxes) for hull in hulls(box)]
        fields = _telling([hull for _, hull in pieces])
        primary = self._primary = fields[0] if fields else Field.DESTINATION
        everywhere = [piece for piece in pieces if piece[1][primary] is None]
        somewhere = [piece for piece in pieces if piece[1][primary] is not None]
        somewhere.sort(key=lambda piece: piece[1][primary] or _EVERY)
        self._everywhere = _packed(everywhere, fields)
        self._packs = _packed(somewhere, fields)
        self._lows = [pack.low for pack in self._packs]
        self._highs = list(accumulate((pack.high for pack in self._packs), max))

    def touching(self, box: Box, start: int, stop: int) -> "list[Found]":
        """Return what `box` can meet among the positions `start` to `stop - 1`, packed."""
        found: dict[_Pack, int] = {}
        for hull in hulls(box):
            for pack in self._near(*(hull[self._primary] or _EVERY)):
                mask = pack.touching(hull, start, stop)
                if mask:
                    found[pack] = found.get(pack, 0) | mask
        return list(found.items())

    def holding(self, box: Box, start: int, stop: int) -> "list[Found]":
        """Return what can hold all of `box` among the positions `start` to `stop - 1`, packed.

        Of a box with several ranges each is kept on its own, so one that holds all is missed.
        """
        hull = _whole(box)
        packs = self._near(*(hull[self._primary] or _EVERY))
        found = ((pack, pack.holding(hull, start, stop)) for pack in packs)
        return [(pack, mask) for pack, mask in found if mask]

    def _near(self, low: int, high: int) -> "list[_Pack]":
        """Return the packs with boxes that may have a value from `low` to `high`."""
        near = list(self._everywhere)
        for place in range(bisect_right(self._lows, high) - 1, -1, -1):
            if self._highs[place] < low:
                break  # So do all before it.
            if self._packs[place].high >= low:
                near.append(self._packs[place])
        return near


def _packed(pieces: Sequence[tuple[int, Hull]], fields: Sequence[Field]) -> "list[_Pack]":
    return [_Pack(pieces[at : at + _PACK], fields) for at in range(0, len(pieces), _PACK)]


def positions(found: "Iterable[Found]") -> Iterator[int]:
    """Yield the positions that an index has found; some may come twice."""
    for pack, mask in found:
        left = mask
        while left:
            bit = left & -left
            left ^= bit
            yield pack.positions[bit.bit_length() - 1]


class _Pack:
    """Some boxes that lie near each other.

    Attributes:
        positions: of each bit's box.
        low, high: the values of the primary field, the first of `fields`, between which all lie.
    """

    def __init__(self, pieces: Sequence[tuple[int, Hull]], fields: Sequence[Field]) -> None:
        self.positions = [position for position, _ in pieces]
        self._order = _Steps(self.positions)
        hulls = [hull for _, hull in pieces]
        self._lines = [(field, *_begun_and_ended(hulls, field)) for field in fields]
        spans = [hull[fields[0]] or _EVERY for hull in hulls] if fields else [_EVERY]
        self.low = spans[0][0]
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

    def holding(self, hull: Hull, start: int, stop: int) -> int:
        """Return the bits of the boxes that can hold `hull`, at positions `start` to `stop - 1`."""
        mask = self._order.before(stop)
        if start:
            mask &= ~self._order.before(start)
        for field, begun, ended in self._lines:
            low, high = hull[field] or _EVERY
            mask &= begun.until(low) & ~ended.before(high)
        return mask


Found = tuple[_Pack, int]


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


def _begun_and_ended(hulls: Sequence[Hull], field: Field) -> tuple[_Steps, _Steps]:
    """Return where boxes begin and where they end; one that spans the field never ends."""
    spans = [hull[field] for hull in hulls]
    return (
        _Steps([None if span is None else span[0] for span in spans]),
        _Steps([_EVERY[1] if span is None else span[1] for span in spans]),
    )


def hulls(box: Box) -> Iterable[Hull]:
    """Return hulls that hold the box: one for each range of the field that has most of them."""
    hull: list[Span | None] = []
    most, count = 0, 1
    for values in box.sets:
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
    values = box.sets[most]
    spans = () if values is None else values.ranges
    return [[*hull[:most], span, *hull[most + 1 :]] for span in spans]


def _whole(box: Box) -> list[Span | None]:
    return [
        None if values is None else (values.ranges[0][0], values.ranges[-1][1])
        for values in box.sets
    ]


def _telling(hulls: Sequence[Hull]) -> list[Field]:
    """Return the fields that tell boxes apart, the one with most spans first."""
    spans = {field: {hull[field] for hull in hulls} for field in Field}
    telling = [field for field in Field if len(spans[field]) > 1]
    return sorted(telling, key=lambda field: (-len(spans[field]), field))
