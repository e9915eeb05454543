"""Parses statements of a shape seen before without asking Lark again.

A policy of ten thousand lines has a few dozen shapes: lines that differ in their numbers only.  All
terminals of the grammar treat one run of digits like another, so such lines have the same tokens
and the same tree.  The second line of a shape is parsed by Lark as well; from its tree a function
is made that builds the tree of the next ones from their words.  Lark's word is final: for a new
shape, for every error, and for the few texts in which digits mean more (see `_DIGITS_MATTER`).

`tests/laws` holds this path against Lark.  `Skeletons(enabled=False)` switches it off.
"""

import re
from collections.abc import Callable
from typing import Any

from natc.dsl import ast
from natc.record import Record
from natc.source import Source, Span

_DIGITS = re.compile(r"[0-9]+")
_WORD = re.compile(r"\S+")
_DIGITS_MATTER = re.compile(r'"|[0-9]x|ipv|until|[^\x00-\x7f]')
"""Quoted texts, `0x…` marks, `ipv4` against `ipv5`, dates of fixed width, other scripts' digits."""

_MOST_SHAPES = 2_000
"""Shapes remembered; a policy with more gains nothing."""

Build = Callable[[Source, int, list[str]], ast.AnyStatement]


class Skeletons:
    """The shapes seen so far, and how to build a statement of each."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._seen: dict[str, Build | None] = {}

    def builder(self, source: Source, start: int, end: int) -> Build | None:
        """Return what builds the tree of a statement, None for a shape not known.

        Call it with the source, the statement's start and its words.
        """
        return self._seen.get(_DIGITS.sub("0", source.text[start:end])) if self.enabled else None

    def learn(self, source: Source, start: int, end: int, tree: ast.AnyStatement) -> None:
        """Remember the shape of a statement that Lark parsed."""
        text = source.text[start:end]
        if not self.enabled or len(self._seen) >= _MOST_SHAPES or _DIGITS_MATTER.search(text):
            return
        shape = _DIGITS.sub("0", text)
        if shape in self._seen:
            self._seen[shape] = _Writer(text, start).function(tree)
        else:
            self._seen[shape] = None


class _Writer:
    """Writes the function that builds trees of one shape, from the tree of one statement.

    The function gets the source, the statement's offset and its words.  `o3` is the offset of word
    3, `e3` its end; blanks between words are part of the shape.
    """

    def __init__(self, text: str, start: int) -> None:
        self.start = start
        self.words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
        self.text = text
        self.scope: dict[str, Any] = {"Span": Span}

    def function(self, tree: ast.AnyStatement) -> Build | None:
        """Return the function, None when an offset cannot be told from the words."""
        try:
            body = self._value(tree)
        except _Irregular:
            return None
        lines = ["def build(source, start, w):"]
        before = 0
        offset = "start"
        for index, (begin, end) in enumerate(self.words):
            gap = begin - before
            lines.append(f" o{index} = {offset}{f' + {gap}' if gap else ''}")
            lines.append(f" e{index} = o{index} + len(w[{index}])")
            offset, before = f"e{index}", end
        lines.append(f" return {body}")
        exec("\n".join(lines), self.scope)  # noqa: S102 - made of offsets and class names only
        build: Build = self.scope["build"]
        return build

    def _value(self, value: object) -> str:
        match value:
            case Span(_, start, end):
                return f"Span(source, {self._offset(start)}, {self._offset(end, at_end=True)})"
            case ast.Literal(text, span):
                return f"{self._name(value)}({self._literal(text, span)}, {self._value(span)})"
            case Record():
                fields = ", ".join(self._value(getattr(value, field)) for field in value.FIELDS)
                return f"{self._name(value)}({fields})"
            case tuple():
                return "(" + "".join(f"{self._value(item)}, " for item in value) + ")"
            case None | str():
                return repr(value)
            case _:
                raise _Irregular

    def _name(self, value: object) -> str:
        kind = type(value)
        self.scope[kind.__name__] = kind
        return kind.__name__

    def _literal(self, text: str, span: Span) -> str:
        """Return an expression for the text of a literal, a part of one word."""
        if not _DIGITS.search(text):
            return repr(text)
        first, last = span.start - self.start, span.end - self.start
        for index, (begin, end) in enumerate(self.words):
            if begin <= first and last <= end:
                before, after = self.text[begin:first], self.text[last:end]
                if _DIGITS.search(before) or _DIGITS.search(after):
                    raise _Irregular
                cut = f"{len(before) or ''}:{-len(after) if after else ''}"
                return f"w[{index}]" if cut == ":" else f"w[{index}][{cut}]"
        raise _Irregular

    def _offset(self, absolute: int, *, at_end: bool = False) -> str:
        """Return an expression for an offset, counted from the nearer end of its word."""
        offset = absolute - self.start
        for index, (begin, end) in enumerate(self.words):
            if begin <= offset <= end and not (at_end and offset == begin):
                if not _DIGITS.search(self.text[begin:offset]):
                    return f"o{index} + {offset - begin}" if offset > begin else f"o{index}"
                if not _DIGITS.search(self.text[offset:end]):
                    return f"e{index} - {end - offset}" if offset < end else f"e{index}"
                raise _Irregular
        raise _Irregular


class _Irregular(Exception):  # noqa: N818 - a signal inside this module
    """The shape does not say where something stands."""
