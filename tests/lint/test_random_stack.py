"""Many boxes that lie over each other, against brute force: every packet is one bit of an integer."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import product
from random import Random

import pytest

from natc.address import Family
from natc.ir.conditions import Opaque
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet, point
from natc.ir.space import Box
from natc.ir.stack import NotDecided, Stack
from tests.lint.universe import union

COUNT = int(os.environ.get("NATC_RULE_SETS", "5000")) // 100
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))
BLOCK = 20
"""Piles that are worked out together, once for all tests."""

QUESTIONS = 20

SIZES = {
    Field.SOURCE: 32,
    Field.DESTINATION: 4,
    Field.PROTOCOL: 3,
    Field.DESTINATION_PORT: 16,
}
"""Values of each field; the last of each stands for all others."""

CONDITION = Opaque("friends")

PLACES = list(product(*map(range, SIZES.values()), (False, True)))
WITH_VALUE = [
    [
        union(1 << place for place, packet in enumerate(PLACES) if packet[at] == value)
        for value in range(size)
    ]
    for at, size in enumerate((*SIZES.values(), 2))
]
EVERY = (1 << len(PLACES)) - 1


def inside(box: Box) -> int:
    """Return the packets in a box."""
    found = EVERY
    for having, (field, size) in zip(WITH_VALUE, SIZES.items(), strict=False):
        values = box.get(field)
        if values is not None:
            found &= union(having[min(value, size - 1)] for value in members(values, size))
    for condition in box.conditions:
        found &= WITH_VALUE[-1][not condition.negated]
    return found


def members(values: IntervalSet, size: int) -> Iterator[int]:
    """Yield the values of a set, of those that stand for others one."""
    for low, high in values.ranges:
        yield from range(min(low, size - 1), min(high, size - 1) + 1)


def box(random: Random, width: float, pieces: int) -> Box:
    """Return a random box, as wide as is said, of at most so many ranges in each field."""
    sets = {}
    for field, size in SIZES.items():
        if random.random() < 0.7:
            ranges = []
            for _ in range(random.randint(1, pieces)):
                low = random.randrange(size)
                high = min(low + int(random.random() * width * size), size - 1)
                last = universe(field, Family.IPV4).last if high == size - 1 else high
                ranges.append((low, last))
            sets[field] = IntervalSet.of(ranges)
    asked = (Opaque("friends", random.random() < 0.5),) if random.random() < 0.2 else ()
    return Box.of(sets, asked)


class Pile:
    """A stack of random boxes, and the packets of each of its owners."""

    def __init__(self, random: Random) -> None:
        self.width, self.pieces = random.choice((0.1, 0.4)), random.choice((1, 3))
        self.items: list[tuple[int, Box]] = []
        owner = 0
        for _ in range(random.choice((1, 5, 30, 600, 1500))):
            owner += random.choice((0, 1, 1, 1, 3))
            self.items.append((owner, self.box(random)))
        self.owners = owner + 1
        self.boxes: list[list[Box]] = [[] for _ in range(self.owners)]
        for owner, box in self.items:
            self.boxes[owner].append(box)
        self.parts = [list(map(inside, boxes)) for boxes in self.boxes]
        self.held = [union(parts) for parts in self.parts]
        self.stack = Stack(Family.IPV4, self.items)
        self.hidden: set[int] = set()

    def box(self, random: Random) -> Box:
        return box(random, self.width, self.pieces)

    def hide_covered(self) -> None:
        """Hide the owners that those before them cover."""
        above = 0
        for owner, held in enumerate(self.held):
            if held and not held & ~above:
                self.stack.hide(owner)
                self.hidden.add(owner)
            above |= held

    def meeting(self, packets: int, owners: Iterable[int]) -> set[int]:
        return {owner for owner in owners if packets & self.held[owner]}


def blocks() -> Iterator[object]:
    for first in range(FIRST, FIRST + COUNT, BLOCK):
        name = f"piles-{first}"
        # A block is worked out by one process of several.
        group = pytest.mark.xdist_group(name)
        yield pytest.param(range(first, min(first + BLOCK, FIRST + COUNT)), id=name, marks=group)


@pytest.fixture(scope="module", params=blocks())
def piles(request: pytest.FixtureRequest) -> list[tuple[Random, Pile]]:
    """Return some piles, each with what makes up questions about it."""
    made = [(random, Pile(random)) for random in map(Random, request.param)]
    for _, pile in made:
        pile.hide_covered()
    return made


def questions(piles: Sequence[tuple[Random, Pile]]) -> Iterator[tuple[Random, Pile, Box, int]]:
    for random, pile in piles:
        for _ in range(QUESTIONS):
            asked = random.choice(pile.items)[1] if random.random() < 0.3 else pile.box(random)
            yield random, pile, asked, random.randint(0, pile.owners)


def test_none_that_a_box_meets_is_missed(piles: list[tuple[Random, Pile]]) -> None:
    for random, pile, asked, stop in questions(piles):
        start = random.randint(0, stop)
        found = set(pile.stack.touching([asked], start, stop))
        assert pile.meeting(inside(asked), range(start, stop)) <= found <= {*range(start, stop)}
        above = set(pile.stack.above([asked], stop))
        met = pile.meeting(inside(asked), range(stop))
        assert met - pile.hidden <= above <= {*range(stop)}
        if pile.stack.is_alone([asked], stop):
            assert met <= pile.hidden


def test_the_first_is_found_that_holds_all_of_a_box(piles: list[tuple[Random, Pile]]) -> None:
    seen = 0
    for _, pile, asked, stop in questions(piles):
        packets = inside(asked)
        holding = [
            owner for owner in range(stop) if any(not packets & ~part for part in pile.parts[owner])
        ]
        found = pile.stack.holder(asked, stop)
        assert found is None or found in holding
        shown = [owner for owner in holding if owner not in pile.hidden]
        if shown and pile.pieces == 1:  # Else one may be missed.
            assert found is not None
            assert found <= shown[0]
        seen += found is not None
    assert seen >= len(piles) // 10


def test_boxes_are_covered_exactly_when_no_packet_is_left(piles: list[tuple[Random, Pile]]) -> None:
    covered = 0
    for random, pile, asked, stop in questions(piles):
        boxes = [asked, pile.box(random)]
        packets = union(map(inside, boxes))
        with suppress(NotDecided):
            cover = pile.stack.cover(boxes, stop)
            check_left(cover.left, packets & ~union(pile.held[:stop]))
            if cover.left is None:
                check_owners(pile, packets, cover.by, stop)
                covered += 1
    assert covered >= len(piles) // 10


def test_something_is_left_without_some_exactly_when_no_other_holds_it(
    piles: list[tuple[Random, Pile]],
) -> None:
    for random, pile, asked, stop in questions(piles):
        but = random.sample(range(pile.owners), random.randint(0, min(2, pile.owners)))
        held = union(pile.held[owner] for owner in range(stop) if owner not in but)
        with suppress(NotDecided):
            check_left(pile.stack.left([asked], stop, but), inside(asked) & ~held)


def test_a_list_is_looked_through_from_its_top(piles: list[tuple[Random, Pile]]) -> None:
    """Those that are covered are hidden on the way."""
    decided = 0
    for _, pile in piles:
        stack = Stack(Family.IPV4, pile.items)
        above = 0
        for owner, held in enumerate(pile.held):
            with suppress(NotDecided):
                left = stack.left(pile.boxes[owner], owner)
                check_left(left, held & ~above)
                if left is None:
                    stack.hide(owner)
                decided += 1
            above |= held
    assert decided >= len(piles) // 2


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 4))
def test_those_that_are_hidden_leave_all_others_in_their_places(seed: int) -> None:
    """Boxes come several times in a row: all but the first are hidden on the way."""
    random = Random(seed)
    values = [value for value in range(2000) for _ in range(random.choice((2, 3)))]
    boxes = [Box.of({Field.SOURCE: point(value)}) for value in values]
    stack = Stack(Family.IPV4, enumerate(boxes))
    for owner, (box, value) in enumerate(zip(boxes, values, strict=True)):
        is_again = owner > 0 and values[owner - 1] == value
        assert (stack.left([box], owner) is None) == is_again
        if is_again:
            stack.hide(owner)
            first = values.index(value)  # Without it those count that are hidden.
            assert (stack.left([box], owner, but=(first,)) is None) == (owner - first > 1)


def check_left(shown: Box | None, left: int) -> None:
    """Check that what is shown is some of what is left, or that nothing is."""
    if shown is None:
        assert not left
    else:
        assert inside(shown)
        assert not inside(shown) & ~left


def check_owners(pile: Pile, packets: int, by: Sequence[int], stop: int) -> None:
    """Check that those that cover packets do, and that none of few is needless."""
    assert {*by} <= {*range(stop)}
    assert not packets & ~union(pile.held[each] for each in by)
    for one in by if len(by) <= 16 else ():
        assert packets & ~union(pile.held[each] for each in by if each != one)


def test_what_a_glimpse_shows_nobody_holds(piles: list[tuple[Random, Pile]]) -> None:
    seen = 0
    for _, pile, asked, stop in questions(piles):
        shown = pile.stack.glimpse(asked, stop)
        if shown is not None:
            check_left(shown, inside(asked) & ~union(pile.held[:stop]))
            seen += 1
    assert seen >= len(piles) // 10


def test_each_taker_holds_its_packets_first(piles: list[tuple[Random, Pile]]) -> None:
    seen = 0
    for _, pile, asked, stop in questions(piles):
        for owner, packets in pile.stack.takers(asked, stop, 5):
            assert owner < stop
            shown = inside(packets)
            assert shown
            assert not shown & ~(inside(asked) & pile.held[owner])
            assert not shown & union(pile.held[:owner])
            seen += 1
    assert seen >= len(piles) // 10
