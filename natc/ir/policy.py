"""The policy as the rest of natc sees it: resolved, ordered, exact.

Nothing here knows the language or any target.  `elaborate` makes these values from a syntax tree;
everything after that (lint, simulate, targets) reads them and never changes them.
"""

from datetime import date
from typing import Literal

from natc.address import Family
from natc.ir.actions import Action, Hook
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.space import Region
from natc.packet import Packet
from natc.record import Record
from natc.source import NOWHERE, Span

_FAMILIES_HELD = {
    (False, False): frozenset[Family](),
    (True, False): frozenset({Family.IPV4}),
    (False, True): frozenset({Family.IPV6}),
    (True, True): frozenset(Family),
}


class AddressSet(Record):
    """Addresses of both families."""

    ipv4: IntervalSet = EMPTY
    ipv6: IntervalSet = EMPTY

    def of(self, family: Family) -> IntervalSet:
        """Return the addresses of one family."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6

    def __bool__(self) -> bool:
        return bool(self.ipv4.ranges or self.ipv6.ranges)

    @property
    def families(self) -> frozenset[Family]:
        """The families that it holds an address of."""
        return _FAMILIES_HELD[bool(self.ipv4.ranges), bool(self.ipv6.ranges)]

    def __or__(self, other: "AddressSet") -> "AddressSet":
        return AddressSet(self.ipv4 | other.ipv4, self.ipv6 | other.ipv6)

    def __sub__(self, other: "AddressSet") -> "AddressSet":
        return AddressSet(self.ipv4 - other.ipv4, self.ipv6 - other.ipv6)


class Rule(Record):
    """One translation rule.  The first rule of a hook whose `match` holds the packet decides.

    Only the first packet of a connection is looked up; replies and later packets follow
    connection tracking.  Source: iptables(8), table "nat".

    Attributes:
        name: unique in the policy; survives recompilation, appears in traces.
        match: the exact set of packets of `family`; never empty.
        origin: where the user wrote it.
    """

    IGNORED = frozenset({"origin"})

    name: str
    family: Family
    hook: Hook
    match: Region
    action: Action
    origin: Span = NOWHERE


class Zone(Record):
    """A side of the gateway.

    Attributes:
        interfaces: kernel names, or `prefix+` patterns; never empty.
        addresses: the gateway's own addresses there, in the order written.  When `dynamic`, a
            stand-in address (RFC 2544's 198.18.0.0/15, or 2001:2::/48 of RFC 5180) that tests and
            labs use for the one known only at run time.
        subnet: the addresses that live there; empty when not declared.
    """

    IGNORED = frozenset({"origin"})

    name: str
    interfaces: tuple[str, ...]
    addresses: tuple[tuple[Family, int], ...] = ()
    dynamic: bool = False
    subnet: AddressSet = AddressSet()
    origin: Span = NOWHERE


class Network(Record):
    """A bridge with its subnet, as libvirt means it.

    Attributes:
        owner: the program that writes its rules; None is natc.
        addresses: the gateway's own on the bridge.
    """

    IGNORED = frozenset({"origin"})

    name: str
    bridge: str
    subnet: AddressSet
    forward: Literal["nat", "route", "open", "isolated", "bridge"]
    addresses: tuple[tuple[Family, int], ...] = ()
    owner: str | None = None
    origin: Span = NOWHERE


class HealthCheck(Record):
    """How the health of a balanced service's backends is tested.

    Attributes:
        rule: the name of the balanced service's rule.
        kind: `tcp` connects, `http` asks for `path`.
        every: seconds between tests.
        rise, fall: how many results in a row bring a backend up, or down.
    """

    rule: str
    kind: Literal["tcp", "http"]
    path: str | None
    every: float
    rise: int = 2
    fall: int = 3


class EndpointSet(Record):
    """Where a test expects one side of a packet to end up.

    Attributes:
        addresses: None is any address.
        ports: None is any port.
    """

    addresses: IntervalSet | None
    ports: IntervalSet | None = None


class Expectation(Record):
    """What a test or an assertion says becomes of a packet.

    Attributes:
        kind: `unchanged`; `dropped`; `translated` (in any way, or on `side` only); `rewritten`,
            where a side not named must stay as it was; `proxied` to `destination` with no
            translation.
        source, destination: alternatives, one of which must hold; None when not named.
    """

    kind: Literal["unchanged", "dropped", "translated", "rewritten", "proxied"]
    side: Literal["source", "destination"] | None = None
    source: tuple[EndpointSet, ...] | None = None
    destination: tuple[EndpointSet, ...] | None = None


class Test(Record):
    """One packet and what must become of it.

    Attributes:
        name: the test's, shared by all packets of one block.
        origin: the packet's line; `expected_at` is the expectation's.
    """

    IGNORED = frozenset({"origin", "expected_at"})
    __test__ = False

    name: str
    packet: Packet
    expected: Expectation
    origin: Span = NOWHERE
    expected_at: Span = NOWHERE


class Assertion(Record):
    """A promise about every packet of a set, or about none of it."""

    IGNORED = frozenset({"origin"})

    quantifier: Literal["all", "never"]
    family: Family
    match: Region
    expected: Expectation
    origin: Span = NOWHERE


class Allowance(Record):
    """A finding silenced on purpose.

    Attributes:
        rule: the rule's name; None is the whole policy.
        until: the last day; None is for ever.
    """

    IGNORED = frozenset({"origin"})

    code: str
    rule: str | None
    until: date | None
    reason: str
    origin: Span = NOWHERE


class Policy(Record):
    """A whole policy.

    Attributes:
        rules: in evaluation order within each hook and family.
    """

    name: str
    rules: tuple[Rule, ...]
    zones: tuple[Zone, ...] = ()
    networks: tuple[Network, ...] = ()
    checks: tuple[HealthCheck, ...] = ()
    tests: tuple[Test, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that it translates, IPv4 first."""
        used = {rule.family for rule in self.rules}
        return tuple(family for family in Family if family in used)
