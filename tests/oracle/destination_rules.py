"""Rules that say where packets go."""

from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.answers import Choice, Ports, Verdict
from tests.oracle.matching import matches
from tests.oracle.places import homes, is_own_address
from tests.oracle.ports import new_port
from tests.oracle.scope import Scope
from tests.oracle.sets import (
    comes_in_by,
    is_interface,
    is_place_interface,
    is_service,
    is_user,
    target_of,
)
from tests.oracle.words import bounds, clause_of, endpoint, ends, servers, zones_of


def destination_rule(scope: Scope, rule: ast.Rule, packet: Packet) -> Verdict | None:
    """Return what a rule makes of where `packet` goes; None where it is about other packets."""
    if rule.verb in ("snat", "masquerade"):
        return None
    if not matches(scope, rule, packet, packet.destination, packet.destination_port):
        return None
    if rule.verb == "exempt":
        return Verdict("unchanged") if _exempt_sees_arriving(scope, rule, packet) else None
    if not _sees(scope, rule, packet):
        return None
    if rule.verb == "transparent-proxy":
        return _proxy(rule, packet)
    return Verdict("translated", _targets(scope, rule, packet))


def _exempt_sees_arriving(scope: Scope, rule: ast.Rule, packet: Packet) -> bool:
    if clause_of(rule, "out"):
        return False
    where = clause_of(rule, "in")
    if where is None:
        return True
    return comes_in_by(scope, where.value, packet)


def _sees(scope: Scope, rule: ast.Rule, packet: Packet) -> bool:
    """Say whether a destination rule is about packets from where this one comes."""
    on = clause_of(rule, "on")
    zones = [] if on is None else zones_of(on)
    if zones and not any(is_own_address(scope, zone, packet) for zone in zones):
        return False
    hairpin = clause_of(rule, "hairpin") is not None
    if packet.in_interface is None:
        if hairpin:
            return True
        where = clause_of(rule, "in")
        if where is None:
            return clause_of(rule, "user") is not None
        return comes_in_by(scope, where.value, packet)
    if hairpin and _comes_from_a_servers_zone(scope, rule, packet):
        return True
    if zones and not any(_is_on(scope, zone, packet) for zone in zones):
        return False
    where = clause_of(rule, "in")
    return where is None or comes_in_by(scope, where.value, packet)


def _is_on(scope: Scope, zone: object, packet: Packet) -> bool:
    """Say whether a packet arrives in a zone for an address that the gateway has there."""
    return is_interface(scope, zone, packet.in_interface) and is_own_address(scope, zone, packet)


def _comes_from_a_servers_zone(scope: Scope, rule: ast.Rule, packet: Packet) -> bool:
    return any(
        is_place_interface(place, packet.in_interface)
        for server in servers(rule)
        for address in target_of(scope, server, packet.family)[0]
        for place in homes(scope, packet.family, address)
    )


def _proxy(rule: ast.Rule, packet: Packet) -> Verdict | None:
    assert isinstance(rule.target, ast.Endpoint)
    host, ports = endpoint(rule.target)
    if clause_of(rule, "tproxy"):
        if packet.in_interface is None:
            return None
        return Verdict("listener", ports=ports, listener=bounds(host)[1])
    spared = clause_of(rule, "except")
    if spared and packet.in_interface is None and is_user(spared.value, packet.user):
        return None
    return Verdict("gateway", ports=new_port(rule, packet.destination_port, ports))


def _targets(scope: Scope, rule: ast.Rule, packet: Packet) -> tuple[Choice, ...]:
    """Return what a `dnat`, `port-forward` or `balance` makes of the destination."""
    choices = []
    for target in ends(rule):
        addresses, ports = target_of(scope, target, packet.family)
        if addresses:
            choices.append(Choice(addresses, _new_ports(scope, rule, packet, ports)))
    return tuple(choices)


def _new_ports(scope: Scope, rule: ast.Rule, packet: Packet, ports: range | None) -> Ports:
    own = packet.destination_port
    if ports is None or own is None:
        return None if own is None else frozenset({own})
    if not clause_of(rule, "shift"):
        return new_port(rule, own, ports)
    service = clause_of(rule, "service")
    assert service is not None
    first = own
    while is_service(scope, service.value, packet.protocol, first - 1):
        first -= 1
    return frozenset({ports[0] + own - first})
