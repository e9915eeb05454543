"""Compiles the rules of a long policy by their shape: text in, kernel text out.

A policy of ten thousand rules has a few dozen shapes, which differ in their addresses and ports.
When a shape has come often, its rules are worked out once with these values left open
(`elaborate.blanks`), all the way to the text.  From then on a statement that differs in nothing
else takes what stands there to where the kernel text has it.  Where anything depends on a value
but the text, there is no pattern, and such statements go the long way.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from natc.address import Family
from natc.dsl import ast
from natc.dsl.lazy import built
from natc.dsl.shapes import Build
from natc.elaborate.blanks import SIGN, OpenScope
from natc.elaborate.context import Context
from natc.elaborate.lower import Elaboration, rules_of
from natc.elaborate.problem import Problem
from natc.record import Record
from natc.source import Source, Span
from natc.targets.iptables import model
from natc.targets.iptables.chains import Chains
from natc.targets.iptables.comments import LONGEST
from natc.targets.iptables.write import rule_text

OFTEN = 32
"""Statements of one shape after which a pattern is worth making: it costs as much as they."""

_LINE, _NAME = f"{SIGN}line{SIGN}", f"{SIGN}name{SIGN}"

_ROOM = 100
"""Bytes that a line and a name take in a comment, at most."""

_CHAINS = frozenset(chain for _, _, chain in model.HOOK_CHAINS.values())


class _AnyLine(Source):
    """The text of one statement, on a line that is left open."""

    def line_number(self, offset: int) -> int:
        """Return the mark of the line, whatever `offset`."""
        del offset
        return cast(int, _LINE)


class _Pattern(Record):
    """What becomes of the rules that `statement` matches.

    Attributes:
        statement: its groups are the values left open, and the rule's name, when it has one.
        rules: for each kernel rule the chains, the chain, and its text with a `{}` for the line,
            the name and each value.
    """

    verb: str
    is_named: bool
    statement: re.Pattern[str]
    rules: tuple[tuple[Chains, str, str], ...]


class Patterns:
    """The patterns of one policy's compilation."""

    def __init__(self, elaboration: Elaboration, chains: Mapping[Family, Chains]) -> None:
        self._elaboration = elaboration
        self._source = elaboration.source.span.source
        self._chains = chains
        self._patterns: dict[Build, _Pattern] = {}
        self._seen = Counter[Build]()
        self._is_usable = SIGN not in self._source.text and SIGN not in self._source.name

    def compiled(self, build: Build, start: int, end: int, ordinal: int) -> bool:
        """Whether a rule fits a pattern; its kernel rules are then in the chains.

        Raises:
            Problem: what is wrong with its name.
        """
        pattern = self._patterns.get(build)
        if pattern is None:
            self._see(build, start, end)
            return False
        found = pattern.statement.fullmatch(self._source.text, start, end)
        if found is None:
            return False
        values = found.groups()
        name = f"{pattern.verb}-{ordinal}"
        if pattern.is_named:
            place = Span(self._source, *found.span("name"))
            name = self._elaboration.given_name(ast.Name(values[-1], place))
        line = self._source.line_number(start)
        for chains, chain, text in pattern.rules:
            chains.add_text(chain, text.format(line, name, *values))
        return True

    def _see(self, build: Build, start: int, end: int) -> None:
        """Count a statement, and make the pattern of those that come often."""
        self._seen[build] += 1
        if self._seen[build] == OFTEN and self._is_usable:
            statement = _AnyLine(self._source.name, self._source.text[start:end])
            try:
                self._patterns[build] = self._pattern(build, statement)
            except (_NoPattern, Problem, TypeError):  # A `Blank` raises TypeErrors.
                return

    def _pattern(self, build: Build, statement: Source) -> _Pattern:
        tree = built(statement, build, 0, len(statement.text))
        verb = tree.verb if isinstance(tree, ast.Rule) else "static"
        if verb == "balance":
            raise _NoPattern  # Its health check is the whole policy's business.
        scope = OpenScope(self._elaboration.scope, statement)
        context = Context(scope, _NAME, tree.span, tuple(self._elaboration.places))
        open_ = {family: Chains(statement.name, family, _open_text) for family in self._chains}
        for rule in rules_of(tree, context):
            open_[rule.family].add(rule)
        blanks = sorted(scope.blanks.values(), key=lambda blank: blank.place.start)
        marks = (_LINE, _NAME, *(blank.mark for blank in blanks))
        rules = (
            (self._chains[family], chain, _form(text, marks))
            for family, chains in open_.items()
            for chain, text in _added(chains)
        )
        holes = [(blank.place, f"({blank.form})") for blank in blanks]
        if tree.name is not None:
            holes.append((tree.name.span, r"(?P<name>\S+)"))
        matching = _matching(statement.text, holes)
        return _Pattern(verb, tree.name is not None, matching, tuple(rules))


class _NoPattern(Exception):  # noqa: N818 - a signal inside this module
    """Statements of this shape do more than to add rules to natc's chains."""


def _open_text(rule: model.Rule) -> str:
    """Return the text of a rule whose comment is not cut, whatever line and name stand there."""
    if rule.comment is not None and len(rule.comment.encode()) > LONGEST - _ROOM:
        raise _NoPattern
    return rule_text(rule)


def _added(chains: Chains) -> Iterator[tuple[str, str]]:
    """Yield the rules in natc's chains, each with its chain."""
    made = chains.ruleset()
    if chains.problems or made.routes:
        raise _NoPattern
    for table in made.tables:
        for chain in table.chains:
            if chain.name in _CHAINS:
                yield from ((chain.name, str(text)) for text in chain.rules)
            elif chain.name not in model.BUILT_IN[table.name]:
                raise _NoPattern


def _form(text: str, marks: tuple[str, ...]) -> str:
    """Return `text` for `str.format`, with a field for each of `marks`."""
    form = text.replace("{", "{{").replace("}", "}}")
    for index, mark in enumerate(marks):
        form = form.replace(mark, f"{{{index}}}")
    return form


def _matching(text: str, holes: Iterable[tuple[Span, str]]) -> re.Pattern[str]:
    """Return what matches `text` with other things in the place of `holes`, from left to right."""
    parts, end = [], 0
    for place, form in holes:
        parts += [re.escape(text[end : place.start]), form]
        end = place.end
    return re.compile("".join([*parts, re.escape(text[end:])]))
