"""The statements of a long file without their trees all at once.

A rule whose shape is known is kept as two offsets and built each time it is looked at: cheaper in
memory by two orders, and a policy of 100,000 rules is looked at once or twice.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from natc.dsl import ast
from natc.dsl.shapes import Build, words
from natc.source import Source


class Statements(Sequence[ast.AnyStatement]):
    """Statements in file order; equal to any sequence of equal statements."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: list[ast.AnyStatement | Build] = []  # The tree, or what builds it.
        self._starts = array("Q")
        self._ends = array("Q")

    def add(self, statement: ast.AnyStatement | Build, start: int, end: int) -> None:
        """Append a statement, or the way to build it from its place."""
        self._made.append(statement)
        self._starts.append(start)
        self._ends.append(end)

    def declarations(self) -> Iterator[ast.AnyStatement]:
        """Yield every statement that is no translation rule, and some that are."""
        return (statement for statement in self._made if isinstance(statement, ast.Node))

    def mention(self, word: str) -> bool:
        """Whether the text holds `word` anywhere."""
        return word in self._source.text

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[ast.AnyStatement]:
        source, text = self._source, self._source.text
        for made, start, end in zip(self._made, self._starts, self._ends, strict=True):
            yield (
                made if isinstance(made, ast.Node) else made(source, start, words(text[start:end]))
            )

    @overload
    def __getitem__(self, index: int) -> ast.AnyStatement: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ast.AnyStatement]: ...
    def __getitem__(self, index: int | slice) -> ast.AnyStatement | Sequence[ast.AnyStatement]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        made, start, end = self._made[index], self._starts[index], self._ends[index]
        if isinstance(made, ast.Node):
            return made
        return made(self._source, start, words(self._source.text[start:end]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def declarations(statements: Iterable[ast.AnyStatement]) -> Iterator[ast.AnyStatement]:
    """Yield every statement that is no translation rule, and perhaps some that are."""
    if isinstance(statements, Statements):
        return statements.declarations()
    return iter(statements)


def may_mention(statements: Iterable[ast.AnyStatement], word: str) -> bool:
    """Whether `word` can stand in one of `statements`; False is certain."""
    return not isinstance(statements, Statements) or statements.mention(word)
