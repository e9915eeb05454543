"""The whole order, in one place: text → syntax tree → IR → ruleset → kernel text.

Pure: reading files is the caller's, through `read`.
"""

from collections.abc import Iterable, Mapping

from natc.address import FAMILIES, Family
from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast, parser
from natc.dsl.includes import Reader, expand
from natc.elaborate.filling import rules_of_policy
from natc.elaborate.lower import Elaboration
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.patterns import patterns
from natc.source import Source, Span
from natc.targets.iptables.chains import Chains
from natc.targets.iptables.lower import lower as lower_to_iptables
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.write import rule_text

_NO_SETTINGS: Mapping[str, str] = {}

_FOLLOWS_FROM_SYNTAX = frozenset({"NAT001", "NAT016"})
"""What a statement that could not be read may cause elsewhere: its name is then unknown."""


def understand(
    source: Source,
    read: Reader,
    node: str | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> Policy:
    """Return the meaning of a policy and of all that it includes.

    Raises:
        PolicyError: every problem of the policy.
    """
    elaboration, unread = _elaboration(source, read, node, settings)
    meaning = elaboration.policy(rules_of_policy(elaboration))
    _refuse(unread, elaboration.problems.found)
    return meaning


def understand_whole(
    source: Source,
    read: Reader,
    node: str | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> tuple[ast.Policy, Policy]:
    """Return how a policy is written, includes expanded, and what it means.

    Raises:
        PolicyError: every problem of the policy.
    """
    elaboration, unread = _elaboration(source, read, node, settings)
    meaning = elaboration.policy(rules_of_policy(elaboration))
    _refuse(unread, elaboration.problems.found)
    return elaboration.source, meaning


def understand_packets(
    source: Source,
    read: Reader,
    node: str | None,
    settings: Mapping[str, str],
    places: Iterable[Span],
) -> tuple[Policy, list[Packet]]:
    """Return the meaning of a policy, and of packets that use its names.

    Args:
        places: of the packets, each in a text of its own or in a line of one.

    Raises:
        PolicyError: every problem of the policy, else every problem of the packets.
    """
    from natc.elaborate.packet_text import read_packets  # noqa: PLC0415 - start-up

    elaboration, unread = _elaboration(source, read, node, settings)
    meaning = elaboration.policy(rules_of_policy(elaboration))
    _refuse(unread, elaboration.problems.found)
    return meaning, read_packets(places, elaboration.context)


def rulesets(meaning: Policy) -> dict[Family, Ruleset]:
    """Return the iptables rules of a policy, for each family that it translates.

    IPv4 when it translates nothing.

    Raises:
        PolicyError: NAT210, for all families at once.
    """
    made: dict[Family, Ruleset] = {}
    problems: list[Diagnostic] = []
    for family in meaning.families or (Family.IPV4,):
        try:
            made[family] = lower_to_iptables(meaning, family)
        except PolicyError as error:
            problems += error.diagnostics
    if problems:
        raise PolicyError(problems)
    return made


def compile_rules(
    source: Source,
    read: Reader,
    node: str | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> dict[Family, Ruleset]:
    """Return the iptables rules of a policy, as text inside: for printing only.

    The same as `rulesets(understand(…))`, but rule by rule from one end to the other, so that a
    policy of 100,000 rules is never held in any form but its text; and by `patterns` where rules
    are alike.

    Raises:
        PolicyError: every problem of the policy, in all families.
    """
    elaboration, unread = _elaboration(source, read, node, settings)
    chains = {family: Chains(source.name, family, rule_text) for family in FAMILIES}
    for rule in elaboration.rules(patterns(elaboration, chains).dealt_with):
        chains[rule.family].add(rule)
    elaboration.policy()
    refused = [problem for chain in chains.values() for problem in chain.problems]
    _refuse(unread, [*elaboration.problems.found, *refused])
    used = {family: chain.ruleset() for family, chain in chains.items() if chain.is_used}
    return used or {Family.IPV4: chains[Family.IPV4].ruleset()}


def _elaboration(
    source: Source, read: Reader, node: str | None, settings: Mapping[str, str]
) -> tuple[Elaboration, list[Diagnostic]]:
    """Return the elaboration of what can be read, and what cannot."""
    policy, unread = parser.read(source)
    try:
        policy = expand(policy, read)
    except PolicyError as error:
        unread += error.diagnostics
    return Elaboration(policy, node, settings), unread


def _refuse(unread: list[Diagnostic], wrong: Iterable[Diagnostic]) -> None:
    if unread:
        wrong = (problem for problem in wrong if problem.code not in _FOLLOWS_FROM_SYNTAX)
    problems = [*unread, *wrong]
    if problems:
        raise PolicyError(problems)
