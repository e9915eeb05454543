"""Statements and lines that no packet reaches, each under the one code that tells best why.

A statement becomes several rules, and a line of a chain is met on every way to the chain: one is
unreached where all its rules of a hook are, of a dump where all its rules are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from natc.ir.actions import Balance, Dnat, Hook, Netmap, Redirect
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.one_to_one import OneToOne, one_to_one
from natc.lint.relations import LEAVING_ALONE, Dead, Relations, differing
from natc.lint.sides import TRANSLATING_SOURCE
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Span

_CLAIM = (Field.PROTOCOL, Field.DESTINATION, Field.DESTINATION_PORT)
"""What a forward claims of the outside."""


_PACKETS = {
    Hook.INPUT: "packets to the gateway",
    Hook.OUTPUT: "the gateway's own packets",
    Hook.POSTROUTING: "packets that leave",
}
"""What comes by in a hook, for people; in the others what arrives."""


class Unreached(Record):
    """A statement or a line that no packet reaches.

    Attributes:
        code: the most telling of NAT101, 102, 106, 107, 108 and 111.
        rule: its first rule that is not reached.
        by: the rules that take its packets, one for each of their statements; empty where no packet
            comes to its chain.
        packets: what the rule is for.
        is_whole: whether none of its rules is reached in any hook, or has anything to do there.
    """

    code: str
    rule: Rule
    by: tuple[Rule, ...]
    packets: tuple[Box, ...]
    is_whole: bool

    def said_of(self, what: str, before: str) -> str:
        """Return what is said of the rule: of some packets only, where the others reach it."""
        if self.is_whole:
            return what
        return f"{what} {before} {_PACKETS.get(self.rule.hook, 'packets that arrive')}"

    @property
    def is_needed(self) -> bool:
        """Whether it is a part of a translation whose other parts are in force, as of `hairpin`."""
        return not self.is_whole and not isinstance(self.rule.action, LEAVING_ALONE)


@lru_cache(maxsize=1)  # Several lint rules ask, one after another.
def unreached(subject: Subject) -> dict[Span, Unreached]:
    """Return what no packet reaches, by its place: where it is not reached first."""
    related = [rules for rules in subject.relations.values() if rules.dead]
    dead = Counter(
        rules.list.rules[each.position].origin for rules in related for each in rules.dead
    )
    if not dead:
        return {}
    every = Counter(
        rule.origin for rules in subject.relations.values() for rule in rules.list.rules
    )
    idle = _idle(subject, related)
    found: dict[Span, Unreached] = {}
    for rules in related:
        here = Counter(rule.origin for rule in rules.list.rules)
        for group in _groups(rules):
            origin = rules.list.rules[group[0].position].origin
            is_whole = dead[origin] == every[origin] or origin in idle
            gone = is_whole if subject.is_dump else len(group) == here[origin]
            if gone and origin not in found and not _behind_a_dead_jump(rules, group):
                found[origin] = _described(subject, rules, group, is_whole=is_whole)
    return found


def _idle(subject: Subject, related: Iterable[Relations]) -> set[Span]:
    """Return statements that turn no packet, so that what they do to turned ones is idle, too."""
    if subject.is_dump:
        return set()
    turning = Counter(
        rule.origin
        for rules in subject.relations.values()
        for rule in rules.list.rules
        if not is_for_turned(rule)
    )
    for rules in related:
        gone = (rules.list.rules[each.position] for each in rules.dead)
        turning.subtract(rule.origin for rule in gone if not is_for_turned(rule))
    return {origin for origin, left in turning.items() if not left}


def is_for_turned(rule: Rule) -> bool:
    """Whether a rule is for packets that a destination rule turned, as a part of `hairpin` is."""
    return all(box.get(Field.TRANSLATED) == point(1) for box in rule.match.boxes)


def is_answered(subject: Subject, rule: Rule, by: Iterable[Rule]) -> bool:
    """Whether a rule is the last one of a `hairpin`, and others bring the answers back as well."""
    return (
        not subject.is_dump
        and is_for_turned(rule)
        and all(isinstance(other.action, TRANSLATING_SOURCE) for other in by)
    )


def of(subject: Subject, code: str) -> Iterator[Unreached]:
    """Yield what is unreached under one code."""
    return (each for each in unreached(subject).values() if each.code == code)


def _groups(rules: Relations) -> list[list[Dead]]:
    """Return the dead rules of one hook, those of one place together."""
    groups: dict[Span, list[Dead]] = {}
    for dead in rules.dead:
        groups.setdefault(rules.list.rules[dead.position].origin, []).append(dead)
    return list(groups.values())


def _behind_a_dead_jump(rules: Relations, group: Sequence[Dead]) -> bool:
    """Whether the rules stand in a chain that no packet comes to: the jump is what is wrong."""
    dead = {each.position for each in rules.dead}
    return all(rules.list.within[each.position] in dead for each in group)


def _described(
    subject: Subject, rules: Relations, group: Sequence[Dead], *, is_whole: bool
) -> Unreached:
    every = rules.list.rules
    rule = every[group[0].position]
    positions = sorted({position for each in group for position in each.by})
    by: dict[Span, Rule] = {}
    for position in positions:
        by.setdefault(every[position].origin, every[position])
    codes = {_code(subject, rules, each) for each in group}
    code = codes.pop() if len(codes) == 1 else "NAT101"
    packets = tuple(box for each in group for box in rules.list.boxes[each.position] or ())
    return Unreached(code, rule, tuple(by.values()), packets, is_whole)


def _code(subject: Subject, rules: Relations, dead: Dead) -> str:
    rule = rules.list.rules[dead.position]
    by = [rules.list.rules[position] for position in dead.by]
    if not by:
        return "NAT101"
    if len(by) == 1 and by[0].match == rule.match and by[0].action == rule.action:
        return "NAT106"
    pair, pairs = one_to_one(subject).get(rule.origin), _pairs(subject, by)
    if pair is not None and pairs:
        if not all(pair.agrees(other) for other in pairs):
            return "NAT107"
        if len(pairs) == len(by):
            return "NAT102"
    if all(_do_the_same(rules, dead.position, other) for other in dead.by):
        return "NAT102"
    if isinstance(rule.action, LEAVING_ALONE):
        return "NAT111"
    return "NAT108" if len(by) == 1 and _claims_the_same(rule, by[0]) else "NAT101"


def _do_the_same(rules: Relations, position: int, other: int) -> bool:
    """Whether two rules do the same to all packets that both match."""
    one, two = rules.list.rules[position], rules.list.rules[other]
    boxes = rules.list.boxes[position] or one.match.boxes
    met = (box & part for box in boxes for part in rules.list.boxes[other] or ())
    family = rules.list.family
    return not any(
        differing(one.action, two.action, both, family) for both in met if both is not None
    )


def _pairs(subject: Subject, rules: Sequence[Rule]) -> list[OneToOne]:
    fixed = one_to_one(subject)
    return [fixed[rule.origin] for rule in rules if rule.origin in fixed]


def _claims_the_same(rule: Rule, other: Rule) -> bool:
    claim = _claim(rule)
    return claim is not None and claim == _claim(other)


def _claim(rule: Rule) -> frozenset[tuple[IntervalSet | None, ...]] | None:
    """Return the addresses, protocols and ports that a forward claims; None for other rules."""
    if not isinstance(rule.action, Dnat | Redirect | Balance | Netmap):
        return None
    claims = frozenset(tuple(box.get(field) for field in _CLAIM) for box in rule.match.boxes)
    return claims if all(claim[2] is not None for claim in claims) else None
