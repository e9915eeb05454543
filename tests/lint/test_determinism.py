"""Findings are the same whatever the layout, the order of hashes, and the order of the rules."""

import os
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given, note

from natc import pipeline
from natc.diagnostics import Diagnostic, PolicyError, text
from natc.dsl import ast
from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source, Span
from tests.cli.program import ROOT
from tests.lint.pages import EXAMPLES, LINTED, Example, subject_of
from tests.strategies import Shape, policy_texts
from tests.strategies.chance import Rolled
from tests.strategies.policies import policy_of
from tests.strategies.shape import SMALL

SEEDS = range(6)
POLICIES = [example for _, _, example in EXAMPLES if example.kind == "nat"]

Told = tuple[str, str, list[int]]
"""Code, witness, and the statements that a finding shows."""


def told(body: str) -> list[Told] | None:
    """Return what is found in a policy, None where it has no meaning."""
    try:
        tree, meaning = pipeline.understand_whole(Source("policy.nat", body), str)
    except PolicyError:
        return None
    return [
        (found.code, str(found.witness), [_statement(tree, span) for span in _places(found)])
        for found in lint(Subject(meaning, tree), LINTED)
    ]


def _places(found: Diagnostic) -> list[Span]:
    return [found.primary.span, *(label.span for label in found.related)]


def _statement(tree: ast.Policy, span: Span) -> int:
    """Return the number of the statement in which a span begins."""
    return next(
        number
        for number, statement in enumerate(tree.statements)
        if statement.span.start <= span.start <= statement.span.end
    )


def formatted(body: str) -> str:
    return write(parse(Source("policy.nat", body)))


@given(policy_texts(Shape()))
def test_a_policy_that_is_formatted_has_the_same_findings(body: str) -> None:
    neat = formatted(body)
    note(neat)
    assert told(neat) == told(body)


@pytest.mark.parametrize("example", POLICIES)
def test_an_example_that_is_formatted_has_the_same_findings(example: Example) -> None:
    found = told(example.body)
    assert found is None or told(formatted(example.body)) == found


@pytest.mark.parametrize("example", [example for _, _, example in EXAMPLES])
def test_the_order_of_the_rules_does_not_matter(example: Example) -> None:
    try:
        subject = subject_of(example)
    except PolicyError:
        return
    expected = lint(subject, LINTED)
    for seed in SEEDS:
        shuffled = Random(seed).sample(LINTED, len(LINTED))
        assert lint(subject_of(example), shuffled) == expected


def everything() -> str:
    """Return all that is said of all examples, and of some random policies."""
    bodies = [write(policy_of(Rolled(seed), SMALL)) for seed in range(20)]
    random = [Example("nat", (), body) for body in bodies]
    said = []
    for example in (*(example for _, _, example in EXAMPLES), *random):
        try:
            subject = subject_of(example)
        except PolicyError as error:
            said.append(text.render(error.diagnostics))
            continue
        said += [text.render(lint(subject, LINTED)), *subject.undecided]
    return "\n".join(said)


def test_the_order_of_hashes_does_not_matter() -> None:
    program = "from tests.lint.test_determinism import everything; print(everything())"
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in SEEDS
    }
    assert len(said) == 1
    assert "NAT101" in said.pop()
