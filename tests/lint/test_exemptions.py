"""Exemptions from nothing, by trying every packet."""

import os
from collections.abc import Sequence
from random import Random

import pytest

from natc.ir.actions import Hook
from tests.lint.statements import Statement, dead_in, deciders, statements, text_of
from tests.lint.test_paths import found
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))


def is_useful(made: Sequence[Statement], place: int, hook: Hook) -> bool:
    """Whether, without an exemption, a packet that it decides on would be translated."""
    mine, others = made[place], [*made[:place], *made[place + 1 :]]
    decided = {
        packet for packet, first in deciders(made[:place], hook, mine.takes[hook]) if first is None
    }
    ends = deciders(others, hook, frozenset(decided))
    return any(other is not None and other.target is not None for _, other in ends)


def test_an_exemption_is_from_nothing_exactly_when_no_packet_would_be_translated_without_it():
    seen = 0
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        made = statements(random, random.randrange(1, 7))
        expected = [
            place
            for place, statement in enumerate(made)
            if statement.target is None
            and not dead_in(made, place)
            and not any(is_useful(made, place, hook) for hook in statement.takes)
        ]
        told = [
            finding.primary.span.line - 1
            for finding in found(subject(text_of(made)), "useless-exempt")
        ]
        assert told == expected, f"seed {seed}\n{text_of(made)}"
        seen += len(told)
    assert seen > COUNT / 5


DELETE = "delete it, or correct its addresses or its place"


@pytest.mark.parametrize(
    ("rules", "repair"),
    [
        pytest.param(
            "masquerade from 192.168.3.0/24 out eth0\nexempt from 192.168.3.0/24 to 10.8.0.0/16",
            "put it above line 1, or delete it",
            id="a rule above translates a part of its packets",
        ),
        pytest.param(
            "exempt from 192.168.3.0/25 out eth0\n"
            "masquerade from 192.168.3.0/25 out eth0\n"
            "masquerade from 192.168.3.0/24 out eth0\n"
            "exempt from 192.168.3.0/24 to 10.8.0.0/16",
            "put it above line 3, or delete it",
            id="another exemption leaves the first rule none of them",
        ),
        pytest.param(
            "masquerade from 192.168.4.0/24 out eth0\nexempt from 192.168.3.0/24 to 10.8.0.0/16",
            DELETE,
            id="no rule translates them",
        ),
    ],
)
def test_an_exemption_from_nothing_goes_where_it_would_be_one(rules: str, repair: str) -> None:
    findings = found(subject(f"{rules}\n"), "useless-exempt")
    assert [finding.help for finding in findings][-1] == repair
