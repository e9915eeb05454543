"""Sets, asked about one value; and listed, where they are small."""

from natc.address import Family
from natc.dsl import ast
from natc.packet import PROTOCOLS, Packet
from tests.oracle.scope import Place, Scope
from tests.oracle.words import bounds, endpoint, fits, names_local, range_of

LARGEST_SET = 70_000
"""Members that a set may have where all of them are listed: targets and 1:1 networks."""


def has_address(scope: Scope, expression: object, family: Family, value: int) -> bool:
    match expression:
        case ast.Address(text):
            found, low, high = bounds(text)
            return found is family and low <= value <= high
        case ast.Name(text) if text in scope.places:
            return any(
                has_address(scope, subnet, family, value) for subnet in scope.places[text].subnets
            )
        case ast.Name(text):
            return has_address(scope, scope.definitions[text], family, value)
        case ast.Braces(items):
            return any(has_address(scope, item.value, family, value) for item in items)
        case ast.Except(base, without):
            return has_address(scope, base, family, value) and not has_address(
                scope, without, family, value
            )
        case ast.Not(operand):
            return not has_address(scope, operand, family, value)
    raise AssertionError(f"not a set of addresses: {expression}")


def is_service(scope: Scope, expression: object, protocol: int, port: int | None) -> bool:
    match expression:
        case ast.Service(text):
            name, _, ports = text.partition("/")
            return PROTOCOLS[name] == protocol and port in range_of(ports)
        case ast.PortList(name, ports):
            return PROTOCOLS[name] == protocol and is_port(ports, port)
        case ast.Name(text) if text in PROTOCOLS:
            return PROTOCOLS[text] == protocol
        case ast.Name(text):
            return is_service(scope, scope.definitions[text], protocol, port)
        case ast.Braces(items):
            return any(is_service(scope, item.value, protocol, port) for item in items)
        case ast.Except(base, without):
            return is_service(scope, base, protocol, port) and not is_service(
                scope, without, protocol, port
            )
        case ast.Not(operand):
            return not is_service(scope, operand, protocol, port)
    raise AssertionError(f"not a set of services: {expression}")


def is_port(expression: object, port: int | None) -> bool:
    match expression:
        case ast.Number(text):
            return port in range_of(text)
        case ast.Braces(items):
            return any(is_port(item.value, port) for item in items)
        case ast.Except(base, without):
            return is_port(base, port) and not is_port(without, port)
        case ast.Not(operand):
            return not is_port(operand, port)
    raise AssertionError(f"not a set of ports: {expression}")


def is_interface(scope: Scope, expression: object, interface: str | None) -> bool:
    match expression:
        case ast.Name("local"):
            return False
        case ast.Name(text) if text in scope.places:
            return is_place_interface(scope.places[text], interface)
        case ast.Name(text) | ast.String(text):
            return fits(text, interface)
        case ast.Braces(items):
            return any(is_interface(scope, item.value, interface) for item in items)
        case ast.Except(base, without):
            return is_interface(scope, base, interface) and not is_interface(
                scope, without, interface
            )
        case ast.Not(operand):
            return interface is not None and not is_interface(scope, operand, interface)
    raise AssertionError(f"not a set of interfaces: {expression}")


def is_place_interface(place: Place, interface: str | None) -> bool:
    return any(fits(pattern, interface) for pattern in place.interfaces)


def comes_in_by(scope: Scope, expression: object, packet: Packet) -> bool:
    """Say whether `in` means a packet: one that comes in, or one of the gateway's own."""
    if packet.in_interface is None:
        return names_local(expression)
    return is_interface(scope, expression, packet.in_interface)


def is_mark(expression: object, mark: int) -> bool:
    match expression:
        case ast.Mark(text) | ast.Number(text):
            value, _, mask = text.partition("/")
            bits = int(mask, 0) if mask else 0xFFFFFFFF
            return mark & bits == int(value, 0)
        case ast.Braces(items):
            return any(is_mark(item.value, mark) for item in items)
        case ast.Except(base, without):
            return is_mark(base, mark) and not is_mark(without, mark)
        case ast.Not(operand):
            return not is_mark(operand, mark)
    raise AssertionError(f"not a set of marks: {expression}")


def is_in_ipset(scope: Scope, expression: object, family: Family, value: int) -> bool:
    match expression:
        case ast.Name(text) | ast.String(text):
            return (family, value) in scope.world.ipsets[text]
        case ast.Braces(items):
            return any(is_in_ipset(scope, item.value, family, value) for item in items)
        case ast.Except(base, without):
            return is_in_ipset(scope, base, family, value) and not is_in_ipset(
                scope, without, family, value
            )
        case ast.Not(operand):
            return not is_in_ipset(scope, operand, family, value)
    raise AssertionError(f"not a set of ipsets: {expression}")


def is_user(expression: object, user: str | None) -> bool:
    match expression:
        case ast.Number(text):
            low, _, high = text.partition("-")
            return bool(user and user.isdigit() and int(low) <= int(user) <= int(high or low))
        case ast.Name(text) | ast.String(text):
            return user == text
        case ast.Braces(items):
            return any(is_user(item.value, user) for item in items)
        case ast.Except(base, without):
            return is_user(base, user) and not is_user(without, user)
        case ast.Not(operand):
            return not is_user(operand, user)
    raise AssertionError(f"not a set of users: {expression}")


def members(scope: Scope, expression: object, family: Family) -> frozenset[int]:
    """List a set of addresses."""
    match expression:
        case ast.Address(text):
            found, low, high = bounds(text)
            if high - low > LARGEST_SET:
                raise AssertionError(f"too many members to list: {text}")
            return frozenset(range(low, high + 1)) if found is family else frozenset()
        case ast.Name(text):
            return members(scope, scope.definitions[text], family)
        case ast.Braces(items):
            parts = [members(scope, item.value, family) for item in items]
            return frozenset().union(*parts)
        case ast.Except(base, without):
            return frozenset(
                value
                for value in members(scope, base, family)
                if not has_address(scope, without, family, value)
            )
    raise AssertionError(f"members cannot be listed: {expression}")


def target_of(
    scope: Scope, expression: object, family: Family
) -> tuple[frozenset[int], range | None]:
    """Return the addresses and ports that a target names."""
    if not isinstance(expression, ast.Endpoint):
        return members(scope, expression, family), None
    host, ports = endpoint(expression)
    if host in scope.definitions:
        return members(scope, scope.definitions[host], family), ports
    return members(scope, ast.Address(host), family), ports
