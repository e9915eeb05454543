"""What an apply changes of the rules, line by line."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natc.address import FAMILIES, Family
from natc.host.held import State
from natc.host.planning.rule_changes import Change, jump_changes, rule_changes
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import Jump, Part

HERE = "NATC-PRE"


def states(part: Part) -> dict[Family, State]:
    return {family: State(family, {}) for family in FAMILIES} | {
        Family.IPV4: State(Family.IPV4, {"nat": part})
    }


def changes(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    return rule_changes(states(Part({HERE: tuple(before)})), states(Part({HERE: tuple(after)})))


def rule(what: str, line: int) -> str:
    return f' -d {what} -m comment --comment "a.nat:{line} {what}" -j ACCEPT'


def kinds(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, str]]:
    return [(one.kind, one.rule.split()[3]) for one in changes(before, after)]


A, B, C, D = (rule(what, line) for line, what in enumerate("abcd", 1))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([A, B], [A, B], []),
        ([A], [A, B], [("added", "b")]),
        ([A, B], [B], [("removed", "a")]),
        ([A, B], [A, C, B], [("added", "c")]),
        ([A, B, C], [B, C, A], [("moved", "a")]),
        ([A, B, C, D], [D, A, B, C], [("moved", "d")]),
        ([A, A], [A], [("removed", "a")]),
        ([A], [rule("a", 7)], [("renamed", "a")]),
        ([A, B], [C, rule("b", 3)], [("removed", "a"), ("added", "c"), ("renamed", "b")]),
    ],
)
def test_a_rule_is_new_gone_moved_or_renamed(
    before: list[str], after: list[str], expected: list[tuple[str, str]]
) -> None:
    assert kinds(before, after) == expected


def _effect(text: str) -> str:
    return text.split(" -m ", maxsplit=1)[0]


more = [rule(what, line) for what in "efgh" for line in (5, 6)]
rules = st.lists(st.sampled_from([A, B, C, D, rule("a", 7), *more]), unique_by=_effect)


@given(rules, rules)
def test_the_changes_make_one_chain_of_the_other(before: list[str], after: list[str]) -> None:
    made = changes(before, after)
    gone = {one.number for one in made if one.kind == "removed"}
    again = {one.number: one for one in made if one.kind in ("added", "moved")}
    renamed = {one.number: one for one in made if one.kind == "renamed"}
    moved = [one.rule for one in made if one.kind == "moved"]
    left = [text for number, text in enumerate(before, 1) if number not in gone]
    for one in moved:  # They are taken out, whatever their comment says by now.
        same = next(text for text in left if _effect(text) in one)
        left.remove(same)
    assert len(left) + len(again) == len(after)
    kept = [number for number in range(1, len(after) + 1) if number not in again]
    for number in kept:
        old = left.pop(0)
        new = after[number - 1]
        assert (old == new) is (number not in renamed)
        assert _effect(old) == _effect(new)


def test_jumps_are_made_taken_away_and_put_where_they_belong() -> None:
    first, last = frozenset({Place.FIRST}), frozenset({Place.LAST})
    text = " -j NATC-PRE"
    before = Part(
        {},
        (
            Jump("PREROUTING", text, last),
            Jump("PREROUTING", text, last),
            Jump("INPUT", text, first),
        ),
    )
    after = Part({}, (Jump("PREROUTING", text, first | last), Jump("OUTPUT", text, first | last)))
    found = jump_changes(states(before), states(after), Place.FIRST)
    assert [(one.kind, one.rule) for one in found] == [
        ("moved", "-A PREROUTING -j NATC-PRE"),
        ("removed", "-A PREROUTING -j NATC-PRE"),
        ("removed", "-A INPUT -j NATC-PRE"),
        ("added", "-A OUTPUT -j NATC-PRE"),
    ]
