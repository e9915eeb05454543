"""Cuts a policy into its statements, without parsing them.

A statement ends at a line end or `;` outside braces.  Cutting first means that a syntax error
costs one statement and not the rest of the file, and that a statement whose shape is known need
not be parsed again.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from natc.diagnostics import Diagnostic, Label
from natc.source import Source, Span

DEEPEST = 32
"""Braces within braces that natc reads; a policy needs three."""

_MARK = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|[{};\n]')

_EMPTY_LINE = re.compile(r"[ \t]*\n")

_SOMETHING = re.compile(r"[^\s;]")
"""What the first statement or comment begins with."""

_PLAIN = re.compile(r'([^\s"#{};](?:[^"#{};\n]*[^\s"#{};])?)[ \t]*(#[^\n]*)?\n')
"""A line that is one statement without braces and texts, as most of a long policy are."""


class Chunk(NamedTuple):
    """One statement's text, offsets in the source.

    Attributes:
        start, end: the statement itself, without blanks around it; equal when there is none.
        above: whole-line comments and (as None) the empty line before it.
        inner: start and end of the comments inside its braces; equal for an empty line.
        beside: the comment that ends its last line.
    """

    start: int
    end: int
    above: tuple[str | None, ...] = ()
    inner: tuple[tuple[int, int], ...] = ()
    beside: str | None = None


def cut(source: Source, problems: list[Diagnostic]) -> Iterator[Chunk]:
    """Yield the statements of `source` in order; a last empty one holds the closing comments.

    What is wrong with braces goes to `problems`.
    """
    text = source.text
    cutter = _Cutter(source, problems)
    begin = 0
    while begin < len(text):
        plain = _PLAIN.match(text, begin)
        if plain is not None:
            above = cutter.take_above() if cutter.above else ()
            beside = None if plain.lastindex == 1 else canonical(plain[2])
            yield Chunk(begin, plain.end(1), above, (), beside)
            begin = plain.end()
            continue
        chunk, begin = cutter.next(begin)
        if chunk is not None:
            yield chunk
    if cutter.above and cutter.above[-1] is None:
        cutter.above.pop()
    if cutter.above:
        yield Chunk(len(text), len(text), above=cutter.take_above())


class _Cutter:
    """The state that lives from one statement to the next: the comments waiting for it.

    Attributes:
        first: where the first statement or comment begins; empty lines before it say nothing.
    """

    def __init__(self, source: Source, problems: list[Diagnostic]) -> None:
        self.source = source
        self.problems = problems
        self.above: list[str | None] = []
        first = _SOMETHING.search(source.text)
        self.first = first.start() if first else len(source.text)

    def take_above(self) -> tuple[str | None, ...]:
        """Return the waiting comments and empty lines, and forget them."""
        above = tuple(self.above)
        self.above = []
        return above

    def next(self, begin: int) -> tuple[Chunk | None, int]:
        """Return the statement that starts at or after `begin`, and where to go on."""
        text = self.source.text
        opened: list[int] = []
        inner: list[tuple[int, int]] = []
        too_deep = False
        for mark in _MARK.finditer(text, begin):
            kind = text[mark.start()]
            if kind == "{":
                opened.append(mark.start())
                if len(opened) == DEEPEST + 1:
                    too_deep = True
                    self._report(mark.start(), "NAT015", f"braces nested more than {DEEPEST} deep")
            elif kind == "}":
                if opened:
                    opened.pop()
            elif kind == "#" and opened:
                inner.append(mark.span())
            elif kind == "\n" and opened:
                empty = _EMPTY_LINE.match(text, mark.end())
                if empty is not None:
                    inner.append((mark.end(), mark.end()))
            elif kind == "#" or (kind in "\n;" and not opened):
                chunk = self._chunk(begin, mark.start(), inner)
                if kind == "#":
                    return self._commented(chunk, mark.start(), mark.end())
                if chunk is None and kind == "\n" and not text[begin : mark.start()].strip():
                    self._empty_line(begin)
                return (None if too_deep else chunk), mark.end()
        if opened:
            self._report(opened[-1], "NAT000", "this `{` is never closed")
            line_end = text.find("\n", opened[-1])
            return None, len(text) if line_end < 0 else line_end + 1
        return (None if too_deep else self._chunk(begin, len(text), inner)), len(text)

    def _chunk(self, begin: int, end: int, inner: list[tuple[int, int]]) -> Chunk | None:
        text = self.source.text[begin:end]
        stripped = text.strip()
        if not stripped:
            return None
        start = begin + text.index(stripped[0])
        return Chunk(start, start + len(stripped), self.take_above(), tuple(inner))

    def _commented(self, chunk: Chunk | None, start: int, end: int) -> tuple[Chunk | None, int]:
        comment = canonical(self.source.text[start:end])
        after = end + 1 if self.source.text[end : end + 1] == "\n" else end
        if chunk is None:
            self.above.append(comment)
            return None, after
        return Chunk(chunk.start, chunk.end, chunk.above, chunk.inner, comment), after

    def _empty_line(self, begin: int) -> None:
        inside = begin > self.first and self.source.text[begin - 1] == "\n"
        if inside and (not self.above or self.above[-1] is not None):
            self.above.append(None)

    def _report(self, offset: int, code: str, message: str) -> None:
        place = Span(self.source, offset, offset + 1)
        self.problems.append(Diagnostic(code, message, Label(place)))


def canonical(comment: str) -> str:
    """Return a comment as `natc fmt` writes it: `#` and a blank before the words."""
    body = comment[1:].rstrip()
    return f"# {body}" if body and body[0] not in " \t!#" else f"#{body}"
