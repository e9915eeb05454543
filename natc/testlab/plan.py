"""From a policy's facts to the gateway that its tests need.  Pure and deterministic.

Zones and networks become interfaces with the addresses they state.  Whatever the policy leaves
open gets a stand-in, from the ranges for benchmarks (RFC 2544, RFC 5180), where no policy has
business: an address for a zone without one, an interface for each name that a rule or a test
mentions, a default route.
"""

import re
from collections.abc import Iterable, Iterator

from natc.address import Family
from natc.ir import actions
from natc.ir.fields import Field, interface_patterns, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import AddressSet, Network, Policy, Rule, Zone
from natc.ir.space import Box
from natc.record import Record
from natc.testlab.topology import Address, Interface, Listener, Route, Topology, prefixes

UPLINK = "natc-uplink"
"""The way out when the policy shows none."""

_BRIDGE_NAME = re.compile(r"(^|[a-z])br(-|\d|$)|^(docker|cni|podman|incus|lxd)")
_OUTSIDE_NAME = re.compile(r"wan|internet|uplink|outside|external|isp|ppp|public", re.IGNORECASE)

_WELL_KNOWN = {
    "docker0": Address(Family.IPV4, 0xAC11_0001, 16),
    "virbr0": Address(Family.IPV4, 0xC0A8_7A01, 24),
}
"""Addresses that Docker and libvirt give their default bridges."""

_NOT_PUBLIC = {
    Family.IPV4: IntervalSet.of(
        (
            (0x0A00_0000, 0x0AFF_FFFF),  # RFC 1918
            (0x6440_0000, 0x647F_FFFF),  # RFC 6598
            (0x7F00_0000, 0x7FFF_FFFF),  # RFC 1122, loopback
            (0xA9FE_0000, 0xA9FE_FFFF),  # RFC 3927
            (0xAC10_0000, 0xAC1F_FFFF),
            (0xC0A8_0000, 0xC0A8_FFFF),
        )
    ),
    Family.IPV6: IntervalSet.of(
        ((0xFC << 120, (0xFE << 120) - 1), (0xFE80 << 112, (0xFEC0 << 112) - 1))
    ),
}
_IPV4_LOOPBACK = interval(0x7F00_0000, 0x7FFF_FFFF)


class _Side(Record):
    """A zone, a network, or an interface that only rules or tests name.

    Attributes:
        interfaces: kernel names, never patterns.
        may_be_outside: how likely the internet is behind it, 0 the most; None is never.
    """

    interfaces: tuple[str, ...]
    addresses: tuple[Address, ...] = ()
    subnet: AddressSet = AddressSet()
    is_bridge: bool = False
    may_be_outside: int | None = None


def plan(policy: Policy) -> Topology:
    """Return the gateway on which the policy's tests make sense.

    The default route leaves by the first zone of the best of these kinds: without a subnet and
    plainly outside (a public or dynamic address, or a name such as `wan`); without a subnet; with
    a public subnet; with an outside name.  Failing that by the first plain interface that rules or
    tests name, or by an interface of its own.
    """
    packets = [test.packet for test in policy.tests]
    families = {rule.family for rule in policy.rules} | {packet.family for packet in packets}
    used = tuple(sorted(families)) or (Family.IPV4,)
    mentioned = _mentioned(policy)
    sides = [
        *(_zone(zone, number, used, mentioned) for number, zone in enumerate(policy.zones, 1)),
        *(_network(network) for network in policy.networks),
    ]
    known = {name for side in sides for name in side.interfaces}
    sides += [
        _stranger(name, number, used)
        for number, name in enumerate(_names(mentioned, known), len(sides) + 1)
    ]
    ranked = [side for side in sides if side.may_be_outside is not None]
    if not ranked:
        ranked = [_stranger(UPLINK, len(sides) + 1, used)]
        sides += ranked
    outside = min(ranked, key=lambda side: side.may_be_outside or 0)
    return Topology(
        used,
        _interfaces(sides, outside, _owned(policy, sides), used),
        _routes(sides, outside, used),
        tuple(_listeners(policy.rules)),
        any(target & _IPV4_LOOPBACK for target in _targets(policy.rules)),
    )


def _mentioned(policy: Policy) -> dict[str, None]:
    """Return the interface names and patterns in rules and tests, in order, each once."""
    found: dict[str, None] = {}
    for rule in policy.rules:
        for box in rule.match.boxes:
            for field in (Field.IN_INTERFACE, Field.OUT_INTERFACE):
                found |= dict.fromkeys(_patterns(box, field, rule.family))
    for test in policy.tests:
        names = (test.packet.in_interface, test.packet.out_interface)
        found |= {name: None for name in names if name}
    return found


def _patterns(box: Box, field: Field, family: Family) -> list[str]:
    """Return the patterns that a box allows, or the ones that it excludes."""
    values = box.get(field)
    if values is None:
        return []
    named = interface_patterns(values)
    if named is None:
        named = interface_patterns(universe(field, family) - values) or []
    return [name for name in named if name not in {"", "+"}]


def _names(mentioned: Iterable[str], known: set[str]) -> list[str]:
    """Return the interfaces to make for what is mentioned and not known."""
    exact = {name for name in mentioned if not name.endswith("+")} | known
    names = []
    for pattern in mentioned:
        if pattern.endswith("+"):
            if not any(name.startswith(pattern[:-1]) for name in exact):
                names.append(f"{pattern[:-1]}0")
        elif pattern not in known | {"lo"}:
            names.append(pattern)
    return names


def _zone(zone: Zone, number: int, used: tuple[Family, ...], mentioned: Iterable[str]) -> _Side:
    exact = [name for name in mentioned if not name.endswith("+")]
    interfaces: list[str] = []
    for pattern in zone.interfaces:
        prefix = pattern.removesuffix("+")
        fitting = [name for name in exact if name.startswith(prefix)] or [f"{prefix}0"]
        interfaces += fitting if pattern != prefix else [pattern]
    declared = tuple(_address(zone.subnet, *address) for address in zone.addresses)
    having = {address.family for address in declared}
    missing = tuple(_stand_in(family, number) for family in used if family not in having)
    return _Side(
        tuple(dict.fromkeys(interfaces)),
        declared + missing,
        zone.subnet,
        bool(_BRIDGE_NAME.search(interfaces[0])),
        _outside_rank(zone),
    )


def _outside_rank(zone: Zone) -> int | None:
    has_name = bool(_OUTSIDE_NAME.search(zone.name))
    if not zone.subnet:
        public = any(value not in _NOT_PUBLIC[family] for family, value in zone.addresses)
        return 0 if has_name or zone.dynamic or public else 1
    if any(zone.subnet.of(family) - _NOT_PUBLIC[family] for family in Family):
        return 2
    return 3 if has_name else None


def _network(network: Network) -> _Side:
    addresses = [_address(network.subnet, *address) for address in network.addresses]
    if not addresses and network.forward != "bridge":  # a bridged network has a gateway elsewhere
        addresses = [
            _address(network.subnet, family, network.subnet.of(family).first + 1)
            for family in sorted(network.subnet.families)
        ]
    return _Side((network.bridge,), tuple(addresses), network.subnet, is_bridge=True)


def _stranger(name: str, number: int, used: tuple[Family, ...]) -> _Side:
    stand_ins = tuple(_stand_in(family, number) for family in used)
    is_bridge = bool(_BRIDGE_NAME.search(name))
    if name not in _WELL_KNOWN:
        return _Side(
            (name,), stand_ins, is_bridge=is_bridge, may_be_outside=None if is_bridge else 4
        )
    own = _WELL_KNOWN[name]
    last = own.value | (1 << own.family.bits - own.length) - 1
    subnet = AddressSet(ipv4=interval(own.value - 1, last))
    others = tuple(address for address in stand_ins if address.family is not own.family)
    return _Side((name,), (own, *others), subnet, is_bridge=True)


def _stand_in(family: Family, number: int) -> Address:
    """Return 198.19.N.1 or 2001:2:0:8000+N::1; the halves below are those of dynamic zones."""
    if family is Family.IPV4:
        return Address(family, 0xC613_0001 + (number << 8), 32)
    return Address(family, (0x2001_0002_0000_8000 + number << 64) + 1, 128)


def _address(subnet: AddressSet, family: Family, value: int) -> Address:
    """Return an address with the prefix of its subnet, or alone where it has none."""
    for network, length in prefixes(family, subnet.of(family)):
        if network <= value < network + (1 << family.bits - length):
            return Address(family, value, length)
    return Address(family, value, family.bits)


def _interfaces(
    sides: Iterable[_Side], outside: _Side, owned: tuple[Address, ...], used: tuple[Family, ...]
) -> tuple[Interface, ...]:
    """Return each interface once; a side's further interfaces share its addresses, as hosts'."""
    addresses: dict[str, list[Address]] = {}
    bridges = set()
    for side in sides:
        for place, name in enumerate(side.interfaces):
            mine = addresses.setdefault(name, [])
            for address in side.addresses + (owned if side is outside else ()):
                length = address.length if place == 0 else address.family.bits
                if address.family in used and address.value not in {a.value for a in mine}:
                    mine.append(Address(address.family, address.value, length))
        if side.is_bridge:
            bridges |= {*side.interfaces}
    return tuple(Interface(name, tuple(mine), name in bridges) for name, mine in addresses.items())


def _routes(sides: Iterable[_Side], outside: _Side, used: tuple[Family, ...]) -> tuple[Route, ...]:
    """Return a route for each subnet, the first to name one has it, then the default routes."""
    routes: dict[tuple[Family, int, int], Route] = {}
    for side in sides:
        for family in used:
            for network, length in prefixes(family, side.subnet.of(family)):
                route = Route(family, network, length, side.interfaces[0])
                routes.setdefault((family, network, length), route)
    for family in used:
        routes.setdefault((family, 0, 0), Route(family, 0, 0, outside.interfaces[0]))
    return tuple(routes.values())


def _owned(policy: Policy, sides: Iterable[_Side]) -> tuple[Address, ...]:
    """Return the addresses that rules want to be the gateway's own and that no side has."""
    found: dict[tuple[Family, int], Address] = {}
    for rule in policy.rules:
        taken = IntervalSet.of(pair for side in sides for pair in _taken(side, rule.family))
        for box in rule.match.boxes:
            values = box.get(Field.DESTINATION)
            if box.get(Field.LOCAL_DESTINATION) != point(1) or values is None or values.size > 16:
                continue
            for low, high in (values - taken).ranges:
                for value in range(low, high + 1):
                    found[rule.family, value] = Address(rule.family, value, rule.family.bits)
    return tuple(found.values())


def _taken(side: _Side, family: Family) -> Iterator[tuple[int, int]]:
    yield from side.subnet.of(family).ranges
    for address in side.addresses:
        if address.family is family:
            yield address.value, address.value


def _listeners(rules: Iterable[Rule]) -> Iterator[Listener]:
    seen = set()
    for rule in rules:
        if not isinstance(rule.action, actions.Tproxy):
            continue
        do = rule.action
        for protocol in (6, 17):
            listener = Listener(rule.family, protocol, do.address, do.port, do.mark, do.mask)
            if _takes(rule, protocol) and listener not in seen:
                seen.add(listener)
                yield listener


def _takes(rule: Rule, protocol: int) -> bool:
    sets = (box.get(Field.PROTOCOL) for box in rule.match.boxes)
    return any(values is None or protocol in values for values in sets)


def _targets(rules: Iterable[Rule]) -> Iterator[IntervalSet]:
    """Yield the sets of new destinations of IPv4 rules for packets from outside."""
    for rule in rules:
        if rule.family is not Family.IPV4 or rule.hook is not actions.Hook.PREROUTING:
            continue
        if isinstance(rule.action, actions.Dnat):
            yield rule.action.addresses
        if isinstance(rule.action, actions.Balance):
            yield from (backend.action.addresses for backend in rule.action.backends)
