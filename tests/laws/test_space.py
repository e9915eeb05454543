"""`natc.ir.space` and `natc.ir.fields` against brute force: a region is the packets it holds."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natc.address import Family
from natc.ir import fields
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import EVERYTHING, Box, Region
from tests.strategies import INTERFACES, boxes, interval_sets, regions

GRID = {
    Field.IN_INTERFACE: range(3),
    Field.SOURCE: range(4),
    Field.PROTOCOL: range(3),
    Field.LOCAL_DESTINATION: range(2),
}
"""The fields that the random boxes restrict, and the values tried, some outside of every box."""

POINTS = [dict(zip(GRID, values, strict=True)) for values in product(*GRID.values())]
BOXES = boxes(GRID)
REGIONS = regions(GRID)
FAMILY = Family.IPV4


def holds(box: Box, point: dict[Field, int]) -> bool:
    """Say whether `point` lies in every set of `box`; conditions are not asked."""
    return all(point[field] in values for field, values in box.restricted() if field in point)


def packets(boxes: tuple[Box, ...]) -> list[int]:
    """Return how many of `boxes` hold each point of the grid."""
    return [sum(holds(box, point) for box in boxes) for point in POINTS]


def assert_well_formed(boxes: tuple[Box, ...]) -> None:
    """Fail unless no set of a box is empty."""
    assert all(values for box in boxes for _, values in box.restricted())


@given(BOXES, BOXES)
def test_box_intersection(left: Box, right: Box) -> None:
    both = left & right
    made = () if both is None else (both,)
    assert_well_formed(made)
    expected = [int(holds(left, point) and holds(right, point)) for point in POINTS]
    assert expected == packets(made)


@given(BOXES, BOXES)
def test_box_difference_is_exact_and_disjoint(left: Box, right: Box) -> None:
    made = tuple(left.minus(right, FAMILY))
    assert_well_formed(made)
    expected = [int(holds(left, point) and not holds(right, point)) for point in POINTS]
    assert expected == packets(made)


@given(REGIONS, REGIONS)
def test_region_difference_is_exact_and_disjoint(left: Region, right: Region) -> None:
    made = left.minus(right, FAMILY)
    assert_well_formed(made.boxes)
    mine, theirs = packets(left.boxes), packets(right.boxes)
    assert [int(bool(a) and not b) for a, b in zip(mine, theirs, strict=True)] == packets(
        made.boxes
    )


@given(REGIONS, REGIONS)
def test_region_intersection_is_exact_and_disjoint(left: Region, right: Region) -> None:
    made = left & right
    assert_well_formed(made.boxes)
    mine, theirs = packets(left.boxes), packets(right.boxes)
    assert [int(a and b) for a, b in zip(mine, theirs, strict=True)] == packets(made.boxes)


@given(BOXES)
def test_box_of_puts_each_set_in_its_place(box: Box) -> None:
    assert box == Box.of(dict(box.restricted()))
    assert all(box.get(field) == values for field, values in box.restricted())


def test_everything_is_neutral() -> None:
    assert EVERYTHING & EVERYTHING == EVERYTHING
    assert list(EVERYTHING.minus(EVERYTHING, FAMILY)) == []


@given(st.sampled_from(Field), st.sampled_from(Family))
def test_the_complement_of_the_universe_is_empty(field: Field, family: Family) -> None:
    everything = Box.of({field: fields.universe(field, family)})
    assert list(EVERYTHING.minus(everything, family)) == []


NAMES = ("eth0", "eth1", "eth10", "eth", "ppp0", "ppp123", "p", "br-0a1b2c3d4e5f", "wlp0s20f3.100")
PATTERNS = (*NAMES, *INTERFACES, "+", "eth+", "eth1+", "ppp+", "br-0a1b2c3d4e5f+")


@given(st.sampled_from(PATTERNS), st.sampled_from((*NAMES, *INTERFACES)))
def test_interface_patterns_are_prefixes(pattern: str, name: str) -> None:
    name = name.rstrip("+")
    expected = name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
    assert expected == (fields.interface_number(name) in fields.interface(pattern))


@given(st.sampled_from(PATTERNS))
def test_no_interface_is_in_no_pattern(pattern: str) -> None:
    assert 0 not in fields.interface(pattern)


@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=4))
def test_interface_patterns_can_be_read_back(patterns: list[str]) -> None:
    values = IntervalSet()
    for pattern in patterns:
        values |= fields.interface(pattern)
    back = fields.interface_patterns(values)
    if back is not None:
        again = IntervalSet()
        for pattern in back:
            again |= fields.interface(pattern)
        assert values == again
    elif len(set(patterns)) == 1:
        pytest.fail(f"{patterns[0]} cannot be read back")


@given(st.integers(0, 2**32 - 2).map(str) | st.from_regex(r"\A[a-z_][a-z0-9_-]{0,31}\Z"))
def test_users_can_be_read_back(user: str) -> None:
    assert user == fields.user_text(fields.user_number(user))
    assert fields.user_number(user) != fields.NO_USER
    assert fields.user_number(user) in fields.universe(Field.USER, FAMILY)


@given(interval_sets(0, 255))
def test_subtracting_from_an_unrestricted_field_leaves_the_rest_of_the_universe(
    values: IntervalSet,
) -> None:
    if values:
        rest = [*EVERYTHING.minus(Box.of({Field.PROTOCOL: values}), FAMILY)]
        left = IntervalSet.of(
            r for box in rest for r in (box.sets[Field.PROTOCOL] or values).ranges
        )
        assert left == fields.universe(Field.PROTOCOL, FAMILY) - values
