"""Statements of which others take a part, by trying every packet: findings, and those alone."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random

from natc.diagnostics import Diagnostic
from natc.ir.actions import Hook
from natc.lint.catalogue import entry
from natc.lint.run import lint
from tests.lint.statements import (
    Packet,
    Statement,
    dead_in,
    deciders,
    statements,
    text_of,
)
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

SLUGS = ("partially-shadowed", "generalizes", "redundant-removable")
ENTRIES = [each for each in map(entry, SLUGS) if each]


def policies() -> Iterator[tuple[int, list[Statement]]]:
    """Yield statements that translate in one hook alone, so that no packet comes to it changed."""
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        hook = random.choice((Hook.PREROUTING, Hook.POSTROUTING))
        made = statements(random, random.randrange(3, 10))
        kept = [each for each in made if each.target is None or hook in each.takes]
        if kept:
            yield seed, kept


@lru_cache(maxsize=COUNT)
def told(text: str) -> list[Diagnostic]:
    return lint(subject(text), ENTRIES)


def places(text: str, slug: str) -> dict[int, set[int]]:
    """Return the statements with a finding, and which others each shows."""
    return {
        finding.primary.span.line - 1: {label.span.line - 1 for label in finding.related}
        for finding in told(text)
        if finding.slug == slug
    }


def packets(statement: Statement, hook: Hook) -> frozenset[Packet]:
    return statement.takes.get(hook, frozenset())


def takes_otherwise(made: Sequence[Statement], earlier: int, later: int, hook: Hook) -> bool:
    """Whether a translation takes packets from a statement below, and treats them otherwise."""
    one, other = made[earlier], made[later]
    shared = packets(one, hook) & packets(other, hook)
    return one.target is not None and any(
        first is None and one.effect(packet) != other.effect(packet)
        for packet, first in deciders(made[:earlier], hook, shared)
    )


def test_statements_overlap_when_one_takes_a_part_of_another_and_neither_holds_the_other() -> None:
    seen = 0
    for seed, made in policies():
        expected: dict[int, set[int]] = {}
        for later, statement in enumerate(made):
            for hook in statement.takes.keys() - {*dead_in(made, later)}:
                for earlier, other in enumerate(made[:later]):
                    is_part = packets(other, hook) <= packets(statement, hook)
                    if not is_part and takes_otherwise(made, earlier, later, hook):
                        expected.setdefault(later, set()).add(earlier)
        found = places(text_of(made), "partially-shadowed")
        assert found == expected, f"seed {seed}\n{text_of(made)}"
        seen += len(found)
    assert seen > COUNT / 5


def test_a_statement_is_more_general_when_parts_of_it_are_treated_otherwise_above() -> None:
    seen = 0
    for seed, made in policies():
        expected: dict[int, set[int]] = {}
        for later, statement in enumerate(made):
            for hook in statement.takes:
                for earlier, other in enumerate(made[:later]):
                    is_part = packets(other, hook) < packets(statement, hook)
                    if is_part and takes_otherwise(made, earlier, later, hook):
                        expected.setdefault(later, set()).add(earlier)
        found = places(text_of(made), "generalizes")
        assert found == expected, f"seed {seed}\n{text_of(made)}"
        seen += len(found)
    assert seen > COUNT / 20


def test_a_statement_could_go_when_all_its_packets_fare_alike_without_it() -> None:
    seen = 0
    for seed, made in policies():
        expected = {
            place
            for place, statement in enumerate(made)
            if statement.target is not None
            and not dead_in(made, place)
            and all(is_made_up_for(made, place, hook) for hook in statement.takes)
        }
        found = places(text_of(made), "redundant-removable")
        assert found.keys() == expected, f"seed {seed}\n{text_of(made)}"
        seen += len(found)
    assert seen > COUNT / 20


def is_made_up_for(made: Sequence[Statement], place: int, hook: Hook) -> bool:
    """Whether statements below do the same to all packets on which a statement decides."""
    mine = made[place]
    own = frozenset(
        packet
        for packet, first in deciders(made[:place], hook, packets(mine, hook))
        if first is None
    )
    return all(
        below is not None and below.effect(packet) == mine.effect(packet)
        for packet, below in deciders(made[place + 1 :], hook, own)
    )
