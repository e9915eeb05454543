"""What is linted, and what several rules ask of it; worked out once, when first asked for."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property

from natc.address import Family
from natc.dsl import ast
from natc.ir.actions import Hook
from natc.ir.policy import Policy, Rule
from natc.lint.allowances import Scope, of_policy, of_rules
from natc.lint.lists import HookList
from natc.lint.relations import Relations
from natc.simulate.site import Site, site_of
from natc.targets.iptables.model import Ruleset

RELATED = frozenset({Hook.DIVERT, Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})
"""Hooks that translate or divert; the others are not natc's business."""


class Subject:
    """A policy, or rules that natc did not write.

    Attributes:
        policy: what it means.
        tree: how a policy is written, includes expanded; None for a dump.
        rulesets: the rules of a dump, one for each family; empty for a policy.
        today: decides which allowances have ended.
        undecided: what was too much to decide, in words; rules add to it.
    """

    def __init__(
        self,
        policy: Policy,
        tree: ast.Policy | None = None,
        rulesets: Sequence[Ruleset] = (),
        today: date | None = None,
    ) -> None:
        self.policy = policy
        self.tree = tree
        self.rulesets = tuple(rulesets)
        self.today = today
        self.undecided: list[str] = []

    @property
    def is_dump(self) -> bool:
        """Whether the rules come from iptables-save, without zones and networks."""
        return self.tree is None

    @cached_property
    def allowed(self) -> list[Scope]:
        """What is allowed, by the sentences of a policy or the comments of rules.

        Raises:
            PolicyError: NAT019, of a dump; a policy has been looked at already.
        """
        return of_rules(self.rulesets) if self.is_dump else of_policy(self.policy)

    @cached_property
    def rules(self) -> dict[tuple[Family, Hook], list[Rule]]:
        """The rules of each family and hook, in their order."""
        found: dict[tuple[Family, Hook], list[Rule]] = {}
        for rule in self.policy.rules:
            found.setdefault((rule.family, rule.hook), []).append(rule)
        return found

    @cached_property
    def lists(self) -> dict[tuple[Family, Hook], HookList]:
        """The same rules as lists, for packets as they come to each hook."""
        return {key: HookList(*key, rules) for key, rules in self.rules.items()}

    @cached_property
    def relations(self) -> dict[tuple[Family, Hook], Relations]:
        """How the rules of each hook of the nat table, and those that divert, are related."""
        return {key: Relations(self.lists[key]) for key in self.lists if key[1] in RELATED}

    def doubt(self, words: str) -> None:
        """Note what was too much to decide, once."""
        if words not in self.undecided:
            self.undecided.append(words)

    def doubt_relations(self) -> None:
        """Note the rules of which it was too much to say what rules above take of them."""
        for (_, hook), rules in self.relations.items():
            unclear = dict.fromkeys(rule.origin for rule in rules.undecided)
            if unclear:
                many = f"{len(unclear)} rules" if len(unclear) > 1 else "a rule"
                first = next(iter(unclear))
                self.doubt(f"what rules above take of {many} of {hook}, the first at {first}")

    def site(self, family: Family) -> Site:
        """Return what is known of the gateway: of a dump, nothing."""
        return Site() if self.is_dump else site_of(self.policy, family)
