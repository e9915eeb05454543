"""Relations between rules against brute force: every packet of a small universe is tried."""

import os
from collections.abc import Iterator
from random import Random

import pytest

from natc.address import Family
from natc.ir.actions import Dnat, Hook, SetMark
from natc.ir.conditions import Mark
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region
from natc.lint.lists import HookList
from natc.lint.relations import LEAVING_ALONE, Relations, alike
from natc.lint.rules.redundant_removable import same_below
from natc.lint.rules.useless_exempt import is_useful
from natc.source import Source, Span
from tests.lint import dumps
from tests.lint.universe import EVERY_TRY, Try, effect, matching, rules

COUNT = int(os.environ.get("NATC_RULE_SETS", "150"))
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

CHAINS = pytest.mark.parametrize("chains", [False, True], ids=["list", "chains"])


def related(*, chains: bool) -> Iterator[tuple[int, Relations, list[list[int]]]]:
    """Yield random rules, related, and for every packet the rules that match it.

    Without marks that nobody knows, of which brute force knows nothing either.
    """
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        made = rules(random, random.randrange(2, 9), chains=chains)
        if any(isinstance(rule.action, SetMark) and rule.action.value is None for rule in made):
            continue
        found = Relations(HookList(Family.IPV4, Hook.PREROUTING, made))
        assert found.undecided == []
        yield seed, found, [_matching(made, packet) for packet in EVERY_TRY]


def _matching(made: list[Rule], packet: Try) -> list[int]:
    return [position for position, hit in enumerate(matching(made, packet)) if hit]


def first(found: Relations, met: list[int], but: int | None = None) -> int | None:
    """Return the rule that decides, of those that match, without one of them."""
    return next((each for each in met if found.list.decides[each] and each != but), None)


def reaches(found: Relations, met: list[int], position: int) -> bool:
    decider = first(found, met)
    return position in met and (decider is None or position <= decider)


@CHAINS
def test_a_rule_is_dead_exactly_when_no_packet_reaches_it(chains: bool) -> None:
    seen = 0
    for seed, found, tried in related(chains=chains):
        dead = [
            position
            for position in range(len(found.list.rules))
            if not any(reaches(found, met, position) for met in tried)
        ]
        assert [each.position for each in found.dead] == dead, seed
        seen += len(dead)
    assert seen > COUNT / 10


@CHAINS
def test_those_that_cover_a_dead_rule_do_and_none_of_them_is_needless(chains: bool) -> None:
    several = 0
    for seed, found, tried in related(chains=chains):
        for dead in found.dead:
            jump = found.list.within[dead.position]
            if jump in found.list.given_back:
                continue  # Packets that leave its chain early count among those it is for.
            own = [met for met in tried if dead.position in met]
            assert all(set(dead.by) & set(met) for met in own), seed
            for one in dead.by:
                others = set(dead.by) - {one}
                assert any(not others & set(met) for met in own), seed
            assert all(found.list.decides[each] and each < dead.position for each in dead.by)
            several += len(dead.by) > 1
    assert several


@CHAINS
def test_rules_meet_exactly_when_one_takes_what_the_other_would_treat_otherwise(chains: bool):
    seen = 0
    for seed, found, tried in related(chains=chains):
        expected = {
            (later, earlier)
            for later in range(len(found.list.rules))
            for earlier in range(later)
            if _meet(found, tried, earlier, later)
        }
        got = {(each.position, other) for each in found.meetings for other in each.others}
        assert got == expected, seed
        seen += len(got)
    assert seen > COUNT / 10


def _meet(found: Relations, tried: list[list[int]], earlier: int, later: int) -> bool:
    one, other = found.list.rules[earlier], found.list.rules[later]
    if not (found.list.decides[earlier] and found.list.decides[later]):
        return False
    if isinstance(one.action, LEAVING_ALONE):
        return False
    return (
        any(reaches(found, met, later) for met in tried)
        and any(earlier in met and later not in met for met in tried)
        and any(
            first(found, met) == earlier
            and later in met
            and effect(one.action, packet) != effect(other.action, packet)
            for packet, met in zip(EVERY_TRY, tried, strict=True)
        )
    )


@CHAINS
def test_a_dead_rule_is_redundant_exactly_when_those_that_cover_it_do_the_same(chains: bool):
    seen = 0
    for seed, found, tried in related(chains=chains):
        for dead in found.dead:
            rule, boxes = found.list.rules[dead.position], found.list.boxes[dead.position] or ()
            if not found.list.decides[dead.position]:
                continue
            same = all(
                alike(rule.action, found.list.rules[other].action, box)
                for other in dead.by
                for box in boxes
            )
            if same:
                seen += 1
                assert all(
                    effect(rule.action, packet) == effect(found.list.rules[decider].action, packet)
                    for packet, met in zip(EVERY_TRY, tried, strict=True)
                    if dead.position in met and (decider := first(found, met)) in dead.by
                ), seed
    assert seen


@CHAINS
def test_an_exemption_is_useless_exactly_when_nothing_else_would_translate_its_packets(
    chains: bool,
):
    seen = 0
    for seed, found, tried in related(chains=chains):
        for position, rule in enumerate(found.list.rules):
            if not isinstance(rule.action, LEAVING_ALONE):
                continue
            needed = any(
                first(found, met) == position
                and (next_ := first(found, met, but=position)) is not None
                and not isinstance(found.list.rules[next_].action, LEAVING_ALONE)
                for met in tried
            )
            if position not in [each.position for each in found.dead]:
                assert is_useful(found, position) is needed, seed
                seen += not needed
    assert seen


@CHAINS
def test_a_rule_could_go_exactly_when_its_packets_would_be_treated_alike(chains: bool) -> None:
    seen = 0
    for seed, found, tried in related(chains=chains):
        dead = {each.position for each in found.dead}
        for position, rule in enumerate(found.list.rules):
            decides = found.list.decides[position] and not isinstance(rule.action, LEAVING_ALONE)
            if position in dead or not decides:
                continue
            alike_without = all(
                _told(found, packet, first(found, met)) == _told(found, packet, other)
                for packet, met in zip(EVERY_TRY, tried, strict=True)
                if first(found, met) == position
                for other in [first(found, met, but=position)]
            )
            assert (same_below(found, position) is not None) is alike_without, seed
            seen += alike_without
    assert seen


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


def _told(found: Relations, packet: Try, decider: int | None) -> object:
    return "unchanged" if decider is None else effect(found.list.rules[decider].action, packet)


@CHAINS
def test_special_cases_are_parts_that_take_packets_and_treat_them_otherwise(chains: bool) -> None:
    seen = 0
    for seed, found, tried in related(chains=chains):
        for later, rule in enumerate(found.list.rules):
            expected = {
                earlier
                for earlier in range(later)
                if found.list.decides[later]
                and found.list.decides[earlier]
                and not isinstance(found.list.rules[earlier].action, LEAVING_ALONE)
                and not any(earlier in met and later not in met for met in tried)
                and any(later in met and earlier not in met for met in tried)
                and any(
                    first(found, met) == earlier
                    and effect(found.list.rules[earlier].action, packet)
                    != effect(rule.action, packet)
                    for packet, met in zip(EVERY_TRY, tried, strict=True)
                )
            }
            assert {other for other, _ in found.special_cases(later)} == expected, seed
            seen += len(expected)
    assert seen


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
