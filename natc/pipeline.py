"""The whole order, in one place: text → syntax tree → IR → ruleset → kernel text.

Pure: reading files is the caller's, through `read`.
"""

from collections.abc import Iterable, Mapping

from natc.address import Family
from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast
from natc.dsl.includes import Reader, expand
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir import policy
from natc.source import Source
from natc.targets.iptables.lower import lower as lower_to_iptables
from natc.targets.iptables.model import Ruleset

_NO_SETTINGS: Mapping[str, str] = {}


def load(source: Source, read: Reader) -> ast.Policy:
    """Return the syntax tree of a policy and of all that it includes.

    Raises:
        PolicyError: every syntax and include error.
    """
    return expand(parse(source), read)


def understand(
    source: Source,
    read: Reader,
    node: str | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> policy.Policy:
    """Return the meaning of a policy.

    Raises:
        PolicyError: every problem of the policy.
    """
    return lower(load(source, read), node, settings)


def rulesets(meaning: policy.Policy, families: Iterable[Family] = Family) -> dict[Family, Ruleset]:
    """Return the iptables rules of a policy, for each family that it translates.

    IPv4 when it translates nothing.

    Raises:
        PolicyError: NAT210, for all families at once.
    """
    used = meaning.families or (Family.IPV4,)
    made: dict[Family, Ruleset] = {}
    problems: list[Diagnostic] = []
    for family in families:
        if family in used:
            try:
                made[family] = lower_to_iptables(meaning, family)
            except PolicyError as error:
                problems += error.diagnostics
    if problems:
        raise PolicyError(problems)
    return made
