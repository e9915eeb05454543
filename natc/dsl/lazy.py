"""The statements of a long file without their trees all at once.

A rule whose shape is known is kept as two offsets and built each time it is looked at: cheaper in
memory by two orders, and a policy of 100,000 rules is looked at once or twice.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import cast, overload

from natc.dsl import ast
from natc.dsl.shapes import Build, words
from natc.record import replace
from natc.source import Source

Kept = tuple[ast.AnyStatement | Build, int, int]
"""A statement as its tree, or as what builds the tree, and where it begins and ends."""


class Statements(Sequence[ast.AnyStatement]):
    """Statements in file order; equal to any sequence of equal statements."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: list[ast.AnyStatement | Build] = []  # The tree, or what builds it.
        self._starts = array("Q")
        self._ends = array("Q")
        self._comments: dict[int, ast.Comments] = {}  # Of rules to be built, by index.

    def add(self, statement: ast.AnyStatement | Build, start: int, end: int) -> None:
        """Append a statement, or the way to build it, a rule, from its place."""
        self._made.append(statement)
        self._starts.append(start)
        self._ends.append(end)

    def comment(self, around: ast.Comments) -> None:
        """Put comments to the rule that was added last."""
        self._comments[len(self._made) - 1] = around

    def declarations(self) -> Iterator[ast.AnyStatement]:
        """Yield every statement that is no translation rule, and some that are."""
        return (statement for statement in self._made if isinstance(statement, ast.Node))

    def mention(self, word: str) -> bool:
        """Whether the text holds `word` anywhere."""
        return word in self._source.text

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[ast.AnyStatement]:
        return (self._tree(index) for index in range(len(self)))

    def _tree(self, index: int) -> ast.AnyStatement:
        made = self._made[index]
        if isinstance(made, ast.Node):
            return made
        tree = built(self._source, made, self._starts[index], self._ends[index])
        around = self._comments.get(index)
        return tree if around is None else replace(tree, comments=around)

    def kept(self) -> Iterator[Kept]:
        """Yield the statements without building any; those to be built are rules."""
        return zip(self._made, self._starts, self._ends, strict=True)

    @overload
    def __getitem__(self, index: int) -> ast.AnyStatement: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ast.AnyStatement]: ...
    def __getitem__(self, index: int | slice) -> ast.AnyStatement | Sequence[ast.AnyStatement]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._tree(range(len(self))[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def built(source: Source, build: Build, start: int, end: int) -> ast.Rule | ast.Static:
    """Return the tree of a rule of `source`, without its comments."""
    return cast("ast.Rule | ast.Static", build(source, start, words(source.text[start:end])))


def kept(statements: Sequence[ast.AnyStatement]) -> Iterator[Kept]:
    """Yield the statements as they are, built or not."""
    if isinstance(statements, Statements):
        return statements.kept()
    return ((statement, 0, 0) for statement in statements)


def declarations(statements: Iterable[ast.AnyStatement]) -> Iterator[ast.AnyStatement]:
    """Yield every statement that is no translation rule, and perhaps some that are."""
    if isinstance(statements, Statements):
        return statements.declarations()
    return iter(statements)


def may_mention(statements: Iterable[ast.AnyStatement], word: str) -> bool:
    """Whether `word` can stand in one of `statements`; False is certain."""
    return not isinstance(statements, Statements) or statements.mention(word)
