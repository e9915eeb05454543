"""Statements that no packet reaches, by trying every packet: one code each, and the right one."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random

import pytest

from natc.diagnostics import Diagnostic
from natc.ir.actions import Hook
from natc.lint.catalogue import entry
from natc.lint.run import lint
from tests.lint.statements import Statement, dead_in, deciders, statements, text_of
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

CODES = ("shadowed", "redundant-covered", "duplicate-rule", "forward-collision", "late-exempt")
ENTRIES = [entry(slug) for slug in CODES]


def policies() -> Iterator[tuple[int, list[Statement]]]:
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        yield seed, statements(random, random.randrange(2, 9))


@lru_cache(maxsize=COUNT)
def by_line(text: str) -> dict[int, list[Diagnostic]]:
    """Return what is said of each statement that no packet reaches, by its place."""
    found: dict[int, list[Diagnostic]] = {}
    for finding in lint(subject(text), [one for one in ENTRIES if one]):
        found.setdefault(finding.primary.span.line - 1, []).append(finding)
    return found


def test_a_statement_has_one_code_exactly_when_no_packet_reaches_it_in_some_hook():
    dead = 0
    for seed, made in policies():
        expected = [place for place in range(len(made)) if dead_in(made, place)]
        told = {
            place: [finding.code for finding in found]
            for place, found in by_line(text_of(made)).items()
        }
        assert sorted(told) == expected, f"seed {seed}\n{text_of(made)}"
        assert all(len(codes) == 1 for codes in told.values()), f"seed {seed}: {told}"
        dead += len(told)
    assert dead > COUNT / 2


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        pytest.param(
            "exempt tcp from not 192.168.3.8 to 203.0.113.2 out eth0\n"
            "masquerade to not 203.0.113.3 out eth0\n"
            "exempt tcp from not 192.168.3.8 to 203.0.113.2 out eth0\n",
            "NAT106", [1], id="a translation between the two does not come to it",
        ),
        pytest.param(
            "dnat tcp/80 to 203.0.113.2 -> 192.168.4.8\n"
            "dnat tcp/81 to 203.0.113.2 -> 192.168.4.8\n"
            "dnat tcp/80-81 to 203.0.113.2 -> 192.168.4.9\n"
            "dnat tcp/80-81 to 203.0.113.2 -> 192.168.4.8\n",
            "NAT102", [1, 2], id="a rule that is not reached itself takes nothing",
        ),
        pytest.param(
            "dnat tcp/80 from 192.168.3.8 to 203.0.113.2 -> 192.168.4.9\n"
            "dnat tcp/80-81 to 203.0.113.2 -> 192.168.4.8\n"
            "dnat tcp/80 to 203.0.113.2 -> 192.168.4.8\n",
            "NAT102", [2], id="an exception from the rule above is one from this one",
        ),
    ],
)  # fmt: skip
def test_those_are_shown_that_decide(text: str, code: str, shown: list[int]):
    (*_, last) = lint(subject(text), [one for one in ENTRIES if one])
    assert last.primary.span.line == text.count("\n")
    assert (last.code, [label.span.line for label in last.related]) == (code, shown)


def test_the_code_says_what_the_statements_above_do_to_its_packets():
    seen: Counter[str] = Counter()
    for seed, made in policies():
        for place, (finding,) in by_line(text_of(made)).items():
            others = [made[label.span.line - 1] for label in finding.related]
            assert any(
                is_right(finding.slug, made, place, others, hook) for hook in dead_in(made, place)
            ), f"seed {seed}, line {place + 1}: {finding.slug}\n{text_of(made)}"
            seen[finding.slug] += 1
    assert set(seen) == set(CODES)


def is_right(
    slug: str, made: Sequence[Statement], place: int, shown: Sequence[Statement], hook: Hook
) -> bool:
    """Whether a code is true of a statement in a hook, and of those that the finding shows."""
    mine = made[place]
    is_translated_otherwise = any(
        first is not None and first.effect(packet) != mine.effect(packet)
        for packet, first in deciders(made[:place], hook, mine.takes[hook])
    )
    covers = all(
        any(packet in other.takes.get(hook, ()) for other in shown) for packet in mine.takes[hook]
    )
    do_the_same = all(
        other.effect(packet) == mine.effect(packet)
        for other in shown
        for packet in mine.takes[hook] & other.takes.get(hook, frozenset())
    )
    repeats = any(is_repeated(mine, other, hook) for other in shown)
    collides = mine.claim is not None and [other.claim for other in shown] == [mine.claim]
    match slug:
        case "duplicate-rule":
            return repeats and len(shown) == 1
        case "redundant-covered":
            return covers and do_the_same and not repeats
        case "late-exempt":
            return is_translated_otherwise and mine.target is None
        case "forward-collision":
            return covers and is_translated_otherwise and collides
    return covers and is_translated_otherwise and not collides and mine.target is not None


def is_repeated(mine: Statement, other: Statement, hook: Hook) -> bool:
    return mine.takes[hook] == other.takes.get(hook) and mine.target == other.target
