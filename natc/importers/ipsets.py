"""Conditions on ipsets to what a rule says of them."""

from collections.abc import Sequence

from natc.dsl import ast
from natc.importers import sets
from natc.importers.remarks import Unsayable
from natc.ir.conditions import InSet, negation

InSets = tuple[tuple[InSet, ...], ...]
"""One of these lists holds; in each, all conditions."""

ANY_SET: InSets = ((),)


def expressions(alternatives: InSets) -> list[ast.IpSet]:
    """Say in which ipsets packets are: one expression for each `set` of the rule.

    Raises:
        Unsayable: no row of them says it.
    """
    if len(alternatives) == 1:
        return [_one(condition) for condition in alternatives[0]]
    first, *others = alternatives
    common = [condition for condition in first if all(condition in other for other in others)]
    apart = [[c for c in conditions if c not in common] for conditions in alternatives]
    return [*(_one(condition) for condition in common), _list(apart)]


def _one(condition: InSet) -> ast.IpSet:
    name = _name(condition)
    return ast.IpSet(ast.Not(name) if condition.negated else name, _flags(condition))


def _list(alternatives: Sequence[Sequence[InSet]]) -> ast.IpSet:
    """Return ipsets whose union is the alternatives; what an earlier one holds, a later one may."""
    listed: list[InSet] = []
    for conditions in alternatives:
        left = [c for c in conditions if not (c.negated and negation(c) in listed)]
        if len(left) != 1 or left[0].negated or left[0].flags != (listed or left)[0].flags:
            raise Unsayable("some ipsets but not others")
        listed += [condition for condition in left if condition not in listed]
    return ast.IpSet(sets.braces(_name(condition) for condition in listed), _flags(listed[0]))


def _name(condition: InSet) -> ast.Name | ast.String:
    name = condition.name
    return ast.Name(name) if sets.is_bare(name) else ast.String(name)


def _flags(condition: InSet) -> tuple[str, ...]:
    if any(flag not in ("src", "dst") for flag in condition.flags):
        raise Unsayable("an ipset that is asked for more than `src` and `dst`")
    return () if condition.flags == ("src",) else condition.flags
