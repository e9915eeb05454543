"""Rule sets that a command is given: policies, and what iptables-save printed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from natc.address import Family
from natc.cli.errors import Unable
from natc.cli.files import read_policy
from natc.cli.policy_options import this_node
from natc.dsl.text_checks import is_dump
from natc.ir.policy import Policy
from natc.reading import Includes
from natc.record import Record

if TYPE_CHECKING:
    from natc.targets.iptables.model import Ruleset

SOURCES = ("auto", "policy", "iptables-save")


class RuleSet(Record):
    """One rule set.

    Attributes:
        families: those that it speaks of; the rules of others are not known to it.
        is_policy: whether natc's language says it, which knows the gateway around it.
    """

    name: str
    meaning: Policy
    families: tuple[Family, ...]
    is_policy: bool


def rule_set(
    path: str,
    kind: str,
    family: Family | None,
    node: str | None,
    settings: Mapping[str, str],
) -> RuleSet:
    """Read a policy or a dump.

    Args:
        kind: one of `SOURCES`; `auto` tells a dump by its first `*table` line.
        family: of a dump; None to see it by its addresses.

    Raises:
        Unable: it cannot be read, or be followed.
        PolicyError: it is wrong.
    """
    source = read_policy(path)
    if kind == "policy" or (kind == "auto" and not is_dump(source)):
        from natc import pipeline  # noqa: PLC0415 - start-up

        meaning = pipeline.understand(source, Includes(path), this_node(node), settings)
        return RuleSet(path, meaning, tuple(Family), is_policy=True)
    from natc.targets.iptables.read import read  # noqa: PLC0415

    ruleset = read(source, family)
    return RuleSet(path, lifted(ruleset, source.name), (ruleset.family,), is_policy=False)


def lifted(ruleset: "Ruleset", name: str) -> Policy:
    """Return what the rules of a dump mean.

    Raises:
        Unable: their chains jump to chains too often.
    """
    from natc.targets.iptables.lift import TooManyJumps, lift  # noqa: PLC0415 - start-up

    try:
        return lift(name, ruleset)
    except TooManyJumps:
        raise Unable(f"chains of {name} jump to chains too often to follow") from None
