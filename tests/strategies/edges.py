"""What a policy speaks of: the values at which its sets begin and end, and just beyond."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from natc.address import Family
from natc.dsl import ast
from natc.packet import PROTOCOLS
from tests.strategies import universe

Service = tuple[int, int | None]
"""Protocol and destination port; None is any."""


class Edges:
    """Values near the edges of one policy's sets.

    Attributes:
        addresses: of each family, from everything that the policy names.
        ports: likewise.
        local: the gateway's own addresses.
    """

    def __init__(self, policy: ast.Policy) -> None:
        self.definitions = {
            statement.name.text: statement.value
            for statement in policy.statements
            if isinstance(statement, ast.Definition)
        }
        self.blocks = {
            statement.name.text: {entry.keyword: entry.value for entry in statement.entries}
            for statement in policy.statements
            if isinstance(statement, ast.Block)
        }
        self.local = local_addresses(policy)
        literals = [*_literals(policy)]
        self.ports = sorted({1, 40000, 65535}.union(*map(_ports_near, literals)))
        self.addresses = {
            family: _ordinary(
                family,
                {value for literal in literals for value in _addresses_near(literal, family)}
                | {value for kind, value in self.local if kind is family}
                | {
                    universe.number(universe.address(block, index))
                    for block in universe.blocks(family)
                    for index in (2, 9)
                },
            )
            for family in Family
        }
        self._homes = {family: [*self._homes_of(family)] for family in Family}

    # Values that an expression likely holds.

    def of_addresses(self, expression: object, family: Family) -> list[int]:
        """Return addresses that `expression` likely holds."""
        match expression:
            case ast.Address():
                return _ordinary(family, _ends(expression.text, family))
            case ast.Endpoint(text):
                host = text.rpartition(":")[0]
                named = host in self.definitions
                return self.of_addresses(ast.Name(host) if named else ast.Address(host), family)
            case ast.Name(text) if text in self.blocks:
                return self.of_addresses(self.blocks[text].get("subnet"), family)
            case ast.Name(text):
                return self.of_addresses(self.definitions.get(text), family)
            case ast.Braces(items):
                return [a for item in items for a in self.of_addresses(item.value, family)]
            case ast.Except(base, without):
                near = {
                    v for literal in _literals(without) for v in _addresses_near(literal, family)
                }
                return [*self.of_addresses(base, family), *_ordinary(family, near)]
            case ast.Not(operand):
                inside = set(self.of_addresses(operand, family))
                return [value for value in self.addresses[family] if value not in inside]
        return []

    def of_services(self, expression: object) -> list[Service]:
        """Return services that `expression` likely holds."""
        match expression:
            case ast.Service(text):
                name, _, ports = text.partition("/")
                return [(PROTOCOLS[name], port) for port in _port_ends(ports)]
            case ast.PortList(name, ports):
                return [
                    (PROTOCOLS[name], port)
                    for literal in _literals(ports)
                    for port in _port_ends(literal.text)
                ]
            case ast.Name(text) if text in PROTOCOLS:
                return [(PROTOCOLS[text], None)]
            case ast.Name(text):
                return self.of_services(self.definitions.get(text))
            case ast.Braces(items):
                return [service for item in items for service in self.of_services(item.value)]
            case ast.Except(base, without):
                return [*self.of_services(base), *self.of_services(without)]
        return [(6, None), (17, None), (6, 80)]

    def of_ports(self, expression: object) -> list[int]:
        """Return ports that `expression`, of ports or endpoints, likely holds."""
        if isinstance(expression, ast.Not):
            inside = set(self.of_ports(expression.operand))
            return [port for port in self.ports if port not in inside]
        if isinstance(expression, ast.Except):
            expression = expression.base
        texts = [
            literal.text.rpartition(":")[2]
            for literal in _literals(expression)
            if isinstance(literal, ast.Number | ast.Endpoint)
        ]
        return [port for text in texts for port in _port_ends(text)]

    def of_interfaces(self, expression: object) -> list[str | None]:
        """Return interfaces that `expression` likely holds; None for the gateway itself."""
        match expression:
            case ast.Name("local"):
                return [None]
            case ast.Name(text) if text in self.blocks:
                block = self.blocks[text]
                return self.of_interfaces(block.get("interface") or block.get("bridge"))
            case ast.Name(text):
                return [name for name in universe.INTERFACES if _fits(text, name)] or [text]
            case ast.Braces(items):
                return [name for item in items for name in self.of_interfaces(item.value)]
            case ast.Except(base, without):
                return [*self.of_interfaces(base), *self.of_interfaces(without)]
            case ast.Not(operand):
                inside = self.of_interfaces(operand)
                return [name for name in universe.INTERFACES if name not in inside]
        return list(universe.INTERFACES)

    def of_own_addresses(self, zone: object, family: Family) -> list[int]:
        """Return the gateway's addresses in a zone; all of them when it has them at run time."""
        if isinstance(zone, ast.Braces):
            return [a for item in zone.items for a in self.of_own_addresses(item.value, family)]
        assert isinstance(zone, ast.Name)
        address = self.blocks[zone.text].get("address")
        if address == ast.Name("dynamic"):
            return [value for kind, value in self.local if kind is family]
        return self.of_addresses(address, family)

    def home(self, family: Family, address: int) -> str | None:
        """Return an interface of the zone or network whose subnet holds `address`."""
        for ends, interface in self._homes[family]:
            if ends[0] <= address <= ends[-1]:
                return interface
        return None

    def _homes_of(self, family: Family) -> Iterator[tuple[tuple[int, ...], str | None]]:
        """Yield the ends of each zone's or network's subnets, and its first interface."""
        for block in self.blocks.values():
            interfaces = self.of_interfaces(block.get("interface") or block.get("bridge"))
            for literal in _literals(block.get("subnet")):
                ends = _ends(literal.text, family)
                if ends:
                    yield ends, interfaces[0]


def dynamic_addresses(policy: ast.Policy) -> dict[str, dict[Family, int]]:
    """Return natc's stand-ins for the addresses that zones have at run time only."""
    blocks = [block for block in policy.statements if isinstance(block, ast.Block)]
    return {
        block.name.text: {
            Family.IPV4: universe.number(f"198.18.{position}.1"),
            Family.IPV6: universe.number(f"2001:2:0:{position:x}::1"),
        }
        for position, block in enumerate(blocks, 1)
        if any(entry.value == ast.Name("dynamic") for entry in block.entries)
    }


def local_addresses(policy: ast.Policy) -> tuple[tuple[Family, int], ...]:
    """Return the gateway's own addresses, with natc's stand-ins for those known at run time."""
    found = {pair for zone in dynamic_addresses(policy).values() for pair in zone.items()}
    for block in policy.statements:
        if isinstance(block, ast.Block):
            for entry in block.entries:
                if entry.keyword == "address":
                    found |= {
                        (family, value)
                        for literal in _literals(entry.value)
                        for family in Family
                        for value in _ends(literal.text, family)
                    }
    return tuple(sorted(found))


def _literals(node: Any) -> Iterator[ast.Literal]:
    """Yield the values in `node`."""
    if isinstance(node, ast.Literal):
        yield node
    elif isinstance(node, ast.Node):
        for name in node.FIELDS:
            if name not in ("span", "comments"):
                yield from _literals(getattr(node, name))
    elif isinstance(node, tuple):
        for part in node:
            yield from _literals(part)


@cache
def _ends(text: str, family: Family) -> tuple[int, ...]:
    """Return the first, a middle and the last address of a literal, if it is of `family`."""
    text = text.strip("[]")
    if "." not in text and ":" not in text:
        return ()
    if "-" in text:
        ends = [ip_address(part) for part in text.split("-")]
    else:
        network = ip_network(text)
        ends = [network[0], network[-1]]
    if ends[0].version != family:
        return ()
    low, high = int(ends[0]), int(ends[-1])
    return low, (low + high) // 2, high


def _addresses_near(literal: ast.Literal, family: Family) -> set[int]:
    """Return the ends of an address literal and what lies beside them."""
    text = literal.text
    if isinstance(literal, ast.Endpoint):
        text = text.rpartition(":")[0]
        if text[:1].isalpha() and ":" not in text:
            return set()
    elif not isinstance(literal, ast.Address):
        return set()
    ends = _ends(text, family)
    return {ends[0] - 1, *ends, ends[-1] + 1} if ends else set()


def _ordinary(family: Family, values: Any) -> list[int]:
    """Return those of `values` that packets can have at either end, in order."""
    return [value for value in sorted(set(values)) if _is_ordinary(family, value)]


@cache
def _is_ordinary(family: Family, value: int) -> bool:
    if not 0 <= value <= family.last:
        return False
    ip = ip_address(value.to_bytes(family.bits // 8, "big"))
    if ip.is_multicast or ip.is_loopback or ip.is_unspecified:
        return False
    return value >> 96 > 0 if family is Family.IPV6 else 1 << 24 <= value < 224 << 24


def _ports_near(literal: ast.Literal) -> set[int]:
    if isinstance(literal, ast.Endpoint):
        text = literal.text.rpartition(":")[2]
    elif isinstance(literal, ast.Service):
        text = literal.text.partition("/")[2]
    elif isinstance(literal, ast.Number):
        text = literal.text
    else:
        return set()
    around = {end + step for end in _port_ends(text) for step in (-1, 0, 1)}
    return {port for port in around if 1 <= port <= 65535}


def _port_ends(text: str) -> tuple[int, ...]:
    low, _, high = text.partition("-")
    return tuple({int(low): 0, (int(low) + int(high or low)) // 2: 0, int(high or low): 0})


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
