"""`natc.ir.intervals` against Python's sets, on a universe small enough to count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from tests.strategies import interval_sets

UNIVERSE = range(25)
SETS = interval_sets(0, 24)
RANGES = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 24)).map(lambda pair: (min(pair), max(pair))),
    max_size=8,
)


def members(values: IntervalSet) -> set[int]:
    """Return the integers that the ranges hold."""
    return {value for low, high in values.ranges for value in range(low, high + 1)}


def assert_canonical(values: IntervalSet) -> None:
    """Fail unless the ranges are sorted, disjoint, non-adjacent and not reversed."""
    assert all(low <= high for low, high in values.ranges)
    pairs = zip(values.ranges, values.ranges[1:], strict=False)
    assert all(before[1] + 1 < after[0] for before, after in pairs)


@given(RANGES)
def test_of_is_the_union_of_the_ranges_in_canonical_form(ranges: list[tuple[int, int]]) -> None:
    values = IntervalSet.of(ranges)
    assert_canonical(values)
    expected = {value for low, high in ranges for value in range(low, high + 1)}
    assert expected == members(values)


def test_of_refuses_a_reversed_range() -> None:
    with pytest.raises(ValueError, match="reversed"):
        IntervalSet.of([(2, 1)])


@given(SETS, SETS)
def test_operators_are_those_of_sets(left: IntervalSet, right: IntervalSet) -> None:
    for made, expected in (
        (left | right, members(left) | members(right)),
        (left & right, members(left) & members(right)),
        (left - right, members(left) - members(right)),
    ):
        assert_canonical(made)
        assert expected == members(made)
    assert (members(left) <= members(right)) == (left <= right)


@given(SETS, SETS)
def test_equality_and_hash_are_those_of_sets(left: IntervalSet, right: IntervalSet) -> None:
    assert (members(left) == members(right)) == (left == right)
    if left == right:
        assert hash(left) == hash(right)


@given(SETS)
def test_size_ends_truth_and_membership(values: IntervalSet) -> None:
    inside = members(values)
    assert len(inside) == values.size
    assert bool(inside) == bool(values)
    assert [value in inside for value in UNIVERSE] == [value in values for value in UNIVERSE]
    if inside:
        assert (min(inside), max(inside)) == (values.first, values.last)


@given(SETS, SETS, SETS)
def test_laws_of_set_algebra(a: IntervalSet, b: IntervalSet, c: IntervalSet) -> None:
    assert a - (b | c) == (a - b) & (a - c) == (a - b) - c
    assert a & (b | c) == (a & b) | (a & c)
    assert (a - b) | (a & b) == a
    assert a - a == EMPTY


@given(st.integers(0, 24), st.integers(0, 24))
def test_point_and_interval(low: int, length: int) -> None:
    assert {low} == members(point(low))
    assert set(range(low, low + length + 1)) == members(interval(low, low + length))
