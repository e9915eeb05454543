"""The function that builds the trees of one shape of statement, written from one such tree."""

import re
from collections.abc import Callable
from typing import Any

from natc.dsl import ast
from natc.record import Record
from natc.source import Source, Span

Build = Callable[[Source, int, list[str]], ast.AnyStatement]
"""Builds a tree from the source, the statement's offset in it, and its words."""

_WORD = re.compile(r'"[^"\\\n]*"|[^\s"]+')

_SCOPE: dict[str, Any] = {
    name: value
    for name, value in vars(ast).items()
    if isinstance(value, type) and issubclass(value, Record)
} | {"Span": Span}


def words(text: str) -> list[str]:
    """Cut a statement at blanks; a quoted text is one word."""
    return _WORD.findall(text) if '"' in text else text.split()


def compiled(source: str) -> Build:
    """Return the function whose body `write` wrote."""
    scope = dict(_SCOPE)
    exec(source, scope)  # noqa: S102 - made of offsets and class names only
    build: Build = scope["build"]
    return build


def write(tree: ast.AnyStatement, text: str, start: int, varying: re.Pattern[str]) -> str | None:
    """Return the source of a function for all statements of the shape of `text`.

    In it `o3` is the offset of word 3, `e3` its end; blanks between words are part of the shape.

    Args:
        start: where `text` begins in the source of `tree`.
        varying: what differs between statements of the shape, such as runs of digits.

    Returns:
        None when an offset cannot be told from the words, as in an empty text.
    """
    if '""' in text:
        return None
    writer = _Writer(text, start, varying)
    try:
        body = writer.value(tree)
    except _Irregular:
        return None
    return "\n".join(["def build(source, start, w):", *writer.offsets(), f" return {body}"])


class _Writer:
    """Turns values of one tree into expressions."""

    def __init__(self, text: str, start: int, varying: re.Pattern[str]) -> None:
        self.text = text
        self.start = start
        self.varying = varying
        self.words = [found.span() for found in _WORD.finditer(text)]

    def offsets(self) -> list[str]:
        """Return the lines that set `o0`, `e0`, `o1` and so on."""
        lines, before, offset = [], 0, "start"
        for index, (begin, end) in enumerate(self.words):
            gap = begin - before
            lines.append(f" o{index} = {offset}{f' + {gap}' if gap else ''}")
            lines.append(f" e{index} = o{index} + len(w[{index}])")
            offset, before = f"e{index}", end
        return lines

    def value(self, value: object) -> str:
        """Return an expression for a part of the tree."""
        match value:
            case Span(_, start, end):
                return f"Span(source, {self._offset(start)}, {self._offset(end, at_end=True)})"
            case ast.Literal(text, span):
                return f"{type(value).__name__}({self._literal(text, span)}, {self.value(span)})"
            case Record():
                fields = ", ".join(self.value(getattr(value, field)) for field in value.FIELDS)
                return f"{type(value).__name__}({fields})"
            case tuple():
                return "(" + "".join(f"{self.value(item)}, " for item in value) + ")"
            case None | str() | bool():
                return repr(value)
            case _:
                raise _Irregular

    def _literal(self, text: str, span: Span) -> str:
        """Return an expression for the text of a literal, a part of one word."""
        first, last = span.start - self.start, span.end - self.start
        if self.text[first] == '"':
            first, last = first + 1, last - 1
        elif not self.varying.search(self.text[first:last]):
            return repr(text)
        for index, (begin, end) in enumerate(self.words):
            if begin <= first and last <= end:
                before, after = self.text[begin:first], self.text[last:end]
                if self.varying.search(before) or self.varying.search(after):
                    raise _Irregular
                cut = f"{len(before) or ''}:{-len(after) if after else ''}"
                return f"w[{index}]" if cut == ":" else f"w[{index}][{cut}]"
        raise _Irregular

    def _offset(self, absolute: int, *, at_end: bool = False) -> str:
        """Return an expression for an offset, counted from the nearer end of its word."""
        offset = absolute - self.start
        for index, (begin, end) in enumerate(self.words):
            if begin <= offset <= end and not (at_end and offset == begin):
                if not self.varying.search(self.text[begin:offset]):
                    return f"o{index} + {offset - begin}" if offset > begin else f"o{index}"
                if not self.varying.search(self.text[offset:end]):
                    return f"e{index} - {end - offset}" if offset < end else f"e{index}"
                raise _Irregular
        raise _Irregular


class _Irregular(Exception):  # noqa: N818 - a signal inside this module
    """The shape does not say where something stands."""
