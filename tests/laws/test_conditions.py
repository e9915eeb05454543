"""Conditions against brute force: every mark of three bits, every answer of two opaque matches."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from natc.address import Family
from natc.ir.conditions import Condition, Draw, InSet, Mark, Opaque, can_hold, negation
from natc.ir.fields import Field
from natc.ir.intervals import interval
from natc.ir.space import Box

FAMILY = Family.IPV4
ATOMS = (InSet("blocked", ("src",)), Opaque("mac --mac-source 02:00:00:00:00:01"), Draw("r/0", 5))
PORTS = range(4)

masks = st.integers(0, 7)
marks = st.builds(
    lambda value, mask, negated: Mark(value & mask, mask, negated), masks, masks, st.booleans()
)
atoms = st.sampled_from(ATOMS + tuple(map(negation, ATOMS)))
conditions = st.lists(marks | atoms, max_size=6).map(tuple)

World = tuple[int, dict[Condition, bool], int]
"""A mark, what each opaque match answers, and a port."""

WORLDS: list[World] = [
    (mark, dict(zip(ATOMS, answers, strict=True)), port)
    for mark, *answers, port in product(range(8), *([(False, True)] * len(ATOMS)), PORTS)
]


def holds(condition: Condition, world: World) -> bool:
    """Say whether `condition` holds in `world`."""
    mark, answers, _ = world
    if isinstance(condition, Mark):
        return (mark & condition.mask == condition.value) is not condition.negated
    plain = negation(condition) if condition.negated else condition
    return answers[plain] is not condition.negated


def contains(box: Box, world: World) -> bool:
    """Say whether the packet of `world` is in `box`."""
    ports = box.get(Field.SOURCE_PORT)
    return (ports is None or world[2] in ports) and all(holds(c, world) for c in box.conditions)


def box_of(bounds: tuple[int, int], found: tuple[Condition, ...]) -> Box:
    return Box.of({Field.SOURCE_PORT: interval(min(bounds), max(bounds))}, found)


bounds = st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS))
boxes = st.builds(box_of, bounds, conditions.filter(can_hold))


@given(conditions)
def test_conditions_can_hold_where_some_world_satisfies_them_all(
    found: tuple[Condition, ...],
) -> None:
    expected = any(all(holds(condition, world) for condition in found) for world in WORLDS)
    assert expected == can_hold(found)


@given(marks | atoms)
def test_a_condition_or_its_negation_holds_but_never_both(condition: Condition) -> None:
    for world in WORLDS:
        assert holds(condition, world) is not holds(negation(condition), world)


@given(boxes, boxes)
def test_an_intersection_holds_what_both_hold(left: Box, right: Box) -> None:
    both = left & right
    for world in WORLDS:
        expected = contains(left, world) and contains(right, world)
        assert expected == (both is not None and contains(both, world))


@given(boxes, boxes)
def test_a_difference_is_exact_and_its_parts_are_disjoint(left: Box, right: Box) -> None:
    parts = list(left.minus(right, FAMILY))
    for world in WORLDS:
        expected = contains(left, world) and not contains(right, world)
        assert int(expected) == sum(contains(part, world) for part in parts)


@given(boxes, marks | atoms)
def test_a_part_under_a_condition_is_empty_or_holds_some_world(
    box: Box, condition: Condition
) -> None:
    part = box.under(condition)
    expected = {i for i, w in enumerate(WORLDS) if contains(box, w) and holds(condition, w)}
    made = set() if part is None else {i for i, w in enumerate(WORLDS) if contains(part, w)}
    assert expected == made
    assert part is None or made
