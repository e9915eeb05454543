"""Set expressions of marks, which no name can stand for."""

from natc.dsl import ast
from natc.elaborate import values
from natc.elaborate.kinds import wrong_kind
from natc.ir.conditions import Mark, can_hold


def marks(expression: ast.SetExpr) -> tuple[tuple[Mark, ...], ...]:
    """Return alternatives that exclude each other, each a list of conditions that all hold.

    Raises:
        Problem: NAT017, NAT206.
    """
    match expression:
        case ast.Mark() | ast.Number():
            return ((Mark(*values.mark(expression)),),)
        case ast.Not(operand):
            return (tuple(_negated(mark) for mark in _mark_list(operand)),)
        case ast.Braces():
            marks = _mark_list(expression)
            alternatives = (
                (
                    mark,
                    *(_negated(earlier) for earlier in marks[:index] if _meet(earlier, mark)),
                )
                for index, mark in enumerate(marks)
            )
            # One that the others hold already, such as the second of two alike, holds nothing.
            return tuple(one for one in alternatives if can_hold(one))
        case _:
            raise wrong_kind("a mark such as `0x1/0x1`", expression)


def _mark_list(expression: ast.SetExpr) -> list[Mark]:
    match expression:
        case ast.Mark() | ast.Number():
            return [Mark(*values.mark(expression))]
        case ast.Braces(items):
            return [mark for item in items for mark in _mark_list(item.value)]
        case _:
            raise wrong_kind("a mark such as `0x1/0x1`", expression)


def _negated(mark: Mark) -> Mark:
    return Mark(mark.value, mark.mask, not mark.negated)


def _meet(left: Mark, right: Mark) -> bool:
    """Whether some mark satisfies both."""
    return not (left.value ^ right.value) & left.mask & right.mask
