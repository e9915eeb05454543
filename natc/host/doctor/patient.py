"""A gateway as the host findings see it: its facts, and the policy that it is to obey."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from natc.address import FAMILIES, Family
from natc.diagnostics import PolicyError
from natc.dsl import ast
from natc.host.doctor.facts import Facts
from natc.ir.actions import Balance, Dnat, Hook, Masquerade, Netmap, Redirect, Side, Snat
from natc.ir.fields import interface_patterns
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.policy import Network, Policy, Rule, Zone
from natc.source import Source
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.own import Parts

if TYPE_CHECKING:
    from natc.lint.subject import Subject
    from natc.simulate.site import Site

Place = Zone | Network

TRANSLATING = (Snat, Masquerade, Dnat, Balance, Redirect, Netmap)


class Patient:
    """What is examined.

    Attributes:
        policy: None where there is none, so that only what needs no policy is asked.
        tree: how the policy is written.
        wanted: natc's part of the rules as the policy has it; empty without one.
        undecided: what could not be decided, in words; findings add to it.
    """

    def __init__(
        self,
        facts: Facts,
        policy: Policy | None = None,
        tree: ast.Policy | None = None,
        wanted: dict[Family, Parts] | None = None,
    ) -> None:
        self.facts = facts
        self.policy = policy
        self.tree = tree
        self.wanted = wanted or {}
        self.undecided = list(facts.undecided)

    def doubt(self, words: str) -> None:
        """Note what could not be decided, once."""
        if words not in self.undecided:
            self.undecided.append(words)

    # The policy.

    @cached_property
    def subject(self) -> "Subject | None":
        """The policy as lint rules see it."""
        from natc.lint.subject import Subject  # noqa: PLC0415 - an apply needs it seldom

        return None if self.policy is None else Subject(self.policy, self.tree)

    @property
    def places(self) -> tuple[Place, ...]:
        """The zones and networks."""
        return () if self.policy is None else (*self.policy.zones, *self.policy.networks)

    def rules(self, *hooks: Hook, family: Family | None = None) -> Iterator[Rule]:
        """Yield the policy's rules of some hooks."""
        for rule in () if self.policy is None else self.policy.rules:
            if rule.hook in hooks and family in (None, rule.family):
                yield rule

    def site(self, family: Family) -> "Site":
        """Return what this machine says of its addresses."""
        from natc.simulate.site import LOOPBACK_NET, Site  # noqa: PLC0415 - as above

        return Site(self.facts.own(family) | LOOPBACK_NET[family])

    # The rules in the kernel.

    @cached_property
    def live(self) -> dict[Family, Ruleset]:
        """What the host's flavour holds, as far as natc could read it."""
        found = {}
        for family in FAMILIES:
            dump = self.facts.dump(family)
            ruleset = None if dump is None else self.read(dump.source, family)
            if ruleset is not None:
                found[family] = ruleset
        return found

    def read(self, source: Source, family: Family) -> Ruleset | None:
        """Read what iptables-save printed; None, with a doubt, where natc cannot."""
        from natc.targets.iptables.read import read  # noqa: PLC0415 - as above

        try:
            return read(source, family)
        except PolicyError as error:
            first = error.diagnostics[0]
            self.doubt(f"what the {family} rules mean ({first.primary.span}: {first.message})")
            return None

    def lifted(self, source: Source, family: Family) -> Policy | None:
        """Return the meaning of what iptables-save printed; None, with a doubt, if unknown."""
        from natc.targets.iptables.lift import TooManyJumps, lift  # noqa: PLC0415 - as above

        ruleset = self.read(source, family)
        if ruleset is None:
            return None
        try:
            return lift(source.name, ruleset)
        except TooManyJumps:
            self.doubt(f"what the {family} rules mean, since their chains jump too often")
            return None


def interfaces_of(place: Place) -> tuple[str, ...]:
    """Return the names and patterns of a zone or network."""
    return place.interfaces if isinstance(place, Zone) else (place.bridge,)


def names_in(values: IntervalSet | None) -> tuple[str, ...]:
    """Return the interfaces that a rule names; none where it asks for none, or for all but some."""
    patterns = None if values is None else interface_patterns(values)
    return tuple(name for name in patterns or () if name != "+")


def targets(rule: Rule) -> IntervalSet:
    """Return the addresses to which a rule of the destination phase sends packets."""
    match rule.action:
        case Dnat(addresses):
            return addresses
        case Balance(backends):
            ranges = (r for backend in backends for r in backend.action.addresses.ranges)
            return IntervalSet.of(ranges)
        case Netmap(Side.DESTINATION, network):
            return network
    return EMPTY
