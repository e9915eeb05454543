"""Rules and networks that say where packets seem to come from."""

from natc.address import Family
from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.answers import Arrival, Choice, Verdict
from tests.oracle.matching import matches
from tests.oracle.ports import source_ports
from tests.oracle.scope import Scope
from tests.oracle.sets import has_address, is_interface, target_of
from tests.oracle.words import bounds, clause_of, range_of, text_of


def source_rule(scope: Scope, rule: ast.Rule, packet: Packet, arrival: Arrival) -> Verdict | None:
    """Return what a rule makes of where `packet` comes from; None where it is about other packets."""
    if rule.verb not in ("snat", "masquerade", "exempt"):
        return None
    if not matches(scope, rule, packet, arrival.destination, arrival.port):
        return None
    if rule.verb == "exempt" and clause_of(rule, "in"):
        return None
    if not all(
        is_interface(scope, clause.value, packet.out_interface)
        for word in ("out", "on")
        if (clause := clause_of(rule, word))
    ):
        return None
    if rule.verb == "exempt":
        return Verdict("unchanged")
    if rule.verb == "snat":
        assert rule.target is not None
        addresses, ports = target_of(scope, rule.target, packet.family)
        return Verdict("translated", (Choice(addresses, source_ports(rule, packet, ports)),))
    wanted = clause_of(rule, "ports")
    ports = range_of(text_of(wanted.value)) if wanted else None
    if not clause_of(rule, "service") and packet.protocol not in (6, 17):
        ports = None
    return Verdict("masquerade", ports=source_ports(rule, packet, ports))


def network(scope: Scope, block: ast.Block, packet: Packet, arrival: Arrival) -> Verdict | None:
    """Return what a network makes of what leaves it; None for other packets."""
    entries = {entry.keyword: entry.value for entry in block.entries}
    if text_of(entries["forward"]) != "nat" or "owner" in entries:
        return None
    if not has_address(scope, entries["subnet"], packet.family, packet.source):
        return None
    left_alone = (
        ("224.0.0.0/24", "255.255.255.255") if packet.family is Family.IPV4 else ("ff02::/16",)
    )
    for text in left_alone:
        _, low, high = bounds(text)
        if low <= arrival.destination <= high:
            return Verdict("unchanged")
    if has_address(scope, entries["subnet"], packet.family, arrival.destination):
        return None
    ports = range_of(text_of(entries["ports"])) if "ports" in entries else range(1024, 65536)
    plain = packet.protocol not in (6, 17)
    return Verdict("masquerade", ports=source_ports(None, packet, None if plain else ports))
