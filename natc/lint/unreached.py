"""Statements and lines that no packet reaches, each under the one code that tells best why.

A statement becomes several rules, and a line of a chain is met on every way to the chain: one is
unreached where all its rules of a hook are, of a dump where all its rules are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from natc.ir.actions import Balance, Dnat, Netmap, Redirect
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.one_to_one import one_to_one
from natc.lint.relations import LEAVING_ALONE, Dead, Relations, alike
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Span

_CLAIM = (Field.PROTOCOL, Field.DESTINATION, Field.DESTINATION_PORT)
"""What a forward claims of the outside."""


class Unreached(Record):
    """A statement or a line that no packet reaches.

    Attributes:
        code: the most telling of NAT101, 102, 106, 107, 108 and 111.
        rule: its first rule that is not reached.
        by: the rules that take its packets, one for each of their statements; empty where no packet
            comes to its chain.
        packets: what the rule is for.
        is_whole: whether none of its rules is reached in any hook.
    """

    code: str
    rule: Rule
    by: tuple[Rule, ...]
    packets: tuple[Box, ...]
    is_whole: bool


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
    found: dict[Span, Unreached] = {}
    for rules in related:
        here = Counter(rule.origin for rule in rules.list.rules)
        for group in _groups(rules):
            origin = rules.list.rules[group[0].position].origin
            is_whole = dead[origin] == every[origin]
            gone = is_whole if subject.is_dump else len(group) == here[origin]
            if gone and origin not in found and not _behind_a_dead_jump(rules, group):
                found[origin] = _described(subject, rules, group, is_whole=is_whole)
    return found


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
    by = {every[position].origin: every[position] for position in positions}
    codes = {_code(subject, rules, each) for each in group}
    code = codes.pop() if len(codes) == 1 else "NAT101"
    packets = tuple(box for each in group for box in rules.list.boxes[each.position] or ())
    return Unreached(code, rule, tuple(by.values()), packets, is_whole)


def _code(subject: Subject, rules: Relations, dead: Dead) -> str:
    rule = rules.list.rules[dead.position]
    by = [rules.list.rules[position] for position in dead.by]
    boxes = rules.list.boxes[dead.position] or ()
    if not by:
        return "NAT101"
    if len(by) == 1 and by[0].match == rule.match and by[0].action == rule.action:
        return "NAT106"
    fixed = one_to_one(subject)
    if rule.origin in fixed and any(other.origin in fixed for other in by):
        return "NAT107"
    if all(
        alike(rule.action, other.action, box) for other in by for box in boxes or rule.match.boxes
    ):
        return "NAT102"
    if isinstance(rule.action, LEAVING_ALONE):
        return "NAT111"
    return "NAT108" if len(by) == 1 and _claims_the_same(rule, by[0]) else "NAT101"


def _claims_the_same(rule: Rule, other: Rule) -> bool:
    claim = _claim(rule)
    return claim is not None and claim == _claim(other)


def _claim(rule: Rule) -> frozenset[tuple[IntervalSet | None, ...]] | None:
    """Return the addresses, protocols and ports that a forward claims; None for other rules."""
    if not isinstance(rule.action, Dnat | Redirect | Balance | Netmap):
        return None
    claims = frozenset(tuple(box.get(field) for field in _CLAIM) for box in rule.match.boxes)
    return claims if all(claim[2] is not None for claim in claims) else None
