"""Relations between rules by example; test_random_relations.py has those by brute force."""

import pytest

from natc.address import Family
from natc.ir.actions import Dnat, Hook, SetMark
from natc.ir.conditions import Mark
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region
from natc.lint.lists import HookList
from natc.lint.relations import Relations
from natc.source import Source, Span
from tests.lint import dumps


def test_a_rule_could_go_where_rules_above_leave_it_only_what_is_treated_alike_below() -> None:
    """Of tcp/80-81 only 81 comes to the second, and there both do the same."""
    way = "-A PREROUTING -i eth0 -p tcp"
    rules = [
        f"{way} --dport 80 -s 192.0.2.0/24 -j DNAT --to-destination 10.0.0.1",
        f"{way} --dport 80 -j DNAT --to-destination 10.0.0.2",
        f"{way} --dport 80:81 -j DNAT --to-destination 10.0.0.1",
        f"{way} -j DNAT --to-destination 10.0.0.1:81",
    ]
    assert dumps.lines_of(dumps.subject(*rules), "NAT103") == [rules[2]]
    rules[1] = rules[1].replace("-i eth0", "-i eth1")
    assert dumps.lines_of(dumps.subject(*rules), "NAT103") == [rules[0]]


@pytest.mark.parametrize(
    "chance", ["statistic --mode random --probability 0.5", "limit --limit 5/s"]
)
def test_rules_between_which_chance_decides_do_not_meet(chance: str) -> None:
    way = "-A PREROUTING -i eth0 -p tcp"
    meeting = "-A PREROUTING -d 203.0.113.2 -j DNAT --to-destination 10.0.0.2"
    always = f"{way} -j DNAT --to-destination 10.0.0.1"
    drawn = f"{way} -m {chance} -j DNAT --to-destination 10.0.0.1"
    assert dumps.lines_of(dumps.subject(always, meeting), "NAT104") == [meeting]
    assert dumps.lines_of(dumps.subject(drawn, meeting), "NAT104") == []


def test_a_target_that_natc_does_not_know_takes_nothing_for_certain() -> None:
    below = "-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1"
    for target, dead in (("ACCEPT", [below]), ("SOMETHING", []), ("LOG", [])):
        linted = dumps.subject(f"-A PREROUTING -i eth0 -p tcp -j {target}", below)
        assert dumps.lines_of(linted, "NAT101") == dead


def test_marks_that_nobody_knows_may_change_between_two_rules() -> None:
    source = Source("rules", "x" * 6)
    box = Box.of({Field.SOURCE: point(1)}, (Mark(1, 1),))
    every = Region((Box(),))
    actions = (
        (every, SetMark(None, 0xFFFFFFFF)),
        (Region((box,)), Dnat(point(1))),
        (Region((box,)), Dnat(point(2))),  # The mark is still what it was.
        (every, SetMark(None, 0xFFFFFFFF)),
        (Region((box,)), Dnat(point(3))),
    )
    made = [
        Rule(f"{i}", Family.IPV4, Hook.PREROUTING, match, action, Span(source, i, i + 1))
        for i, (match, action) in enumerate(actions)
    ]
    found = Relations(HookList(Family.IPV4, Hook.PREROUTING, made))
    assert [each.position for each in found.dead] == [2]
