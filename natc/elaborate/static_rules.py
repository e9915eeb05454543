"""`static`: one inside address to one outside address, in both directions."""

from collections.abc import Iterator

from natc.address import Family
from natc.dsl import ast
from natc.elaborate import targets
from natc.elaborate.context import Context
from natc.elaborate.matching import by_keyword
from natc.elaborate.problem import Problem
from natc.elaborate.scope import place_interfaces
from natc.elaborate.targets import Target
from natc.ir.actions import Action, Dnat, Hook, Netmap, Side, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region

_MOST_BLOCKS = 64
"""Rules in one direction that a range may take."""


def static(statement: ast.Static, context: Context) -> Iterator[Rule]:
    """Yield the rules of `static INSIDE <-> OUTSIDE`.

    Raises:
        Problem: NAT302 for sides of unequal size, NAT008 for sides of different families.
    """
    said = by_keyword(statement.clauses)
    inside = targets.read(statement.inside, context.scope)
    outside = targets.read(statement.outside, context.scope)
    on = said.get("on")
    where: dict[Field, IntervalSet] = {}
    if on is not None:
        if not isinstance(on.value, ast.SetExpr):
            raise AssertionError("the grammar gives `on` a set")
        where[Field.IN_INTERFACE] = place_interfaces(context.scope.place(on.value))
    for family in _families(inside, outside, said):
        for low, high, size in _blocks(
            _one_range(inside, family), _one_range(outside, family), inside, outside
        ):
            here, there = _block(low, size), _block(high, size)
            arriving = where | {Field.DESTINATION: there}
            leaving = {Field.SOURCE: here}
            if on is not None:
                leaving[Field.OUT_INTERFACE] = where[Field.IN_INTERFACE]
            yield context.rule(
                family,
                Hook.PREROUTING,
                Region((Box.of(arriving),)),
                _to(Side.DESTINATION, here),
                ".inward",
            )
            yield context.rule(
                family, Hook.POSTROUTING, Region((Box.of(leaving),)), _to(Side.SOURCE, there)
            )


def _block(first: int, size: int) -> IntervalSet:
    return point(first) if size == 1 else interval(first, first + size - 1)


def _to(side: Side, block: IntervalSet) -> Action:
    if block.size > 1:
        return Netmap(side, block)
    return Dnat(block) if side is Side.DESTINATION else Snat(block)


def _families(inside: Target, outside: Target, said: dict[str, ast.Clause]) -> tuple[Family, ...]:
    for target in (inside, outside):
        if target.addresses is None or target.ports is not None:
            raise Problem(
                "NAT017",
                "`static` maps addresses, without ports",
                target.span,
                help="`port-forward` maps a port",
            )
    have = (inside.families or frozenset()) & (outside.families or frozenset())
    words = frozenset(family for family in Family if f"ipv{family.value}" in said)
    if not have or words - have:
        raise Problem("NAT008", "the two sides are of different families", outside.span)
    if not words and inside.families != outside.families:
        raise Problem("NAT008", "the two sides are of different families", outside.span)
    return tuple(sorted(words or have))


def _one_range(target: Target, family: Family) -> IntervalSet:
    if target.addresses is None:
        raise AssertionError("the caller saw an address")
    values = target.addresses.addresses.of(family)
    if len(values.ranges) != 1:
        raise Problem(
            "NAT302",
            "one side of `static` is not one range",
            target.span,
            help="write a `static` for each range, so that it is clear which maps to which",
        )
    return values


def _blocks(
    inside: IntervalSet, outside: IntervalSet, one: Target, other: Target
) -> Iterator[tuple[int, int, int]]:
    """Yield the first addresses and the size of blocks that are networks on both sides.

    10.0.0.4-10.0.0.7 <-> 10.1.0.8-10.1.0.11 is one block of 4; from 10.1.0.9 on it is four of 1.
    """
    if inside.size != outside.size:
        raise Problem(
            "NAT302",
            f"{inside.size} address{'' if inside.size == 1 else 'es'} on one side, "
            f"{outside.size} on the other",
            other.span,
        )
    low, high, left, count = inside.first, outside.first, inside.size, 0
    if left == 1:
        yield low, high, 1
        return
    while left:
        size = 1
        while size * 2 <= left and not (low | high) & (size * 2 - 1):
            size *= 2
        yield low, high, size
        low, high, left, count = low + size, high + size, left - size, count + 1
        if count > _MOST_BLOCKS:
            raise Problem(
                "NAT210",
                f"ranges that share no network blocks take over {_MOST_BLOCKS} rules",
                one.span,
                help="align both sides: `192.168.3.64/28 <-> 203.0.113.64/28`",
            )
