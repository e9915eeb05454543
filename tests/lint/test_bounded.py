"""Hostile rule sets cost bounded work: counted in calls of natc's functions, not in seconds."""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Self

import pytest

from benchmarks import shapes
from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.conditions import InSet
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region
from natc.ir.stack import Stack
from natc.lint.lists import HookList
from natc.lint.relations import Relations
from natc.record import replace


class Work:
    """Counts the calls of natc's functions, as a context."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        self._before = sys.getprofile()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/natc/" in frame.f_code.co_filename:
            self.calls += 1


def related(rules: Sequence[Rule]) -> tuple[Relations, int]:
    """Return the relations of rules, and how many calls it took to find them."""
    with Work() as work:
        found = Relations(HookList(Family.IPV4, Hook.PREROUTING, rules))
        assert len(found.dead) + len(found.meetings) <= len(rules)
    return found, work.calls


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_twice_the_rules_are_far_from_four_times_the_work(shape: str) -> None:
    _, few = related(shapes.rules(shape, 100))
    found, many = related(shapes.rules(shape, 200))
    assert many < 3 * few
    assert many < 10_000 * 200
    assert found.undecided == []


def test_what_takes_too_many_cuts_is_said_to_be_undecided_and_nothing_else_is_said_of_it() -> None:
    count = 2600
    found, calls = related(shapes.rules("checkerboard", count))
    (board, *_) = (rule for rule in found.list.rules if rule.match.boxes[0].sets[2].size > 1)
    assert found.undecided == [board]
    told = [*found.dead, *found.meetings]
    assert board not in [found.list.rules[each.position] for each in told]
    assert calls < 1_500 * count


def test_rules_with_an_ipset_each_are_told_apart_without_deciding_on_one_after_the_other() -> None:
    count = 80
    asking = [Region((Box.of({}, (InSet(f"s{index}", ("src",)),)),)) for index in range(count)]
    plain = shapes.rules("disjoint forwards", count)
    found, calls = related(
        [replace(rule, match=match) for rule, match in zip(plain, asking, strict=True)]
    )
    assert len(found.meetings) == count - 1
    assert calls < 20_000 * count


def test_questions_about_the_top_of_a_list_do_not_undo_what_is_indexed_further_down() -> None:
    count = 5000
    address = [Box.of({Field.SOURCE: point(value // 2)}) for value in range(count)]
    stack = Stack(Family.IPV4, enumerate(address))
    with Work() as work:
        for owner in range(1, count, 2):
            stack.hide(owner)  # The one before it has the same address.
            assert list(stack.above(address[:1], 1)) == [0]
            assert owner - 1 in stack.above(address[owner : owner + 1], count)
    assert work.calls < 50 * count
