"""Sets of integers as intervals: the one set type under every dimension of a packet."""

from collections.abc import Iterable, Iterator
from typing import Final

from natc.record import Record


class IntervalSet(Record):
    """A set of integers.

    Attributes:
        ranges: sorted, disjoint, non-adjacent closed intervals, so `==` is set equality.
    """

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> "IntervalSet":
        """Return the union of closed `ranges`, in any order, overlapping or not.

        Raises:
            ValueError: a range is reversed.
        """
        merged: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if low > high:
                raise ValueError(f"reversed range {low}-{high}")
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.ranges == other.ranges

    def __contains__(self, value: int) -> bool:
        return any(low <= value <= high for low, high in self.ranges)

    def __or__(self, other: "IntervalSet") -> "IntervalSet":
        return IntervalSet.of(self.ranges + other.ranges)

    def __and__(self, other: "IntervalSet") -> "IntervalSet":
        if len(self.ranges) == len(other.ranges) == 1:  # Nearly always.
            (low, high), (start, end) = self.ranges[0], other.ranges[0]
            low, high = max(low, start), min(high, end)
            return IntervalSet(((low, high),)) if low <= high else EMPTY
        return IntervalSet(tuple(_intersection(self.ranges, other.ranges)))

    def __sub__(self, other: "IntervalSet") -> "IntervalSet":
        if len(self.ranges) == len(other.ranges) == 1:
            (low, high), (start, end) = self.ranges[0], other.ranges[0]
            if low < start:
                if end < high:
                    return IntervalSet(((low, start - 1), (end + 1, high)))
                return IntervalSet(((low, min(high, start - 1)),))
            low = max(low, end + 1)
            return IntervalSet(((low, high),)) if low <= high else EMPTY
        return IntervalSet(tuple(_difference(self.ranges, other.ranges)))

    def __le__(self, other: "IntervalSet") -> bool:
        if len(self.ranges) == len(other.ranges) == 1:
            (low, high), (start, end) = self.ranges[0], other.ranges[0]
            return start <= low and high <= end
        return not self - other

    def meets(self, other: "IntervalSet") -> bool:
        """Whether the two have a member in common."""
        if len(self.ranges) == len(other.ranges) == 1:
            (low, high), (start, end) = self.ranges[0], other.ranges[0]
            return low <= end and start <= high
        return bool(self & other)

    @property
    def size(self) -> int:
        """How many integers it holds."""
        size = 0
        for low, high in self.ranges:
            size += high - low + 1
        return size

    @property
    def first(self) -> int:
        """The smallest member; the set must not be empty."""
        return self.ranges[0][0]

    @property
    def last(self) -> int:
        """The largest member; the set must not be empty."""
        return self.ranges[-1][1]


def point(value: int) -> IntervalSet:
    """Return the set of one integer."""
    return IntervalSet(((value, value),))


def interval(low: int, high: int) -> IntervalSet:
    """Return the set of the integers `low` to `high`, `low` <= `high`."""
    return IntervalSet(((low, high),))


EMPTY: Final = IntervalSet()


def _intersection(
    left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]
) -> Iterator[tuple[int, int]]:
    i = j = 0
    while i < len(left) and j < len(right):
        low = max(left[i][0], right[j][0])
        high = min(left[i][1], right[j][1])
        if low <= high:
            yield low, high
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1


def _difference(
    left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]
) -> Iterator[tuple[int, int]]:
    j = 0
    for start, high in left:
        low = start
        while j < len(right) and right[j][1] < low:
            j += 1
        k = j
        while k < len(right) and right[k][0] <= high:
            if right[k][0] > low:
                yield low, right[k][0] - 1
            low = right[k][1] + 1
            k += 1
        if low <= high:
            yield low, high
