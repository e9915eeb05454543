"""The way back of `hairpin`: a server's answer to a client beside it comes by the gateway."""

from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.answers import Arrival, Choice, Verdict
from tests.oracle.matching import matches
from tests.oracle.places import first_address, homes, is_own_address
from tests.oracle.ports import ANY_PORT
from tests.oracle.scope import Scope
from tests.oracle.sets import has_address, is_place_interface, is_service, target_of
from tests.oracle.words import clause_of, servers, text_of, zones_of


def asked_for(scope: Scope, rule: ast.Rule, packet: Packet, arrival: Arrival) -> bool:
    """Say whether the connection asked for what `rule` translates, and ended where it leads."""
    on = clause_of(rule, "on")
    if on is not None and not any(
        scope.places[text_of(zone)].dynamic or is_own_address(scope, zone, packet)
        for zone in zones_of(on)
    ):
        return False
    if not matches(scope, rule, packet, packet.destination, packet.destination_port):
        return False
    return any(_is_end(scope, rule, server, packet, arrival) for server in servers(rule))


def _is_end(scope: Scope, rule: ast.Rule, end: object, packet: Packet, arrival: Arrival) -> bool:
    """Say whether a connection arrived at one of the servers of `rule`."""
    addresses, ports = target_of(scope, end, packet.family)
    if arrival.destination not in addresses:
        return False
    if ports is not None and clause_of(rule, "shift"):
        service = clause_of(rule, "service")
        assert service is not None
        ports = range(ports[0], ports[0] + _width(scope, service.value, packet.protocol))
    if ports is None:
        service = clause_of(rule, "service")
        in_ports = service is None or is_service(
            scope, service.value, packet.protocol, arrival.port
        )
    else:
        in_ports = arrival.port in ports
    return in_ports


def _width(scope: Scope, service: object, protocol: int) -> int:
    """Count the ports of a service, which takes long enough to remember it."""
    key = service, protocol
    if key not in scope.widths:
        scope.widths[key] = sum(is_service(scope, service, protocol, port) for port in ANY_PORT)
    return scope.widths[key]


def hairpin(scope: Scope, packet: Packet, arrival: Arrival) -> Verdict | None:
    """Return what makes the server's answer to a client beside it come back this way."""
    ports = None if packet.source_port is None else frozenset({packet.source_port})
    for place in homes(scope, packet.family, arrival.destination):
        inside = any(
            has_address(scope, subnet, packet.family, packet.source) for subnet in place.subnets
        )
        if inside and is_place_interface(place, packet.out_interface):
            own = first_address(place, packet.family)
            if own is None:
                return Verdict("masquerade", ports=ports)
            return Verdict("translated", (Choice(frozenset({own}), ports),))
    return None
