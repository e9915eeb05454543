"""Conditions on a packet's mark to the one expression that a rule may have of them."""

from collections.abc import Iterable, Sequence

from natc.dsl import ast
from natc.importers.remarks import Unsayable
from natc.importers.sets import braces
from natc.ir.conditions import EVERY_BIT, Mark

Alternatives = tuple[tuple[Mark, ...], ...]
"""One of these lists holds; in each, all conditions."""

ANY_MARK: Alternatives = ((),)


def expression(alternatives: Alternatives) -> ast.SetExpr | None:
    """Say which marks are meant; None when every mark is.

    Raises:
        Unsayable: one `mark` does not say it.
    """
    if len(alternatives) > 1:
        return braces(_literal(value, mask) for value, mask in _list(alternatives))
    wanted, refused = _simplified(alternatives[0])
    if wanted is None:
        return ast.Not(braces(_literal(m.value, m.mask) for m in refused)) if refused else None
    if refused:
        without = braces(_literal(mark.value, mark.mask) for mark in refused)
        return ast.Except(_literal(*wanted), without)
    return _literal(*wanted)


def _list(alternatives: Alternatives) -> list[tuple[int, int]]:
    """Return marks whose union is the alternatives; what an earlier one holds, a later one may."""
    listed: list[tuple[int, int]] = []
    for conditions in alternatives:
        left = [c for c in conditions if not (c.negated and (c.value, c.mask) in listed)]
        wanted, refused = _simplified(left)
        if wanted is None or refused:
            raise Unsayable("some marks but not others")
        value, mask = wanted
        if not any(mask & m == m and value & m == v for v, m in listed):
            listed.append(wanted)
    return listed


def _simplified(conditions: Iterable[Mark]) -> tuple[tuple[int, int] | None, Sequence[Mark]]:
    """Return the value and mask that all conditions want, and what they refuse beside that."""
    every = [condition for condition in conditions if condition.mask]
    positive = [mark for mark in every if not mark.negated]
    refused = [mark for mark in every if mark.negated]
    value = mask = 0
    for mark in positive:
        value, mask = value | mark.value, mask | mark.mask
    changed = bool(positive)
    while changed:
        changed = False
        for mark in list(refused):
            free = mark.mask & ~mask
            if (mark.value ^ value) & mark.mask & mask:
                refused.remove(mark)
            elif free.bit_count() == 1:
                # The only free bit must differ: that is one more bit to want.
                value, mask = value | (~mark.value & free), mask | free
                refused.remove(mark)
                changed = True
    return ((value, mask) if positive else None), refused


def _literal(value: int, mask: int) -> ast.SetExpr:
    return ast.Mark(f"{value:#x}" if mask == EVERY_BIT else f"{value:#x}/{mask:#x}")
