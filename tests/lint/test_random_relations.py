"""Relations between rules against brute force: every packet of a small universe is tried.

`make fuzz-lint` does it with thousands of fresh rule sets.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from natc.address import Family
from natc.ir.actions import Accept, Dnat, Hook, Return, SetMark, Snat
from natc.ir.conditions import Mark
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.lint.lists import HookList
from natc.lint.relations import Relations
from natc.lint.rules.redundant_removable import same_below
from natc.lint.rules.useless_exempt import is_useful
from natc.lint.subject import Subject
from natc.lint.unreached import unreached
from natc.record import replace
from tests.lint.universe import (
    EVERY,
    Packets,
    State,
    by_chance,
    matching,
    rules,
    treated_alike,
    union,
)

COUNT = int(os.environ.get("NATC_RULE_SETS", "5000"))
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))
BLOCK = 500
"""Rule sets that are worked out together, once for all tests."""

DECIDING = (Accept, Return, Dnat, Snat)
EXCEPTING = (Accept, Return)


class Case:
    """Random rules, what every packet of the universe meets, and what natc says.

    Attributes:
        met: for each rule the packets that match it, if no rule above decides.
        reaching: those that come to it and match it.
        taken: those on which it decides.
        by_chance: those that a limit lets match it.
    """

    def __init__(self, seed: int, rules: Sequence[Rule]) -> None:
        self.seed = seed
        self.rules = rules
        self.places = range(len(rules))
        self.decides = [isinstance(rule.action, DECIDING) for rule in rules]
        self.excepts = [isinstance(rule.action, EXCEPTING) for rule in rules]
        self.met = matching(rules)
        self.by_chance = [by_chance(rule) for rule in rules]
        self.reaching: list[Packets] = []
        self.taken: list[Packets] = []
        left = EVERY
        for met, decides in zip(self.met, self.decides, strict=True):
            self.reaching.append(met & left)
            self.taken.append(met & left if decides else 0)
            left &= ~self.taken[-1]
        self.list = HookList(Family.IPV4, Hook.PREROUTING, rules)
        self.found = Relations(self.list)

    def differing(self, one: int, other: int) -> Packets:
        """Return the packets that two rules treat otherwise."""
        return EVERY & ~treated_alike(self.rules[one].action, self.rules[other].action)

    def taken_from(self, earlier: int, later: int) -> Packets:
        """Return what one rule takes from another and treats otherwise, chance aside."""
        both = self.taken[earlier] & self.met[later] & self.differing(earlier, later)
        return both & ~(self.by_chance[earlier] | self.by_chance[later])

    def without(self, place: int) -> Iterator[tuple[int | None, Packets]]:
        """Yield who would decide on the packets of a rule if it were gone; None is nobody."""
        left = self.taken[place]
        for below in self.places[place + 1 :]:
            if self.decides[below]:
                yield below, left & self.met[below]
                left &= ~self.met[below]
        yield None, left

    def leaving(self, place: int) -> list[int]:
        """Return the rules above by which packets leave the chain of a rule early."""
        jump = self.list.within[place]
        given_back = [] if jump is None else self.list.given_back.get(jump, [])
        return [each for each in given_back if each < place]


def case(seed: int, *, chains: bool) -> Case:
    random = Random(seed)
    return Case(seed, rules(random, random.randrange(2, 9), chains=chains))


def blocks() -> Iterator[object]:
    for kind in ("list", "chains"):
        for first in range(FIRST, FIRST + COUNT, BLOCK):
            seeds = range(first, min(first + BLOCK, FIRST + COUNT))
            name = f"{kind}-{first}"
            # A block is worked out by one process of several.
            yield pytest.param((seeds, kind), id=name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=blocks())
def cases(request: pytest.FixtureRequest) -> list[Case]:
    seeds, kind = request.param
    return [case(seed, chains=kind == "chains") for seed in seeds]


def test_the_packets_of_a_rule_are_those_that_match_it_when_they_come_to_it(
    cases: list[Case],
) -> None:
    for case in cases:
        for place, boxes in enumerate(case.list.boxes):
            assert boxes is not None, case.seed
            parts = [State().inside(box) for box in boxes]
            assert union(parts) == case.met[place], case.seed
            assert sum(parts) == case.met[place], f"{case.seed}: the boxes are not disjoint"


def test_a_rule_is_dead_exactly_when_no_packet_reaches_it(cases: list[Case]) -> None:
    seen = 0
    for case in cases:
        dead = [place for place in case.places if not case.reaching[place]]
        assert [each.position for each in case.found.dead] == dead, case.seed
        assert case.found.undecided == [], case.seed
        seen += len(dead)
    assert seen >= len(cases) // 10


def test_those_that_cover_a_dead_rule_decide_on_all_its_packets_and_none_is_needless(
    cases: list[Case],
) -> None:
    several = 0
    for case in cases:
        for dead in case.found.dead:
            if case.leaving(dead.position):
                continue  # Those that leave its chain early count among those it is for.
            own = case.met[dead.position]
            assert not own & ~union(case.met[each] for each in dead.by), case.seed
            for one in dead.by:
                assert one < dead.position, case.seed
                assert own & case.taken[one], case.seed
                assert own & ~union(case.met[each] for each in dead.by if each != one), case.seed
            several += len(dead.by) > 1
    assert several >= len(cases) // BLOCK


def test_the_packets_of_a_dead_rule_are_taken_or_leave_its_chain_by_those_that_are_named(
    cases: list[Case],
) -> None:
    for case in cases:
        own = matching(case.rules, in_any_chain=True)
        for dead in case.found.dead:
            jump = case.list.within[dead.position]
            if jump is None or not case.leaving(dead.position):
                continue
            if asks_for_changed_marks(case.rules, dead.position):
                continue  # It may ask for a mark that rules above never leave.
            came = case.met[jump] & own[dead.position]
            ends = {
                each: own[each] if case.list.within[each] == jump else case.met[each]
                for each in dead.by
            }
            assert not came & ~union(ends.values()), case.seed
            if any(asks_for_changed_marks(case.rules, each) for each in dead.by):
                continue  # Of marks that change on the way, natc may name a rule too many.
            for one in dead.by:
                others = union(those for each, those in ends.items() if each != one)
                assert not came or came & ~others, case.seed


def asks_for_changed_marks(rules: Sequence[Rule], place: int) -> bool:
    conditions = (each for box in rules[place].match.boxes for each in box.conditions)
    is_changed = any(isinstance(rule.action, SetMark) for rule in rules[:place])
    return is_changed and any(isinstance(each, Mark) for each in conditions)


def test_a_rule_that_is_dead_whatever_the_marks_are_is_dead_with_those_that_are_set(
    cases: list[Case],
) -> None:
    for case in cases:
        unknown = [
            replace(rule, action=SetMark(None, rule.action.mask))
            if isinstance(rule.action, SetMark)
            else rule
            for rule in case.rules
        ]
        if unknown != case.rules:
            for dead in Relations(HookList(Family.IPV4, Hook.PREROUTING, unknown)).dead:
                assert not case.reaching[dead.position], case.seed


def test_rules_meet_exactly_when_one_takes_what_the_other_would_treat_otherwise(
    cases: list[Case],
) -> None:
    seen = 0
    for case in cases:
        expected = {
            (later, earlier)
            for later in case.places
            for earlier in case.places[:later]
            if case.decides[later]
            and not case.excepts[earlier]
            and case.reaching[later]
            and case.met[earlier] & ~case.met[later]
            and case.taken_from(earlier, later)
        }
        got = {(each.position, other) for each in case.found.meetings for other in each.others}
        assert got == expected, case.seed
        for each in case.found.meetings:
            assert_some_of(case.taken_from(each.others[0], each.position), each.packets, case)
        seen += len(got)
    assert seen >= len(cases) // 10


def test_special_cases_are_parts_that_take_packets_and_treat_them_otherwise(
    cases: list[Case],
) -> None:
    seen = 0
    for case in cases:
        for later in case.places:
            expected = {
                earlier
                for earlier in case.places[:later]
                if case.decides[later]
                and not case.excepts[earlier]
                and not case.met[earlier] & ~case.met[later]
                and case.met[later] & ~case.met[earlier]
                and case.taken_from(earlier, later)
            }
            got = dict(case.found.special_cases(later))
            assert set(got) == expected, case.seed
            for earlier, packets in got.items():
                assert_some_of(case.taken_from(earlier, later), packets, case)
            seen += len(expected)
    assert seen >= len(cases) // 100


def assert_some_of(those: Packets, shown: Box, case: Case) -> None:
    """Check that the packets that a finding shows are some of those that it is about."""
    packets = State().inside(shown)
    assert packets, case.seed
    assert not packets & ~those, case.seed


def test_a_dead_rule_has_the_code_that_tells_what_those_do_that_cover_it(cases: list[Case]) -> None:
    seen: Counter[str] = Counter()
    for case in cases:
        by = {dead.position: dead.by for dead in case.found.dead}
        for found in unreached(Subject(Policy("rules", tuple(case.rules)))).values():
            place = case.rules.index(found.rule)
            if case.met[place] or not by[place]:
                assert found.code == code(case, place, by[place]), case.seed
                seen[found.code] += 1
    assert len(cases) < BLOCK or {"NAT101", "NAT102", "NAT106", "NAT111"} <= set(seen)


def code(case: Case, place: int, by: Sequence[int]) -> str:
    """Return the code of a dead rule that others cover."""
    mine, others = case.rules[place], [case.rules[other] for other in by]
    if not others:
        return "NAT101"
    if [(other.match, other.action) for other in others] == [(mine.match, mine.action)]:
        return "NAT106"
    if not any(case.met[place] & case.met[other] & case.differing(place, other) for other in by):
        return "NAT102"
    if case.excepts[place]:
        return "NAT111"
    claims = [claim(rule) for rule in (mine, *others)]
    return "NAT108" if len(by) == 1 and claims[0] and claims[0] == claims[1] else "NAT101"


def claim(rule: Rule) -> set[tuple[IntervalSet | None, ...]]:
    """Return the addresses, protocols and ports that a forward claims; none of other rules."""
    fields = (Field.DESTINATION, Field.PROTOCOL, Field.DESTINATION_PORT)
    claims = {tuple(map(box.get, fields)) for box in rule.match.boxes}
    is_forward = isinstance(rule.action, Dnat) and all(ports for _, _, ports in claims)
    return claims if is_forward else set()


def test_an_exemption_is_useless_exactly_when_nothing_else_would_translate_its_packets(
    cases: list[Case],
) -> None:
    seen = 0
    for case in cases:
        for place in case.places:
            if case.excepts[place] and case.reaching[place]:
                needed = any(
                    those and below is not None and not case.excepts[below]
                    for below, those in case.without(place)
                )
                assert is_useful(case.found, place) is needed, case.seed
                seen += not needed
    assert seen >= len(cases) // 100


def test_a_rule_could_go_exactly_when_its_packets_would_be_treated_alike(cases: list[Case]) -> None:
    seen = 0
    for case in cases:
        for place in case.places:
            if case.decides[place] and not case.excepts[place] and case.reaching[place]:
                could_go = not any(
                    those & ~kept(case, place, below) for below, those in case.without(place)
                )
                assert (same_below(case.found, place) is not None) is could_go, case.seed
                seen += could_go
    assert seen >= len(cases) // 250


def kept(case: Case, place: int, below: int | None) -> Packets:
    """Return the packets that a rule below treats as one above does, whatever is drawn."""
    if below is None:
        return 0
    chance = case.by_chance[place] | case.by_chance[below]
    return EVERY & ~case.differing(place, below) & ~chance
