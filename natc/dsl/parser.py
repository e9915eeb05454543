"""Text to syntax tree, every syntax error at once."""

import gc
from collections.abc import Iterable, Iterator
from typing import Any

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl import ast, comments, saved
from natc.dsl.lazy import Statements
from natc.dsl.shapes import words
from natc.dsl.skeletons import Skeletons, usual_shape
from natc.dsl.statements import cut
from natc.dsl.text_checks import check_text
from natc.source import Source, Span

MOST_EXCEPTIONS = 64
"""`except`s in one statement; a list takes any number of exceptions."""

_RULES = (
    "snat ",
    "dnat ",
    "port-forward ",
    "masquerade ",
    "exempt ",
    "static ",
    "balance ",
    "transparent-proxy ",
)


def parse(source: Source, skeletons: Skeletons | None = None) -> ast.Policy:
    """Return the syntax tree of one file; `include` statements stay as they are.

    Args:
        skeletons: the shapes known so far; None starts with those that come with natc.

    Raises:
        PolicyError: NAT000 and NAT014 to NAT015, with every syntax error of the file.
    """
    policy, problems = read(source, skeletons)
    if problems:
        raise PolicyError(problems)
    return policy


def read(source: Source, skeletons: Skeletons | None = None) -> tuple[ast.Policy, list[Diagnostic]]:
    """Return the statements that can be parsed, and what is wrong with the others.

    Raises:
        PolicyError: NAT014 or NAT015 for a text that is no policy at all.
    """
    check_text(source)
    problems: list[Diagnostic] = []
    collecting = gc.isenabled()
    gc.disable()  # Nothing made here is garbage, and there is much of it to look through.
    try:
        policy = _policy(source, skeletons or Skeletons(saved.usual_shapes()), problems)
    finally:
        if collecting:
            gc.enable()
    return policy, problems


def _policy(source: Source, skeletons: Skeletons, problems: list[Diagnostic]) -> ast.Policy:
    closing: tuple[str | None, ...] = ()
    statements = Statements(source)
    for chunk in cut(source, problems):
        start, end, above, inner, beside = chunk
        if start == end:
            closing = above
            continue
        commented = bool(above) or beside is not None
        build = skeletons.builder(source, start, end)
        if build is not None and not inner and source.text.startswith(_RULES, start):
            statements.add(build, start, end)
            if commented:
                statements.comment(ast.Comments(above, beside))
            continue
        if build is not None:
            statement = build(source, start, words(source.text[start:end]))
        else:
            parsed = None
            if _is_bounded(source, start, end, problems):
                parsed = _Grammar.shared().statement(source, start, end, problems)
            if parsed is None:
                continue
            statement = parsed
            skeletons.learn(source, start, end, statement)
        if commented or inner:
            statement = comments.attach(statement, source, chunk)
        statements.add(statement, start, end)
    return ast.Policy(statements, closing, Span(source, 0, len(source.text)))


def _is_bounded(source: Source, start: int, end: int, problems: list[Diagnostic]) -> bool:
    """Whether a statement nests no deeper than the code that walks its tree."""
    if source.text.count("except", start, end) <= MOST_EXCEPTIONS:
        return True
    message = f"more than {MOST_EXCEPTIONS} exceptions in one statement"
    place = Label(Span(source, start, start))
    help_ = "write `except { a, b, … }`"
    problems.append(Diagnostic("NAT015", message, place, help=help_))
    return False


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


def usual_shapes(texts: Iterable[str]) -> dict[str, str]:
    """Return the shapes of the statements of `texts`, as natc ships them; see `skeletons`."""
    found: dict[str, str] = {}
    for text in texts:
        source = Source("<shapes>", text)
        problems: list[Diagnostic] = []
        for chunk in cut(source, problems):
            tree = None
            if chunk.start < chunk.end and not chunk.inner:
                tree = _Grammar.shared().statement(source, chunk.start, chunk.end, problems)
            if tree is not None:
                made = usual_shape(tree, source.text[chunk.start : chunk.end], chunk.start)
                found |= {} if made is None else {made[0]: made[1]}
    return found
