"""Sets of integers and of packets."""

from collections.abc import Mapping

from hypothesis import strategies as st

from natc.address import Family
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box, Region


def interval_sets(low: int, high: int, *, min_size: int = 0) -> st.SearchStrategy[IntervalSet]:
    """Return sets of integers in `low`..`high`, of at least `min_size` intervals before merging."""
    ends = st.tuples(st.integers(low, high), st.integers(low, high))
    ranges = ends.map(lambda pair: (min(pair), max(pair)))
    return st.lists(ranges, min_size=min_size, max_size=4).map(IntervalSet.of)


def boxes(grid: Mapping[Field, range]) -> st.SearchStrategy[Box]:
    """Return boxes that restrict some of the fields of `grid` to values in or beside its ranges."""
    rows = {
        field: st.none() | interval_sets(values[0], values[-1], min_size=1)
        for field, values in grid.items()
    }
    return st.fixed_dictionaries(rows).map(
        lambda row: Box.of({field: values for field, values in row.items() if values is not None})
    )


def regions(grid: Mapping[Field, range]) -> st.SearchStrategy[Region]:
    """Return unions of up to three disjoint boxes."""

    def union(parts: list[Box]) -> Region:
        found: list[Box] = []
        for part in parts:
            rest = Region((part,)).minus(Region(tuple(found)), Family.IPV4)
            found.extend(rest.boxes)
        return Region(tuple(found))

    return st.lists(boxes(grid), max_size=3).map(union)
