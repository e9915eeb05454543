"""Rules that are filled into a form are the rules that their statements mean."""

import random

from hypothesis import given
from hypothesis import strategies as st

from natc import pipeline
from natc.diagnostics import PolicyError
from natc.dsl.parser import parse
from natc.elaborate.lower import Elaboration, lower
from natc.elaborate.shaped import OFTEN, Shaped
from natc.ir.policy import Policy
from natc.source import Source
from tests.laws.test_patterns import read, repetitive
from tests.strategies import HAIRPINS, KERNEL, SMALL, policy_texts


def said(policy: Policy) -> list[tuple[object, ...]]:
    """Return the rules with their places, which take no part in their equality."""
    return [(rule, rule.origin) for rule in policy.rules]


@given(policy_texts(SMALL) | policy_texts(HAIRPINS) | policy_texts(KERNEL), st.randoms())
def test_alike_rules_mean_what_each_means(text: str, chance: random.Random) -> None:
    source = Source("law.nat", repetitive(text, chance))
    try:
        tree = parse(source)
    except PolicyError:
        return  # Errors of form and of meaning are told together.
    try:
        meant: object = lower(tree)
    except PolicyError as error:
        meant = error.diagnostics
    try:
        made: object = pipeline.understand(source, read)
    except PolicyError as error:
        made = error.diagnostics
    if isinstance(meant, Policy) and isinstance(made, Policy):
        assert said(made) == said(meant)
    assert made == meant


def test_rules_that_come_often_have_a_form() -> None:
    line = "dnat tcp/80 to 203.0.113.9 in eth0 -> 192.168.3.9:80 as r{}\n"
    source = Source("law.nat", "".join(line.format(index) for index in range(OFTEN + 3)))
    elaboration = Elaboration(parse(source))
    used: list[str] = []
    shaped = Shaped(
        elaboration,
        lambda rules, _, blanks: (list(rules), blanks),
        lambda _, place, name, values: used.append(f"{place.line} {name} {values}"),
    )
    left = [rule.name for rule in elaboration.rules(shaped.dealt_with)]
    assert left == [f"r{index}" for index in range(OFTEN)]
    last = ("80", "203.0.113.9", "192.168.3.9", "80", f"r{OFTEN + 2}")
    assert used[-1] == f"{OFTEN + 3} r{OFTEN + 2} {last}"
