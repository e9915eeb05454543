"""The rules of a long policy by their shape: values written into rules that were worked out once.

The long way through `lower` costs 25 µs a statement.  When a shape of statement has come often, one
is worked out with its addresses and ports left open (`blanks`), and its rules become a function of
these values, which makes equal rules in a fifth of the time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, cast

from natc.address import parse_ipv4
from natc.dsl import ast
from natc.dsl.lazy import built
from natc.dsl.shapes import Build
from natc.elaborate.blanks import SIGN, Blank, OpenScope
from natc.elaborate.context import Context
from natc.elaborate.lower import Elaboration, rules_of
from natc.elaborate.problem import Problem
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.record import Record
from natc.source import Source, Span

OFTEN = 32
"""Statements of one shape after which a function is worth making: it costs as much as they."""

_NAME = f"{SIGN}name{SIGN}"

Fill = Callable[..., tuple[Rule, ...]]
"""Makes rules of their place, their name, and the values left open, in the order of the text."""


class _Form(Record):
    """What becomes of the statements that `statement` matches.

    Attributes:
        statement: its groups are the values left open, and the rule's name, when it has one.
        readers: one for each value, from its text to the number.
    """

    verb: str
    is_named: bool
    statement: re.Pattern[str]
    readers: tuple[Callable[[str], int], ...]
    fill: Fill


class Filling:
    """Makes the rules of one policy, those of usual shapes the short way."""

    def __init__(self, elaboration: Elaboration) -> None:
        self._elaboration = elaboration
        self._source = elaboration.source.span.source
        self._forms: dict[Build, _Form] = {}
        self._seen = Counter[Build]()
        self._rules: list[Rule] = []

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of the policy in file order; see `Elaboration.rules`."""
        for rule in self._elaboration.rules(self._filled):
            self._rules.append(rule)  # `_filled` adds others between them.
        return tuple(self._rules)

    def _filled(self, build: Build, start: int, end: int, ordinal: int) -> bool:
        """Whether a statement has a known form; its rules are then added.

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
        numbers = [read(text) for read, text in zip(form.readers, values, strict=False)]
        self._rules += form.fill(Span(self._source, start, end), name, *numbers)
        return True

    def _see(self, build: Build, start: int, end: int) -> None:
        """Count a statement, and make the form of those that come often."""
        self._seen[build] += 1
        if self._seen[build] == OFTEN:
            statement = Source(self._source.name, self._source.text[start:end])
            try:
                self._forms[build] = self._form(build, statement)
            except (_NoForm, Problem, TypeError):  # A `Blank` raises TypeErrors.
                return

    def _form(self, build: Build, statement: Source) -> _Form:
        tree = built(statement, build, 0, len(statement.text))
        verb = tree.verb if isinstance(tree, ast.Rule) else "static"
        if verb == "balance":
            raise _NoForm  # Its health check is the whole policy's business.
        scope = OpenScope(self._elaboration.scope, statement)
        context = Context(scope, _NAME, tree.span, tuple(self._elaboration.places))
        rules = list(rules_of(tree, context))
        blanks = sorted(scope.blanks.values(), key=lambda blank: blank.place.start)
        fill = _Writer(tree.span, blanks).function(rules)
        holes = [(blank.place, f"({blank.form})") for blank in blanks]
        if tree.name is not None:
            holes.append((tree.name.span, r"(?P<name>\S+)"))
        readers = tuple(int if blank.high <= 65535 else parse_ipv4 for blank in blanks)
        matching = _matching(statement.text, holes)
        return _Form(verb, tree.name is not None, matching, readers, fill)


class _NoForm(Exception):  # noqa: N818 - a signal inside this module
    """The rules of this shape are no function of the values left open."""


class _Writer:
    """Writes the function that makes rules like some that hold blanks."""

    def __init__(self, origin: Span, blanks: Iterable[Blank]) -> None:
        self._origin = origin
        self._blanks = {id(blank): f"v{index}" for index, blank in enumerate(blanks)}
        self._known: dict[str, object] = {}
        self._sets: dict[int, tuple[str, str]] = {}

    def function(self, rules: Iterable[Rule]) -> Fill:
        """Return the function.

        Raises:
            _NoForm: something in the rules is neither a value nor made of values.
        """
        made = "".join(f"{self._expression(rule)}, " for rule in rules)
        values = "".join(f", {name}" for name in self._blanks.values())
        lines = [f"def fill(span, name{values}):"]
        lines += [f" {name} = {expression}" for name, expression in self._sets.values()]
        lines.append(f" return ({made})")
        exec("\n".join(lines), self._known)  # noqa: S102 - of names and numbers made here
        return cast(Fill, self._known["fill"])

    def _expression(self, value: object) -> str:
        match value:
            case Blank():
                return self._blanks[id(value)]
            case Span() if value == self._origin:
                return "span"
            case str() if value.startswith(_NAME):
                return f"name + {value.removeprefix(_NAME)!r}"
            case str() if SIGN in value:
                raise _NoForm
            case IntervalSet() if _is_open(value):
                if id(value) not in self._sets:
                    name = f"s{len(self._sets)}"
                    self._sets[id(value)] = name, self._record(value)
                return self._sets[id(value)][0]
            case tuple() if _is_open(value):
                return "(" + "".join(f"{self._expression(each)}, " for each in value) + ")"
            case Record() if _is_open(value) or isinstance(value, Rule):
                return self._record(value)
        return self._constant(value)

    def _record(self, value: Record) -> str:
        fields = ", ".join(self._expression(getattr(value, field)) for field in value.FIELDS)
        return f"{self._constant(type(value))}({fields})"

    def _constant(self, value: object) -> str:
        name = f"c{len(self._known)}"
        self._known[name] = value
        return name


def _is_open(value: object) -> bool:
    """Whether a blank, or a text that one was written into, is anywhere in a value."""
    if isinstance(value, Record):
        return any(_is_open(getattr(value, field)) for field in value.FIELDS)
    if isinstance(value, tuple | list | set | frozenset):
        return any(_is_open(each) for each in cast(Iterable[Any], value))
    return isinstance(value, Blank) or (isinstance(value, str) and SIGN in value)


def _matching(text: str, holes: Iterable[tuple[Span, str]]) -> re.Pattern[str]:
    """Return what matches `text` with other things in the place of `holes`, from left to right."""
    parts, end = [], 0
    for place, form in holes:
        parts += [re.escape(text[end : place.start]), form]
        end = place.end
    return re.compile("".join([*parts, re.escape(text[end:])]))
