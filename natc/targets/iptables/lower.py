"""IR to iptables rules, exactly, or a located refusal."""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, PolicyError
from natc.ir.policy import Policy
from natc.targets.iptables import boxes
from natc.targets.iptables.chains import Chains, refused
from natc.targets.iptables.jumps import CannotSay, steps
from natc.targets.iptables.model import Ruleset


def lower(policy: Policy, family: Family) -> Ruleset:
    """Return the rules of one family.

    Raises:
        PolicyError: NAT210 for what iptables cannot say, all of it at once.
    """
    chains = Chains(policy.name, family)
    for rule in policy.rules:
        if rule.family is family:
            chains.add(rule)
    if chains.problems:
        raise PolicyError(chains.problems)
    return chains.ruleset()


def refusals(policy: Policy) -> Iterator[Diagnostic]:
    """Yield what `lower` would refuse in any family, without the rules that it would make."""
    for rule in policy.rules:
        try:
            for _ in steps(rule):
                pass
            for box in rule.match.boxes:
                boxes.check(box, rule.family)
        except CannotSay as refusal:
            yield refused(rule, refusal)
