"""Text and places in it.  A leaf: every stage may use it."""

from bisect import bisect_right

from natc.record import Record


class Source(Record):
    """A text with a name for people.

    Attributes:
        name: as shown in diagnostics, usually the path as the user gave it.
        text: the whole text; lines end with a line feed.
        included_from: where an `include` named this source; None for the main one.
    """

    IGNORED = frozenset({"included_from"})

    name: str
    text: str
    included_from: "Span | None" = None

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    def position(self, offset: int) -> "Position":
        """Return the place of `offset`, a code-point offset 0..len(text)."""
        line = self.line_number(offset)
        return Position(line, offset - _line_starts(self.text)[line - 1] + 1)

    def line_number(self, offset: int) -> int:
        """Return the line of `offset`, from 1."""
        return bisect_right(_line_starts(self.text), offset)

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its end."""
        starts = _line_starts(self.text)
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end]


_STARTS: dict[int, tuple[str, list[int]]] = {}


def _line_starts(text: str) -> list[int]:
    """Return the offsets at which lines begin, remembering the last few texts."""
    known = _STARTS.get(id(text))
    if known is None or known[0] is not text:
        starts = [0]
        position = text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = text.find("\n", position + 1)
        if len(_STARTS) > 16:
            _STARTS.clear()
        known = _STARTS[id(text)] = (text, starts)
    return known[1]


class Position(Record):
    """Line and column, both from 1, the column in code points."""

    line: int
    column: int


class Span(Record):
    """Half-open code-point offsets in a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line of the first character, from 1."""
        return self.source.line_number(self.start)

    @property
    def text(self) -> str:
        """What the span covers."""
        return self.source.text[self.start : self.end]

    def __repr__(self) -> str:
        return f"Span({self})"

    def __str__(self) -> str:
        position = self.source.position(self.start)
        return f"{self.source.name}:{position.line}:{position.column}"


def cover(first: Span, last: Span) -> Span:
    """Return the span from the start of `first` to the end of `last`, of one source."""
    return Span(first.source, first.start, last.end)


NOWHERE = Span(Source("<nowhere>", ""), 0, 0)
"""The place of values that no text stands behind, such as those that tests make."""
