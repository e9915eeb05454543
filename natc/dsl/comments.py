"""Gives each comment to the line of the policy that it belongs to."""

from typing import Any

from natc.dsl import ast
from natc.dsl.statements import Chunk, canonical
from natc.record import replace
from natc.source import Source

_LINES: dict[type, str] = {
    ast.Block: "entries",
    ast.Host: "definitions",
    ast.Test: "lines",
    ast.Braces: "items",
}
"""The nodes in braces that hold lines, and the field that holds them."""


def attach(statement: Any, source: Source, chunk: Chunk) -> Any:
    """Return `statement` with the comments of its chunk on the lines they belong to."""
    if chunk.inner:
        statement = _attach_inner(statement, source.text, list(chunk.inner))
    if chunk.above or chunk.beside is not None:
        return replace(statement, comments=ast.Comments(chunk.above, chunk.beside))
    return statement


def _attach_inner(node: Any, text: str, inner: list[tuple[int, int]]) -> Any:
    """Return `node` with the comments in `inner` that stand within it attached."""
    mine = [comment for comment in inner if node.span.start <= comment[0] < node.span.end]
    if not mine:
        return node
    lines = _LINES.get(type(node))
    if lines is not None:
        return _attach_to_lines(node, lines, text, mine)
    changes = {
        field: _attach_inner(value, text, mine)
        for field in node.FIELDS
        if isinstance(value := getattr(node, field), ast.Node) and field != "comments"
    }
    for field in node.FIELDS:
        value = getattr(node, field)
        if isinstance(value, tuple) and value and isinstance(value[0], ast.Node):
            changes[field] = tuple(_attach_inner(child, text, mine) for child in value)
    return replace(node, **changes)


def _attach_to_lines(node: Any, field: str, text: str, mine: list[tuple[int, int]]) -> Any:
    """Attach comments between the lines of `node`, and inside them."""
    lines = list(getattr(node, field))
    above: list[list[str | None]] = [[] for _ in range(len(lines) + 1)]
    beside: list[str | None] = [None] * len(lines)
    inside: list[list[tuple[int, int]]] = [[] for _ in lines]
    for start, end in mine:
        after = next((i for i, line in enumerate(lines) if line.span.end > start), len(lines))
        if after < len(lines) and lines[after].span.start <= start:
            inside[after].append((start, end))
        elif start == end:
            # Empty lines stay between the lines of a block, one where there were several.
            if isinstance(node, ast.Braces) or (after == 0 and not above[0]):
                continue
            if not above[after] or above[after][-1] is not None:
                above[after].append(None)
        elif (
            after > 0
            and "\n" not in text[lines[after - 1].span.end : start]
            and beside[after - 1] is None
        ):
            beside[after - 1] = canonical(text[start:end])
        else:
            above[after].append(canonical(text[start:end]))
    while above[-1] and above[-1][-1] is None:
        above[-1].pop()
    made = []
    for line, over, at_end, within in zip(lines, above, beside, inside, strict=False):
        child = _attach_inner(line, text, within) if within else line
        if over or at_end is not None:
            child = replace(child, comments=ast.Comments(tuple(over), at_end))
        made.append(child)
    return replace(node, **{field: tuple(made), "closing": tuple(above[-1])})
