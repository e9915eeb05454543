"""Statements of one shape, worked out once with their addresses and ports left open (`blanks`).

A policy of ten thousand rules has a few dozen shapes, which differ in their values.  When a shape
has come often, one of its statements is made into something that takes values; from then on a
statement that differs in nothing else only gives its own.  Where anything depends on a value, there
is nothing to take it, and such statements go the long way.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from natc.dsl import ast
from natc.dsl.lazy import built
from natc.dsl.shapes import Build
from natc.elaborate.blanks import SIGN, Blank, OpenScope
from natc.elaborate.context import Context
from natc.elaborate.lower import Elaboration, rules_of
from natc.elaborate.problem import Problem
from natc.ir.policy import Rule
from natc.record import Record
from natc.source import Source, Span

OFTEN = 32
"""Statements of one shape after which the work is worth it: it costs as much as they."""

NAME = f"{SIGN}name{SIGN}"
"""Stands for the name of the rule."""

Made = TypeVar("Made")

Make = Callable[[Iterator[Rule], Span, Sequence[Blank]], Made]
"""Makes something of the rules of a statement, its place, and its blanks in the order of the text.

It may raise `NoForm`, or a `TypeError` as blanks do.
"""

Use = Callable[[Made, Span, str, Sequence[str]], None]
"""Uses it for a place, the rule's name, and the values as they are written."""


class NoForm(Exception):  # noqa: N818 - a signal between this module and its users
    """Statements of this shape do something that depends on more than their values."""


class _Form(Record):
    """What is known of a shape.

    Attributes:
        statement: matches its statements; the groups are the values, and the name if it has one.
    """

    verb: str
    is_named: bool
    statement: re.Pattern[str]
    made: Any


class Shaped(Generic[Made]):
    """Deals with the statements of one policy whose shape has come often."""

    def __init__(
        self,
        elaboration: Elaboration,
        make: Make[Made],
        use: Use[Made],
        statement: type[Source] = Source,
    ) -> None:
        """Begin with nothing.

        Args:
            statement: of the text of the one statement that is worked out.
        """
        self._elaboration = elaboration
        self._source = elaboration.source.span.source
        self._make = make
        self._use = use
        self._statement = statement
        self._forms: dict[Build, _Form] = {}
        self._seen = Counter[Build]()

    def dealt_with(self, build: Build, start: int, end: int, ordinal: int) -> bool:
        """Whether a rule had a known form, which has been used; see `Elaboration.rules`.

        Raises:
            Problem: what is wrong with its name.
        """
        form = self._forms.get(build)
        if form is None:
            self._see(build, start, end)
            return False
        found = form.statement.fullmatch(self._source.text, start, end)
        if found is None:
            return False
        values = found.groups()
        name = f"{form.verb}-{ordinal}"
        if form.is_named:
            place = Span(self._source, *found.span("name"))
            name = self._elaboration.given_name(ast.Name(values[-1], place))
        self._use(form.made, Span(self._source, start, end), name, values)
        return True

    def _see(self, build: Build, start: int, end: int) -> None:
        """Count a statement, and work out the form of those that come often."""
        self._seen[build] += 1
        if self._seen[build] == OFTEN:
            statement = self._statement(self._source.name, self._source.text[start:end])
            try:
                self._forms[build] = self._form(build, statement)
            except (NoForm, Problem, TypeError):  # A `Blank` raises TypeErrors.
                return

    def _form(self, build: Build, statement: Source) -> _Form:
        tree = built(statement, build, 0, len(statement.text))
        verb = tree.verb if isinstance(tree, ast.Rule) else "static"
        if verb == "balance":
            raise NoForm  # Its health check is the whole policy's business.
        scope = OpenScope(self._elaboration.scope, statement)
        context = Context(scope, NAME, tree.span, tuple(self._elaboration.places))
        rules = list(rules_of(tree, context))
        blanks = sorted(scope.blanks.values(), key=lambda blank: blank.place.start)
        made = self._make(iter(rules), tree.span, blanks)
        holes = [(blank.place, f"({blank.form})") for blank in blanks]
        if tree.name is not None:
            holes.append((tree.name.span, r"(?P<name>\S+)"))
        return _Form(verb, tree.name is not None, _matching(statement.text, holes), made)


def _matching(text: str, holes: Iterable[tuple[Span, str]]) -> re.Pattern[str]:
    """Return what matches `text` with other things in the place of `holes`, from left to right."""
    parts, end = [], 0
    for place, form in holes:
        parts += [re.escape(text[end : place.start]), form]
        end = place.end
    return re.compile("".join([*parts, re.escape(text[end:])]))
