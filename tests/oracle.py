"""What a policy says about one packet, read straight from the syntax tree.

Independent of natc's own way (elaborate, simulate, targets) and naive on purpose: statements in
file order, one packet at a time, sets asked with `in`.  It knows the language's meaning and
nothing of kernels, except for what the kernel is left to choose.

The destination phase gives a `Verdict`; one of its choices makes the `Arrival`, which the source
phase looks at::

    oracle = Oracle(policy, World(local=…))
    verdict = oracle.destination(packet)
    for arrival in oracle.arrivals(packet, verdict):
        print(arrival, oracle.source(packet, arrival))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Literal

from natc.address import Family
from natc.dsl import ast
from natc.packet import PROTOCOLS, Packet

ANY_PORT = range(1, 65536)
PORTED = ("tcp", "udp", "sctp")
LARGEST_SET = 70_000
"""Members that a set may have where all of them are listed: targets and 1:1 networks."""

Ports = range | frozenset[int] | None
Kind = Literal["unchanged", "translated", "gateway", "listener", "masquerade"]


@dataclass(frozen=True)
class World:
    """What a policy does not say and the packet does not hold.

    Attributes:
        local: the gateway's own addresses, for "destination is local".
        dynamic: the addresses of zones with `address dynamic`, by zone.
        ipsets: the members of the kernel's sets of single addresses.
        node: the gateway's name, for `node` blocks.
        settings: values that win over all definitions.
    """

    local: frozenset[tuple[Family, int]] = frozenset()
    dynamic: Mapping[str, Mapping[Family, int]] = field(default_factory=dict)
    ipsets: Mapping[str, frozenset[tuple[Family, int]]] = field(default_factory=dict)
    node: str | None = None
    settings: Mapping[str, ast.SetExpr] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """Where one side of a packet may end up: any of the addresses with any of the ports.

    Attributes:
        ports: None for protocols without ports.
    """

    addresses: frozenset[int]
    ports: Ports

    def __contains__(self, side: tuple[int, int | None]) -> bool:
        address, port = side
        return address in self.addresses and (self.ports is None or port in self.ports)


@dataclass(frozen=True)
class Verdict:
    """What one phase makes of a packet.

    Attributes:
        kind: `gateway` is a redirect to the gateway itself, `listener` a transparent proxy.
        choices: for `translated`, what may come out; one a backend.
        ports: for `gateway`, `listener` and `masquerade`.
        listener: where the transparent proxy is bound.
        place: index of the deciding statement; None when no statement matched.
    """

    kind: Kind
    choices: tuple[Choice, ...] = ()
    ports: Ports = None
    listener: int | None = None
    place: int | None = None


@dataclass(frozen=True)
class Arrival:
    """The packet's destination after the destination phase.

    Attributes:
        here: it goes to the gateway itself.
        place: index of the statement that translated it; None when none did.
    """

    destination: int
    port: int | None
    here: bool = False
    place: int | None = None


@dataclass(frozen=True)
class _Place:
    """A zone or network."""

    interfaces: tuple[str, ...]
    addresses: tuple[ast.SetExpr, ...]
    dynamic: bool
    subnets: tuple[ast.SetExpr, ...]


class Oracle:
    """Answers for one policy, whose includes have been replaced by what they include.

    Attributes:
        hairpins_by: how the way back of `hairpin` knows the connections that its rule translated:
            by the `rule` that did it, as the language says, or by what they `original`ly asked for
            and where they ended, which is all that a kernel remembers.
    """

    def __init__(
        self,
        policy: ast.Policy,
        world: World = World(),
        hairpins_by: Literal["rule", "original"] = "rule",
    ) -> None:
        self.policy = policy
        self.hairpins_by = hairpins_by
        self.world = world
        self.definitions: dict[str, ast.SetExpr] = {}
        self.places: dict[str, _Place] = {}
        self._widths: dict[tuple[object, int], int] = {}
        for statement in policy.statements:
            if isinstance(statement, ast.Definition):
                self.definitions[statement.name.text] = statement.value
            elif isinstance(statement, ast.Block):
                self.places[statement.name.text] = _place(statement)
        for statement in policy.statements:
            if isinstance(statement, ast.Host) and statement.name.text == world.node:
                for definition in statement.definitions:
                    self.definitions[definition.name.text] = definition.value
        self.definitions.update(world.settings)

    # The two phases.

    def destination(self, packet: Packet) -> Verdict:
        """Return what the destination phase makes of `packet`."""
        for index, statement in enumerate(self.policy.statements):
            if isinstance(statement, ast.Static):
                verdict = self._static_inward(statement, packet)
            elif isinstance(statement, ast.Rule):
                verdict = self._destination_rule(statement, packet)
            else:
                continue
            if verdict is not None:
                return _decided(verdict, index)
        return Verdict("unchanged")

    def source(self, packet: Packet, arrival: Arrival) -> Verdict:
        """Return what the source phase makes of `packet`, which leaves by its `out_interface`."""
        if arrival.here and packet.in_interface is not None:
            return Verdict("unchanged")
        for index, statement in enumerate(self.policy.statements):
            if isinstance(statement, ast.Static):
                verdict = self._static_outward(statement, packet)
            elif isinstance(statement, ast.Block) and statement.kind == "network":
                verdict = self._network(statement, packet, arrival)
            elif isinstance(statement, ast.Rule):
                verdict = self._source_rule(statement, packet, arrival, index)
            else:
                continue
            if verdict is not None:
                return _decided(verdict, index)
        return Verdict("unchanged")

    def arrivals(self, packet: Packet, verdict: Verdict) -> Iterator[Arrival]:
        """Yield every destination that `verdict`, of the destination phase, leaves possible."""
        if verdict.kind == "unchanged":
            here = (packet.family, packet.destination) in self.world.local
            yield Arrival(packet.destination, packet.destination_port, here)
        elif verdict.kind == "listener":
            yield Arrival(packet.destination, packet.destination_port, here=True)
        elif verdict.kind == "gateway":
            for family, address in sorted(self.world.local):
                if family is packet.family:
                    for port in verdict.ports or (None,):
                        yield Arrival(address, port, here=True, place=verdict.place)
        for choice in verdict.choices:
            for address in sorted(choice.addresses):
                here = (packet.family, address) in self.world.local
                for port in choice.ports or (None,):
                    yield Arrival(address, port, here, verdict.place)

    def interface_address(self, interface: str, family: Family) -> int | None:
        """Return the gateway's first address on `interface`, None where the policy says none."""
        for name, place in self.places.items():
            if self._is_place_interface(place, interface):
                if place.dynamic:
                    return self.world.dynamic.get(name, {}).get(family)
                return self._first_address(place, family)
        return None

    # Destination rules.

    def _destination_rule(self, rule: ast.Rule, packet: Packet) -> Verdict | None:
        if rule.verb in ("snat", "masquerade"):
            return None
        if not self._matches(rule, packet, packet.destination, packet.destination_port):
            return None
        if rule.verb == "exempt":
            return Verdict("unchanged") if self._exempt_sees_arriving(rule, packet) else None
        if not self._sees(rule, packet):
            return None
        if rule.verb == "transparent-proxy":
            return self._proxy(rule, packet)
        return Verdict("translated", self._targets(rule, packet))

    def _exempt_sees_arriving(self, rule: ast.Rule, packet: Packet) -> bool:
        if _clause(rule, "out"):
            return False
        where = _clause(rule, "in")
        if where is None:
            return True
        return self._comes_in_by(where.value, packet)

    def _sees(self, rule: ast.Rule, packet: Packet) -> bool:
        """Say whether a destination rule is about packets from where this one comes."""
        on = _clause(rule, "on")
        if on is not None and not self._is_own_address(on.value, packet):
            return False
        hairpin = _clause(rule, "hairpin") is not None
        if packet.in_interface is None:
            if hairpin:
                return True
            where = _clause(rule, "in")
            if where is None:
                return _clause(rule, "user") is not None
            return self._comes_in_by(where.value, packet)
        if hairpin and self._comes_from_a_servers_zone(rule, packet):
            return True
        if on is not None and not self._is_interface(on.value, packet.in_interface):
            return False
        where = _clause(rule, "in")
        return where is None or self._comes_in_by(where.value, packet)

    def _is_own_address(self, zone: object, packet: Packet) -> bool:
        """Say whether the destination is one of the gateway's addresses in `zone`."""
        if isinstance(zone, ast.Braces):
            return any(self._is_own_address(item.value, packet) for item in zone.items)
        place = self.places[_text(zone)]
        if place.dynamic:
            return (packet.family, packet.destination) in self.world.local
        return any(
            self._has_address(own, packet.family, packet.destination) for own in place.addresses
        )

    def _comes_from_a_servers_zone(self, rule: ast.Rule, packet: Packet) -> bool:
        return any(
            self._is_place_interface(place, packet.in_interface)
            for server in _servers(rule)
            for address in self._target(server, packet.family)[0]
            for place in self._homes(packet.family, address)
        )

    def _homes(self, family: Family, address: int) -> list[_Place]:
        """Return the zones and networks that hold `address` in their subnet."""
        return [
            place
            for place in self.places.values()
            if any(self._has_address(subnet, family, address) for subnet in place.subnets)
        ]

    def _proxy(self, rule: ast.Rule, packet: Packet) -> Verdict | None:
        assert isinstance(rule.target, ast.Endpoint)
        host, ports = _endpoint(rule.target)
        if _clause(rule, "tproxy"):
            if packet.in_interface is None:
                return None
            return Verdict("listener", ports=ports, listener=_bounds(host)[1])
        spared = _clause(rule, "except")
        if spared and packet.in_interface is None and self._is_user(spared.value, packet.user):
            return None
        return Verdict("gateway", ports=_new_port(rule, packet.destination_port, ports))

    def _targets(self, rule: ast.Rule, packet: Packet) -> tuple[Choice, ...]:
        """Return what a `dnat`, `port-forward` or `balance` makes of the destination."""
        choices = []
        for target in _ends(rule):
            addresses, ports = self._target(target, packet.family)
            if addresses:
                choices.append(Choice(addresses, self._new_ports(rule, packet, ports)))
        return tuple(choices)

    def _new_ports(self, rule: ast.Rule, packet: Packet, ports: range | None) -> Ports:
        own = packet.destination_port
        if ports is None or own is None:
            return None if own is None else frozenset({own})
        if not _clause(rule, "shift"):
            return _new_port(rule, own, ports)
        service = _clause(rule, "service")
        assert service is not None
        first = own
        while self._is_service(service.value, packet.protocol, first - 1):
            first -= 1
        return frozenset({ports[0] + own - first})

    # Source rules.

    def _source_rule(
        self, rule: ast.Rule, packet: Packet, arrival: Arrival, index: int
    ) -> Verdict | None:
        if rule.verb not in ("snat", "masquerade", "exempt"):
            if _clause(rule, "hairpin") and self._turned_back(rule, packet, arrival, index):
                return self._hairpin(packet, arrival)
            return None
        if not self._matches(rule, packet, arrival.destination, arrival.port):
            return None
        if rule.verb == "exempt" and _clause(rule, "in"):
            return None
        if not all(
            self._is_interface(clause.value, packet.out_interface)
            for word in ("out", "on")
            if (clause := _clause(rule, word))
        ):
            return None
        if rule.verb == "exempt":
            return Verdict("unchanged")
        if rule.verb == "snat":
            assert rule.target is not None
            addresses, ports = self._target(rule.target, packet.family)
            return Verdict("translated", (Choice(addresses, _source_ports(rule, packet, ports)),))
        wanted = _clause(rule, "ports")
        ports = _range(_text(wanted.value)) if wanted else None
        if not _clause(rule, "service") and packet.protocol not in (6, 17):
            ports = None
        return Verdict("masquerade", ports=_source_ports(rule, packet, ports))

    def _turned_back(self, rule: ast.Rule, packet: Packet, arrival: Arrival, index: int) -> bool:
        """Say whether the connection is one that `rule`, with `hairpin`, translated."""
        if (arrival.destination, arrival.port) == (packet.destination, packet.destination_port):
            return False  # Turned to where it was going: the kernel translates nothing.
        if self.hairpins_by == "rule" or arrival.place is None:
            return arrival.place == index
        on = _clause(rule, "on")
        has_known_addresses = on is not None and not self.places[_text(on.value)].dynamic
        if has_known_addresses and on and not self._is_own_address(on.value, packet):
            return False
        if not self._matches(rule, packet, packet.destination, packet.destination_port):
            return False
        return any(self._is_end(rule, server, packet, arrival) for server in _servers(rule))

    def _is_end(self, rule: ast.Rule, end: object, packet: Packet, arrival: Arrival) -> bool:
        """Say whether a connection arrived at one of the servers of `rule`."""
        addresses, ports = self._target(end, packet.family)
        if arrival.destination not in addresses:
            return False
        if ports is not None and _clause(rule, "shift"):
            service = _clause(rule, "service")
            assert service is not None
            ports = range(ports[0], ports[0] + self._width(service.value, packet.protocol))
        if ports is None:
            service = _clause(rule, "service")
            in_ports = service is None or self._is_service(
                service.value, packet.protocol, arrival.port
            )
        else:
            in_ports = arrival.port in ports
        return in_ports

    def _width(self, service: object, protocol: int) -> int:
        """Count the ports of a service, which takes long enough to remember it."""
        key = service, protocol
        if key not in self._widths:
            self._widths[key] = sum(self._is_service(service, protocol, port) for port in ANY_PORT)
        return self._widths[key]

    def _hairpin(self, packet: Packet, arrival: Arrival) -> Verdict | None:
        """Return what makes the server's answer to a client beside it come back this way."""
        ports = None if packet.source_port is None else frozenset({packet.source_port})
        for place in self._homes(packet.family, arrival.destination):
            inside = any(
                self._has_address(subnet, packet.family, packet.source) for subnet in place.subnets
            )
            if inside and self._is_place_interface(place, packet.out_interface):
                own = self._first_address(place, packet.family)
                if own is None:
                    return Verdict("masquerade", ports=ports)
                return Verdict("translated", (Choice(frozenset({own}), ports),))
        return None

    def _first_address(self, place: _Place, family: Family) -> int | None:
        if place.dynamic:
            return None
        for expression in place.addresses:
            written = expression.items if isinstance(expression, ast.Braces) else [expression]
            for item in written:
                value = item.value if isinstance(item, ast.Item) else item
                found, low, _ = _bounds(_text(value))
                if found is family:
                    return low
        return None

    def _network(self, block: ast.Block, packet: Packet, arrival: Arrival) -> Verdict | None:
        entries = {entry.keyword: entry.value for entry in block.entries}
        if _text(entries["forward"]) != "nat" or "owner" in entries:
            return None
        if not self._has_address(entries["subnet"], packet.family, packet.source):
            return None
        left_alone = (
            ("224.0.0.0/24", "255.255.255.255") if packet.family is Family.IPV4 else ("ff02::/16",)
        )
        for text in left_alone:
            _, low, high = _bounds(text)
            if low <= arrival.destination <= high:
                return Verdict("unchanged")
        if self._has_address(entries["subnet"], packet.family, arrival.destination):
            return None
        ports = _range(_text(entries["ports"])) if "ports" in entries else range(1024, 65536)
        plain = packet.protocol not in (6, 17)
        return Verdict("masquerade", ports=_source_ports(None, packet, None if plain else ports))

    # One to one.

    def _static_inward(self, static: ast.Static, packet: Packet) -> Verdict | None:
        if packet.in_interface is None or not self._static_is_about(static, packet):
            return None
        if not self._static_on(static, packet.in_interface):
            return None
        return self._mapped(
            static.outside,
            static.inside,
            packet.family,
            packet.destination,
            packet.destination_port,
        )

    def _static_outward(self, static: ast.Static, packet: Packet) -> Verdict | None:
        if not self._static_is_about(static, packet):
            return None
        if not self._static_on(static, packet.out_interface):
            return None
        return self._mapped(
            static.inside, static.outside, packet.family, packet.source, packet.source_port
        )

    def _static_is_about(self, static: ast.Static, packet: Packet) -> bool:
        return packet.family in self._families(static.clauses, static.inside, static.outside)

    def _static_on(self, static: ast.Static, interface: str | None) -> bool:
        return all(
            self._is_interface(clause.value, interface)
            for clause in static.clauses
            if clause.keyword == "on"
        )

    def _mapped(
        self,
        before: ast.SetExpr,
        after: ast.SetExpr,
        family: Family,
        address: int,
        port: int | None,
    ) -> Verdict | None:
        """Send the k-th address of one set to the k-th of the other."""
        theirs = sorted(self._members(before, family))
        if address not in theirs:
            return None
        new = sorted(self._members(after, family))[theirs.index(address)]
        ports = None if port is None else frozenset({port})
        return Verdict("translated", (Choice(frozenset({new}), ports),))

    # Matching.

    def _matches(self, rule: ast.Rule, packet: Packet, destination: int, port: int | None) -> bool:
        """Ask every match but the interfaces."""
        sets = [clause.value for clause in rule.clauses if clause.keyword in ("from", "to")]
        if rule.verb == "balance" and isinstance(rule.target, ast.Braces):
            backup = _clause(rule, "backup")
            sets += [*(item.value for item in rule.target.items), backup.value if backup else None]
        else:
            sets.append(rule.target)
        if packet.family not in self._families(rule.clauses, *sets):
            return False
        return all(
            self._matches_clause(clause, packet, destination, port) for clause in rule.clauses
        )

    def _matches_clause(
        self, clause: ast.Clause, packet: Packet, destination: int, port: int | None
    ) -> bool:
        value = clause.value
        match clause.keyword:
            case "service":
                return self._is_service(value, packet.protocol, port)
            case "sport":
                return packet.source_port is not None and self._is_port(value, packet.source_port)
            case "from":
                return self._has_address(value, packet.family, packet.source)
            case "to":
                return self._has_address(value, packet.family, destination)
            case "mark":
                return self._is_mark(value, packet.mark)
            case "user":
                return packet.in_interface is None and self._is_user(value, packet.user)
            case "set":
                assert isinstance(value, ast.IpSet)
                asked = destination if value.flags[:1] == ("dst",) else packet.source
                listed = (packet.family, asked) in self.world.ipsets[value.name.text]
                return listed != value.negated
        return True

    def _families(
        self, clauses: tuple[ast.Clause, ...], *sets: ast.SetExpr | ast.Node | None
    ) -> set[Family]:
        words = {clause.keyword for clause in clauses} & {"ipv4", "ipv6"}
        if words:
            return {Family.IPV4 if word == "ipv4" else Family.IPV6 for word in words}
        families: set[Family] | None = None
        for expression in sets:
            named = self._named(expression)
            if named:
                families = named if families is None else families & named
        return {Family.IPV4} if families is None else families

    def _named(self, expression: object) -> set[Family]:
        """Return the families of the addresses that `expression` names."""
        match expression:
            case ast.Address(text):
                return {_bounds(text)[0]}
            case ast.Endpoint():
                host, _ = _endpoint(expression)
                if host in self.definitions:
                    return self._named(self.definitions[host])
                return {_bounds(host)[0]} if host else set()
            case ast.Name(text) if text in self.definitions:
                return self._named(self.definitions[text])
            case ast.Braces(items):
                return {family for item in items for family in self._named(item.value)}
            case ast.Except(base, without):
                return self._named(base) or self._named(without)
            case ast.Not(operand):
                return self._named(operand)
        return set()

    # Sets, asked about one value.

    def _has_address(self, expression: object, family: Family, value: int) -> bool:
        match expression:
            case ast.Address(text):
                found, low, high = _bounds(text)
                return found is family and low <= value <= high
            case ast.Name(text) if text in self.places:
                return any(
                    self._has_address(subnet, family, value) for subnet in self.places[text].subnets
                )
            case ast.Name(text):
                return self._has_address(self.definitions[text], family, value)
            case ast.Braces(items):
                return any(self._has_address(item.value, family, value) for item in items)
            case ast.Except(base, without):
                return self._has_address(base, family, value) and not self._has_address(
                    without, family, value
                )
            case ast.Not(operand):
                return not self._has_address(operand, family, value)
        raise AssertionError(f"not a set of addresses: {expression}")

    def _is_service(self, expression: object, protocol: int, port: int | None) -> bool:
        match expression:
            case ast.Service(text):
                name, _, ports = text.partition("/")
                return PROTOCOLS[name] == protocol and port in _range(ports)
            case ast.PortList(name, ports):
                return PROTOCOLS[name] == protocol and self._is_port(ports, port)
            case ast.Name(text) if text in PROTOCOLS:
                return PROTOCOLS[text] == protocol
            case ast.Name(text):
                return self._is_service(self.definitions[text], protocol, port)
            case ast.Braces(items):
                return any(self._is_service(item.value, protocol, port) for item in items)
            case ast.Except(base, without):
                return self._is_service(base, protocol, port) and not self._is_service(
                    without, protocol, port
                )
            case ast.Not(operand):
                return not self._is_service(operand, protocol, port)
        raise AssertionError(f"not a set of services: {expression}")

    def _is_port(self, expression: object, port: int | None) -> bool:
        match expression:
            case ast.Number(text):
                return port in _range(text)
            case ast.Braces(items):
                return any(self._is_port(item.value, port) for item in items)
            case ast.Except(base, without):
                return self._is_port(base, port) and not self._is_port(without, port)
            case ast.Not(operand):
                return not self._is_port(operand, port)
        raise AssertionError(f"not a set of ports: {expression}")

    def _is_interface(self, expression: object, interface: str | None) -> bool:
        match expression:
            case ast.Name("local"):
                return False
            case ast.Name(text) if text in self.places:
                return self._is_place_interface(self.places[text], interface)
            case ast.Name(text) | ast.String(text):
                return _fits(text, interface)
            case ast.Braces(items):
                return any(self._is_interface(item.value, interface) for item in items)
            case ast.Except(base, without):
                return self._is_interface(base, interface) and not self._is_interface(
                    without, interface
                )
            case ast.Not(operand):
                return interface is not None and not self._is_interface(operand, interface)
        raise AssertionError(f"not a set of interfaces: {expression}")

    def _is_place_interface(self, place: _Place, interface: str | None) -> bool:
        return any(_fits(pattern, interface) for pattern in place.interfaces)

    def _comes_in_by(self, expression: object, packet: Packet) -> bool:
        if packet.in_interface is None:
            return _names_local(expression)
        return self._is_interface(expression, packet.in_interface)

    def _is_mark(self, expression: object, mark: int) -> bool:
        match expression:
            case ast.Mark(text) | ast.Number(text):
                value, _, mask = text.partition("/")
                bits = int(mask, 0) if mask else 0xFFFFFFFF
                return mark & bits == int(value, 0)
            case ast.Braces(items):
                return any(self._is_mark(item.value, mark) for item in items)
            case ast.Except(base, without):
                return self._is_mark(base, mark) and not self._is_mark(without, mark)
            case ast.Not(operand):
                return not self._is_mark(operand, mark)
        raise AssertionError(f"not a set of marks: {expression}")

    def _is_user(self, expression: object, user: str | None) -> bool:
        match expression:
            case ast.Number(text):
                low, _, high = text.partition("-")
                return bool(user and user.isdigit() and int(low) <= int(user) <= int(high or low))
            case ast.Name(text) | ast.String(text):
                return user == text
            case ast.Braces(items):
                return any(self._is_user(item.value, user) for item in items)
            case ast.Except(base, without):
                return self._is_user(base, user) and not self._is_user(without, user)
            case ast.Not(operand):
                return not self._is_user(operand, user)
        raise AssertionError(f"not a set of users: {expression}")

    # Sets, listed.

    def _members(self, expression: object, family: Family) -> frozenset[int]:
        match expression:
            case ast.Address(text):
                found, low, high = _bounds(text)
                if high - low > LARGEST_SET:
                    raise AssertionError(f"too many members to list: {text}")
                return frozenset(range(low, high + 1)) if found is family else frozenset()
            case ast.Name(text):
                return self._members(self.definitions[text], family)
            case ast.Braces(items):
                parts = [self._members(item.value, family) for item in items]
                return frozenset().union(*parts)
            case ast.Except(base, without):
                return frozenset(
                    value
                    for value in self._members(base, family)
                    if not self._has_address(without, family, value)
                )
        raise AssertionError(f"members cannot be listed: {expression}")

    def _target(self, expression: object, family: Family) -> tuple[frozenset[int], range | None]:
        """Return the addresses and ports that a target names."""
        if not isinstance(expression, ast.Endpoint):
            return self._members(expression, family), None
        host, ports = _endpoint(expression)
        if host in self.definitions:
            return self._members(self.definitions[host], family), ports
        return self._members(ast.Address(host), family), ports


def _decided(verdict: Verdict, index: int) -> Verdict:
    return Verdict(verdict.kind, verdict.choices, verdict.ports, verdict.listener, index)


def _place(block: ast.Block) -> _Place:
    """Read a zone or network block."""

    def values(*keywords: str) -> tuple[ast.SetExpr, ...]:
        return tuple(entry.value for entry in block.entries if entry.keyword in keywords)

    interfaces: list[str] = []
    for value in values("interface", "bridge"):
        written = [item.value for item in value.items] if isinstance(value, ast.Braces) else [value]
        interfaces += [_text(name) for name in written]
    addresses = values("address")
    dynamic = any(value == ast.Name("dynamic") for value in addresses)
    return _Place(tuple(interfaces), () if dynamic else addresses, dynamic, values("subnet"))


def _clause(rule: ast.Rule, keyword: str) -> ast.Clause | None:
    """Return the clause of `rule` with this word, before or after the arrow."""
    for clause in rule.clauses + rule.options:
        if clause.keyword == keyword:
            return clause
    return None


def _ends(rule: ast.Rule) -> list[ast.SetExpr]:
    """Return the servers of a `dnat`, `port-forward` or `balance`."""
    assert rule.target is not None
    if rule.verb != "balance":
        return [rule.target]
    assert isinstance(rule.target, ast.Braces)
    return [item.value for item in rule.target.items]


def _servers(rule: ast.Rule) -> list[object]:
    """Return the servers of a rule, one that stands by for the others among them."""
    backup = _clause(rule, "backup")
    return [*_ends(rule), *([backup.value] if backup else [])]


def _text(expression: object) -> str:
    assert isinstance(expression, ast.Literal), expression
    return expression.text


@cache
def _bounds(text: str) -> tuple[Family, int, int]:
    """Read an address, CIDR or range."""
    text = text.strip("[]")
    if "-" in text:
        low, high = (ip_address(part) for part in text.split("-"))
    else:
        network = ip_network(text)
        low, high = network[0], network[-1]
    return Family(low.version), int(low), int(high)


def _endpoint(endpoint: ast.Endpoint) -> tuple[str, range]:
    host, _, ports = endpoint.text.rpartition(":")
    return host, _range(ports)


@cache
def _range(text: str) -> range:
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)


def _fits(pattern: str, interface: str | None) -> bool:
    if interface is None:
        return False
    if pattern.endswith("+"):
        return interface.startswith(pattern[:-1])
    return interface == pattern


def _names_local(expression: object) -> bool:
    """Say whether the gateway's own packets are among those that come `in` this way."""
    match expression:
        case ast.Name("local"):
            return True
        case ast.Braces(items):
            return any(_names_local(item.value) for item in items)
        case ast.Except(base, without):
            return _names_local(base) and not _names_local(without)
    return False


def _new_port(rule: ast.Rule, own: int | None, ports: range) -> Ports:
    """Return the destination ports that a target's ports leave possible, without `shift`.

    The kernel keeps a port that is in the range and else takes the first; with `random`, any.
    """
    if own is None:
        return None
    if _clause(rule, "random"):
        return ports
    return frozenset({own if own in ports else ports[0]})


def _source_ports(rule: ast.Rule | None, packet: Packet, ports: range | None) -> Ports:
    """Return the source ports that remain possible.

    The kernel keeps the packet's own port where it is in range (and free), else takes any of the
    range; random options take any at once.
    """
    own = packet.source_port
    if own is None:
        return None
    if rule is not None and (_clause(rule, "random") or _clause(rule, "random-fully")):
        return ports or ANY_PORT
    if ports is not None and own not in ports:
        return ports
    return frozenset({own})
