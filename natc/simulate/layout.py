"""The chains of a rule set as people see them: names and counts that the IR leaves out."""

from collections.abc import Mapping
from typing import Literal

from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.policy import Policy, Rule
from natc.record import Record

CHAINS = {
    Hook.RAW_PREROUTING: ("raw", "PREROUTING"),
    Hook.RAW_OUTPUT: ("raw", "OUTPUT"),
    Hook.DIVERT: ("mangle", "PREROUTING"),
    Hook.MANGLE_INPUT: ("mangle", "INPUT"),
    Hook.MANGLE_FORWARD: ("mangle", "FORWARD"),
    Hook.MANGLE_OUTPUT: ("mangle", "OUTPUT"),
    Hook.MANGLE_POSTROUTING: ("mangle", "POSTROUTING"),
    Hook.PREROUTING: ("nat", "PREROUTING"),
    Hook.INPUT: ("nat", "INPUT"),
    Hook.OUTPUT: ("nat", "OUTPUT"),
    Hook.POSTROUTING: ("nat", "POSTROUTING"),
    Hook.FILTER_INPUT: ("filter", "INPUT"),
    Hook.FILTER_FORWARD: ("filter", "FORWARD"),
    Hook.FILTER_OUTPUT: ("filter", "OUTPUT"),
}
"""Hook to table and built-in chain, in netfilter's words."""


class Place(Record):
    """Where a rule stands.

    Attributes:
        text: the rule, without its chain and its comment.
        target: the chain that it leads to; empty for other targets.
        is_goto: whether it does not come back from there.
    """

    chain: str
    text: str
    comment: str = ""
    target: str = ""
    is_goto: bool = False


class Chain(Record):
    """A chain.

    Attributes:
        rules: how many it has.
        policy: of a built-in one.
    """

    rules: int
    policy: str | None = None


class Layout(Record):
    """A rule set as it is written.

    Attributes:
        kind: what holds the rules; a policy of natc's has no chains, and leaves all tables to
            other programs as well.
        tables: those that it has.
        chains: by table and name.
        places: of rules, by table and by the name that they have in the IR; empty for a policy.
    """

    kind: Literal["policy", "rules"]
    tables: frozenset[str]
    chains: Mapping[tuple[str, str], Chain]
    places: Mapping[tuple[str, str], Place]

    def place(self, rule: Rule) -> Place | None:
        """Return where a rule stands; None for what a chain does without a rule."""
        if self.kind == "policy":
            return Place(CHAINS[rule.hook][1], rule.name)
        table, _ = CHAINS[rule.hook]
        return self.places.get((table, rule.name))


def layout_of(policy: Policy, family: Family) -> Layout:
    """Return the layout of natc's own policies: a list a hook, counted in policy lines."""
    lines: dict[Hook, set[tuple[str, int]]] = {}
    for rule in policy.rules:
        if rule.family is family:
            lines.setdefault(rule.hook, set()).add((rule.origin.source.name, rule.origin.start))
    chains = {CHAINS[hook]: Chain(len(found)) for hook, found in lines.items()}
    return Layout("policy", frozenset({"nat"}), chains, {})
