"""Neighbouring rules that differ in one value, when a range or a network holds just both values."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from natc.address import Family, text_of
from natc.diagnostics import Edit, Fix
from natc.dsl import ast
from natc.elaborate.values import addresses, service_parts
from natc.ir.actions import Action, Hook
from natc.ir.intervals import IntervalSet
from natc.lint.fixes import deletion
from natc.lint.repeated import FICKLE
from natc.lint.subject import Subject
from natc.record import Record, replace
from natc.source import Span
from natc.targets.iptables import model
from natc.targets.iptables.numbers import Unreadable, ports
from natc.targets.iptables.numbers import addresses as kernel_addresses

_PORTS = frozenset({"--sport", "--dport"})
_NETWORKS = frozenset({"-s", "-d"})


class Pair(Record):
    """Two rules, and the value of one that does what both do."""

    first: Span
    second: Span
    both: str
    fix: Fix | None = None


def in_policy(subject: Subject) -> Iterator[Pair]:
    """Yield the statements of a policy that the one above them could hold."""
    statements = () if subject.tree is None else subject.tree.statements
    effects: dict[Span, list[tuple[Family, Hook, Action]]] = {}
    for upper, lower in pairwise(statements):
        if not isinstance(upper, ast.Rule) or not isinstance(lower, ast.Rule):
            continue
        found = _alike(upper, lower)
        if found is None:
            continue
        if not effects:
            for rule in subject.policy.rules:
                effects.setdefault(rule.origin, []).append((rule.family, rule.hook, rule.action))
        if _do_one_thing(effects.get(upper.span, ()), effects.get(lower.span, ())):
            value, both = found
            edits = (Edit(value, both), deletion(lower.span))
            yield Pair(upper.span, lower.span, both, Fix(f"write `{both}`", edits))


def _alike(upper: ast.Rule, lower: ast.Rule) -> tuple[Span, str] | None:
    """Return where the only value that differs stands, and what holds both; None if none does."""
    is_told_apart = lower.name or lower.comments.beside or any(lower.comments.above)
    if is_told_apart or upper.comments.beside:
        return None
    if len(upper.clauses) != len(lower.clauses) or upper.span.source is not lower.span.source:
        return None
    differing = [
        pair for pair in zip(upper.clauses, lower.clauses, strict=True) if pair[0] != pair[1]
    ]
    if len(differing) != 1 or replace(lower, clauses=upper.clauses) != replace(
        upper, name=None, comments=lower.comments
    ):
        return None
    ((one, other),) = differing
    match one, other:
        case ast.Clause("service", ast.Service() as a), ast.Clause("service", ast.Service() as b):
            both = None if isinstance(upper.target, ast.Endpoint) else _services(a, b)
        case ast.Clause(word, ast.Address() as a), ast.Clause(other_word, ast.Address() as b):
            both = _networks(a, b) if word == other_word else None
        case _:
            return None
    return None if both is None else (a.span, both)


def _do_one_thing(
    upper: Sequence[tuple[Family, Hook, Action]], lower: Sequence[tuple[Family, Hook, Action]]
) -> bool:
    """Whether two statements, one below the other, do one thing in each hook.

    Then it does not matter which of their rules comes first.  Balanced services never do: each has
    its own list of clients.
    """
    places = {(family, hook) for family, hook, _ in upper}
    return set(upper) == set(lower) and len(set(upper)) == len(places)


def _services(one: ast.Service, other: ast.Service) -> str | None:
    (protocol, low), (other_protocol, high) = service_parts(one), service_parts(other)
    both = _side_by_side(low, high) if protocol == other_protocol else None
    name = one.text.partition("/")[0]
    return None if both is None else f"{name}/{both.first}-{both.last}"


def _networks(one: ast.Address, other: ast.Address) -> str | None:
    if "/" not in one.text or "/" not in other.text:
        return None
    for family in Family:
        low, high = addresses(one.text, one.span), addresses(other.text, other.span)
        both = _side_by_side(low.of(family), high.of(family))
        if both is not None:
            return _network(both, family)
    return None


def _side_by_side(one: IntervalSet, other: IntervalSet) -> IntervalSet | None:
    """Return both ranges as one; None where they do not lie side by side."""
    both = one | other
    if one and other and len(both.ranges) == 1 and both.size == one.size + other.size:
        return both
    return None


def _network(both: IntervalSet, family: Family) -> str | None:
    """Return a range as a network; None if it is none."""
    if both.size & (both.size - 1) or both.first % both.size:
        return None
    return f"{text_of(family, both.first)}/{family.bits - both.size.bit_length() + 1}"


def in_dump(subject: Subject) -> Iterator[Pair]:
    """Yield the rules of the nat table that the one above them could hold."""
    for ruleset in subject.rulesets:
        for table in ruleset.tables:
            for chain in table.chains if table.name == "nat" else ():
                rules = [rule for rule in chain.rules if isinstance(rule, model.Rule)]
                for upper, lower in pairwise(rules):
                    both = _option_for_both(upper, lower, ruleset.family)
                    if both is not None and upper.origin != lower.origin:
                        yield Pair(upper.origin, lower.origin, both)


def _option_for_both(upper: model.Rule, lower: model.Rule, family: Family) -> str | None:
    """Return the option that stands for those of both, when only one differs; else None."""
    if upper.jump is None or upper.jump != lower.jump or upper.comment != lower.comment:
        return None
    modules = [match.module for match in upper.matches]
    if modules != [match.module for match in lower.matches] or FICKLE & set(modules):
        return None
    mine, theirs = _options(upper), _options(lower)
    if len(mine) != len(theirs):
        return None
    differing = [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]]
    if len(differing) != 1:
        return None
    (((module, one), (other_module, other)),) = differing
    if module != other_module or one.flag != other.flag or one.negated or other.negated:
        return None
    return _joined(one, other, family)


def _options(rule: model.Rule) -> list[tuple[str, model.Option]]:
    return [(match.module, option) for match in rule.matches for option in match.options]


def _joined(one: model.Option, other: model.Option, family: Family) -> str | None:
    try:
        if one.flag in _PORTS:
            both = _side_by_side(ports(one.values[0]), ports(other.values[0]))
            return None if both is None else f"{one.flag} {both.first}:{both.last}"
        if one.flag in _NETWORKS:
            both = _side_by_side(*(kernel_addresses(o.values[0], family) for o in (one, other)))
            network = None if both is None else _network(both, family)
            return None if network is None else f"{one.flag} {network}"
    except Unreadable:
        return None
    return None
