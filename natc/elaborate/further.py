"""What else is wrong with a rule that was given up at its first problem."""

from collections.abc import Iterator
from typing import Any

from natc.diagnostics import Diagnostic
from natc.dsl import ast
from natc.elaborate import targets
from natc.elaborate.matching import READINGS, Reading, zones_apart
from natc.elaborate.problem import Problem
from natc.elaborate.scope import Scope
from natc.elaborate.targets import Target

_OF_A_VALUE = frozenset({"NAT001", "NAT005", "NAT009", "NAT204", "NAT206"})
"""With words missing or out of place, what the values are meant as would be a guess."""


def further_problems(
    statement: ast.Rule | ast.Static, first: Problem, scope: Scope
) -> Iterator[Diagnostic]:
    """Yield what is wrong with single values of a rule whose first problem is one of a value."""
    if first.diagnostic.code not in _OF_A_VALUE:
        return
    for read, value in _values(statement):
        try:
            read(scope, value)
        except Problem as problem:
            if problem.diagnostic.code in _OF_A_VALUE:
                yield problem.diagnostic


def _values(statement: ast.Rule | ast.Static) -> Iterator[tuple[Reading, Any]]:
    """Yield the values of a rule, each with what reads it."""
    for clauses in zones_apart(statement.clauses).values():  # Of a list that `on` names.
        yield from ((Scope.place, clause.value) for clause in clauses if clause.keyword == "on")
    for clause in statement.clauses:
        if clause.keyword in READINGS:
            yield READINGS[clause.keyword][1], clause.value
    for target in _targets(statement):
        yield _as_target, target


def _as_target(scope: Scope, value: ast.SetExpr) -> Target:
    return targets.read(value, scope)


def _targets(statement: ast.Rule | ast.Static) -> Iterator[ast.SetExpr]:
    if isinstance(statement, ast.Static):
        yield from (statement.inside, statement.outside)
    elif statement.verb == "balance" and isinstance(statement.target, ast.Braces):
        yield from (item.value for item in statement.target.items)
    elif statement.target is not None:
        yield statement.target
