"""Comments in every place of a policy that can have one."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from natc.dsl import ast
from natc.dsl.lazy import Statements
from natc.record import replace

WORDS = (
    "# why",
    "# as agreed with the owner",
    '# not "a string',
    "# tcp/80 -> ; { } #",
    "#!x",
    "##",
)
"""In the form that `natc fmt` gives them."""


def decorated(draw: Callable[..., Any], policy: ast.Policy) -> ast.Policy:
    """Return `policy` with comments on some of its lines."""
    if not draw(st.booleans()):
        return policy
    statements = [
        _on_lines(draw, _commented(draw, statement, empty_lines=index > 0))
        for index, statement in enumerate(policy.statements)
    ]
    closing = tuple(draw(_lines()))
    return replace(policy, statements=tuple(statements), closing=closing)


def _lines() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(WORDS), max_size=2)


def _commented(draw: Callable[..., Any], node: Any, *, empty_lines: bool = False) -> Any:
    """Give `node` comments above and beside it, some of the time."""
    choice = draw(st.integers(0, 7))
    if choice < 4:
        return node
    above: list[str | None] = [*draw(_lines())] if choice in (4, 6) else []
    if empty_lines and choice in (6, 7):
        above.insert(draw(st.integers(0, len(above))), None)
    beside = draw(st.sampled_from(WORDS)) if choice in (5, 6) else None
    return replace(node, comments=ast.Comments(tuple(above), beside))


def _on_lines(draw: Callable[..., Any], statement: Any) -> Any:
    """Give comments to the lines of a block."""
    for kind, name in ((ast.Block, "entries"), (ast.Host, "definitions"), (ast.Test, "lines")):
        if isinstance(statement, kind) and draw(st.booleans()):
            lines = tuple(_commented(draw, line) for line in getattr(statement, name))
            return replace(statement, closing=tuple(draw(_lines())), **{name: lines})
    if isinstance(statement, ast.Rule) and isinstance(statement.target, ast.Braces):
        return replace(statement, target=_on_items(draw, statement.target))
    if isinstance(statement, ast.Definition) and isinstance(statement.value, ast.Braces):
        return replace(statement, value=_on_items(draw, statement.value))
    return statement


def _on_items(draw: Callable[..., Any], braces: ast.Braces) -> ast.Braces:
    if not draw(st.booleans()):
        return braces
    items = tuple(_commented(draw, item) for item in braces.items)
    return replace(braces, items=items, closing=tuple(draw(_lines())))


def all_comments(node: Any) -> list[str]:
    """Return every comment in `node`, in no particular order."""
    found: list[str] = []
    if isinstance(node, ast.Comments):
        found += [line for line in node.above if line is not None]
        found += [node.beside] if node.beside is not None else []
    elif isinstance(node, ast.Node):
        found += [line for line in getattr(node, "closing", ()) if line is not None]
        for name in node.FIELDS:
            if name not in ("span", "closing"):
                found += all_comments(getattr(node, name))
    elif isinstance(node, tuple | Statements):
        for part in node:
            found += all_comments(part)
    return found


def without_comments(node: object) -> object:
    """Return `node` as nested tuples, without comments and places."""
    if isinstance(node, ast.Node):
        kept = [name for name in node.FIELDS if name not in ("span", "comments", "closing")]
        return type(node).__name__, *(without_comments(getattr(node, name)) for name in kept)
    if isinstance(node, tuple | Statements):
        return tuple(without_comments(part) for part in node)
    return node
