"""IR to iptables rules, exactly, or a located refusal."""

from natc.address import Family
from natc.diagnostics import PolicyError
from natc.ir.policy import Policy
from natc.targets.iptables.chains import Chains
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
