"""Text to syntax tree, every syntax error at once."""

import gc
from collections.abc import Iterator
from typing import Any

from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast, comments
from natc.dsl.skeletons import Skeletons
from natc.dsl.statements import Chunk, cut
from natc.dsl.text_checks import check_text
from natc.source import Source, Span


def parse(source: Source, skeletons: Skeletons | None = None) -> ast.Policy:
    """Return the syntax tree of one file; `include` statements stay as they are.

    Args:
        skeletons: what is known of statements parsed before; None starts with nothing.

    Raises:
        PolicyError: NAT000 and NAT014 to NAT015, with every syntax error of the file.
    """
    problems: list[Diagnostic] = []
    collecting = gc.isenabled()
    gc.disable()  # Nothing made here is garbage, and there is much of it to look through.
    try:
        policy = _policy(source, skeletons or Skeletons(), problems)
    finally:
        if collecting:
            gc.enable()
    if problems:
        raise PolicyError(problems)
    return policy


def _policy(source: Source, skeletons: Skeletons, problems: list[Diagnostic]) -> ast.Policy:
    check_text(source)
    closing: tuple[str | None, ...] = ()
    statements = []
    for chunk in cut(source, problems):
        if chunk.start == chunk.end:
            closing = chunk.above
            continue
        statement = _statement(source, chunk, skeletons, problems)
        if statement is not None:
            statements.append(statement)
    return ast.Policy(tuple(statements), closing, Span(source, 0, len(source.text)))


def _statement(
    source: Source, chunk: Chunk, skeletons: Skeletons, problems: list[Diagnostic]
) -> ast.AnyStatement | None:
    statement = skeletons.build(source, chunk.start, chunk.end)
    if statement is None:
        statement = _Grammar.shared().statement(source, chunk.start, chunk.end, problems)
        if statement is None:
            return None
        skeletons.learn(source, chunk.start, chunk.end, statement)
    if not (chunk.above or chunk.inner or chunk.beside is not None):
        return statement
    attached: ast.AnyStatement = comments.attach(statement, source, chunk)
    return attached


class _Grammar:
    """Lark's parser, made once a process and only when a statement needs it."""

    _shared: "_Grammar | None" = None

    def __init__(self) -> None:
        from natc.dsl import tables  # noqa: PLC0415 - start-up
        from natc.dsl.builder import Builder  # noqa: PLC0415 - start-up

        self.builder = Builder()
        self.lark = tables.load(self.builder)

    @classmethod
    def shared(cls) -> "_Grammar":
        """Return the one parser of this process."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def statement(
        self, source: Source, start: int, end: int, problems: list[Diagnostic]
    ) -> ast.AnyStatement | None:
        """Parse one statement of `source`; what is wrong with it goes to `problems`."""
        from lark import UnexpectedInput  # noqa: PLC0415 - start-up

        from natc.dsl import mistakes  # noqa: PLC0415 - start-up

        self.builder.source = source
        self.builder.span = Span(source, start, end)
        try:
            # A slice of the text: Lark counts the lines before a `TextSlice` each time.
            made: ast.AnyStatement = self.lark.parse(source.text[start:end], start="statement")
        except UnexpectedInput as error:
            problems.append(mistakes.explain(error, self.builder.span, self.lark))
            return None
        return made


def statements_of_whole(source: Source) -> Iterator[Any]:
    """Parse `source` by the grammar's `policy` rule: the reference that tests hold `parse` against.

    Comments are not attached.
    """
    grammar = _Grammar.shared()
    grammar.builder.source = source
    grammar.builder.span = Span(source, 0, 0)
    text = source.text if source.text.endswith("\n") else source.text + "\n"
    yield from grammar.lark.parse(text, start="policy").children
