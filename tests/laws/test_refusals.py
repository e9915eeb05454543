"""What is refused is refused the same way with and without the rules that are made."""

from hypothesis import given

from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.pipeline import rulesets
from natc.source import Source
from natc.targets.iptables.lower import refusals
from tests.strategies import SMALL, policies

CANNOT_BE_SAID = (
    "snat out eth0 -> { 203.0.113.5, 203.0.113.16 }\n"
    "dnat ipv6 tcp/80 in eth0 -> [::1]:8080\n"
    "masquerade out not { eth0, eth1 }\n"
)


def refused(text: str) -> tuple[set[Diagnostic], set[Diagnostic]]:
    """Return what is refused when rules are made, and what without."""
    meaning = lower(parse(Source("law.nat", text)))
    made: set[Diagnostic] = set()
    try:
        rulesets(meaning)
    except PolicyError as error:
        made = set(error.diagnostics)
    return made, set(refusals(meaning))


@given(policies(SMALL))
def test_what_is_refused_does_not_depend_on_whether_rules_are_made(policy: ast.Policy) -> None:
    made, not_made = refused(write_policy(policy))
    assert made == not_made


def test_there_is_something_to_refuse() -> None:
    made, not_made = refused(CANNOT_BE_SAID)
    assert {each.primary.span.line for each in made} == {1, 2}
    assert made == not_made
