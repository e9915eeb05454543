"""Set expressions of marks and ipsets, which no name can stand for.

They become alternatives that exclude each other, so that each packet is in one box at most.
"""

from collections.abc import Callable

from natc.dsl import ast
from natc.elaborate import values
from natc.elaborate.kinds import wrong_kind
from natc.elaborate.problem import Problem
from natc.ir.conditions import Condition, InSet, Mark, can_hold, negation
from natc.source import Span

Alternatives = tuple[tuple[Condition, ...], ...]
"""One of these lists holds; in it, all conditions.  No two can hold at once."""

ANYTHING: Alternatives = ((),)

_MOST = 1024
"""Alternatives of one expression; each `except` in a list doubles those that follow it."""

_Literal = Callable[[ast.SetExpr], Condition]
"""Reads one mark or ipset."""


def marks(expression: ast.SetExpr) -> Alternatives:
    """Return what an expression of marks means.

    Raises:
        Problem: NAT005, NAT015, NAT017, NAT206.
    """
    found = tuple(filter(can_hold, _inside(expression, _mark)))
    if not found:
        raise Problem("NAT005", "this set of marks is empty", expression.span)
    return found


def ipsets(said: ast.IpSet) -> Alternatives:
    """Return what an expression of ipsets means.

    Raises:
        Problem: NAT005, NAT015, NAT017, NAT204, NAT206.
    """
    flags = said.flags or ("src",)
    if len(flags) > 6:
        raise Problem("NAT206", "an ipset has at most 6 dimensions", said.span)
    found = _inside(said.sets, lambda name: InSet(_ipset_name(name), flags))
    if not found:
        raise Problem("NAT005", "no packet can be in these ipsets", said.sets.span)
    return found


def both(one: Alternatives, other: Alternatives) -> Alternatives:
    """Return what holds where both hold; empty where nothing can."""
    if ANYTHING in (one, other):
        return other if one == ANYTHING else one
    met = (_needed((*mine, *theirs)) for mine in one for theirs in other)
    return tuple(conditions for conditions in met if can_hold(conditions))


def check_size(alternatives: int, span: Span) -> None:
    """Refuse more alternatives than anybody means.

    Raises:
        Problem: NAT015.
    """
    if alternatives > _MOST:
        message = f"this set has more than {_MOST} cases"
        raise Problem("NAT015", message, span, help="write several rules")


def _needed(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Leave out what is said twice, and marks not to have that another mark rules out already."""
    said = dict.fromkeys(conditions)
    wanted = [mark for mark in said if isinstance(mark, Mark) and not mark.negated]

    def is_clear(condition: Condition) -> bool:
        refused = negation(condition)
        return condition.negated and not all(can_hold((mark, refused)) for mark in wanted)

    return tuple(condition for condition in said if not is_clear(condition))


def _inside(expression: ast.SetExpr, literal: _Literal) -> Alternatives:
    match expression:
        case ast.Braces(items):
            found: list[tuple[Condition, ...]] = []
            before = ANYTHING
            for item in items:
                found += both(_inside(item.value, literal), before)
                before = both(before, _outside(item.value, literal))
                check_size(len(found) + len(before), expression.span)
            return tuple(found)
        case ast.Except(base, without):
            return both(_inside(base, literal), _outside(without, literal))
        case ast.Not(operand):
            return _outside(operand, literal)
        case _:
            return ((literal(expression),),)


def _outside(expression: ast.SetExpr, literal: _Literal) -> Alternatives:
    match expression:
        case ast.Braces(items):
            found = ANYTHING
            for item in items:
                found = both(found, _outside(item.value, literal))
                check_size(len(found), expression.span)
            return found
        case ast.Except(base, without):
            back = both(_inside(base, literal), _inside(without, literal))
            return (*_outside(base, literal), *back)
        case ast.Not(operand):
            return _inside(operand, literal)
        case _:
            return ((negation(literal(expression)),),)


def _mark(expression: ast.SetExpr) -> Mark:
    if isinstance(expression, ast.Mark | ast.Number):
        return Mark(*values.mark(expression))
    raise wrong_kind("a mark such as `0x1/0x1`", expression)


def _ipset_name(expression: ast.SetExpr) -> str:
    if not isinstance(expression, ast.Name | ast.String):
        raise wrong_kind("the name of an ipset", expression)
    name = expression.text
    if not 0 < len(name.encode()) < 32 or any(
        char.isspace() or not char.isprintable() for char in name
    ):
        raise Problem(
            "NAT204",
            f"`{name}` is not the name of an ipset",
            expression.span,
            help="an ipset has a name of 1 to 31 bytes",
        )
    return name
