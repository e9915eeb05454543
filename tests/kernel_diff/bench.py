"""The gateway on which random policies run, and the judge of what its kernel does.

The gateway has every interface of `tests.strategies.universe`, declared by the policy or not.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_interface

from natc.address import Family, text_of
from natc.packet import Packet
from natc.record import replace
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.write import Form, write
from natc.testlab import Address, Interface, Lab, Listener, Observation, Route, Topology
from tests.oracle import Oracle, Verdict, World
from tests.strategies import universe

_OWN = {
    "eth0": ("203.0.113.1/28", "2001:db8:f::1/124"),
    "eth1": ("192.168.3.1/28", "fd00:3::1/124"),
    "br1": ("10.0.0.1/28", "fd00:10::1/124"),
    "eth2": ("10.0.1.1/28", "fd00:11::1/124"),
    "ppp0": ("198.18.9.1/32", "2001:2:0:9::1/128"),
    "virbr1": ("192.168.132.1/28", "fd00:132::1/124"),
    "virbr2": ("192.168.50.1/28", "fd00:50::1/124"),
}
"""The gateway's addresses: those of `universe`'s zones and networks, and of the rest."""

LISTENERS = tuple(
    Listener(family, protocol, universe.LOOPBACK[family], 8443, 1, 1)
    for family in Family
    for protocol in (6, 17)
)
"""What `tproxy` rules of random policies hand their packets to."""

_FLUSH = "\n".join(
    f"{program} -t {table} -F; {program} -t {table} -X; "
    f"for c in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do "
    f"{program} -t {table} -P $c ACCEPT 2>/dev/null; done"
    for program in ("iptables", "ip6tables")
    for table in ("nat", "mangle", "filter")
)


def topology(*, listeners: bool = False) -> Topology:
    """Return the gateway.

    Args:
        listeners: whether it runs transparent proxies; then packets of mark 1 end at the gateway.
    """
    interfaces = []
    routes = [Route(family, 0, 0, "eth0") for family in Family]
    for name, texts in _OWN.items():
        addresses = []
        for text in texts:
            own = ip_interface(text)
            family, length = Family(own.version), own.network.prefixlen
            addresses.append(Address(family, int(own.ip), length))
            if length < family.bits:
                routes.append(Route(family, int(own.network[0]), length, name))
        interfaces.append(Interface(name, tuple(addresses), is_bridge=name.startswith("virbr")))
    return Topology(tuple(Family), tuple(interfaces), tuple(routes), LISTENERS if listeners else ())


OWN = {
    (name, Family(own.version)): int(own.ip)
    for name, texts in _OWN.items()
    for own in map(ip_interface, texts)
}
WORLD = World(
    local=frozenset((family, value) for (_, family), value in OWN.items())
    | frozenset(universe.LOOPBACK.items()),
    ipsets=universe.LISTED,
)

ODD = frozenset(
    (Family(own.version), int(own.network[index]))
    for texts in _OWN.values()
    for own in map(ip_interface, texts)
    for index in (0, -1)
    if own.network.num_addresses > 1
)
"""Broadcast and anycast addresses of the gateway's links, which the kernel treats in ways of its
own.  Source: RFC 4291, 2.6.1; net/ipv4/fib_frontend.c, fib_add_ifaddr."""


def fill_sets(lab: Lab) -> None:
    """Make the kernel's sets, with the members that the oracle thinks they have."""
    for name, members in universe.LISTED.items():
        lab.ipset(name, [text_of(family, at) for family, at in members if family is Family.IPV4])


@contextmanager
def loaded(lab: Lab, rules: Mapping[Family, Ruleset]) -> Iterator[None]:
    """Have the rules in the lab's kernel meanwhile."""
    try:
        for family, ruleset in rules.items():
            lab.load(write(ruleset, Form.INSTALL), family)
        yield
        for family, ruleset in rules.items():
            lab.load(write(ruleset, Form.REMOVE), family)
    except BaseException:
        lab.run(_FLUSH)
        raise


def at_home(packet: Packet) -> Packet:
    """Return a packet of the gateway with an address of the gateway's."""
    if packet.in_interface is not None:
        return packet
    return replace(packet, source=OWN["eth0", packet.family])


def can_be_judged(lab: Lab, packet: Packet) -> bool:
    """Say whether the lab can send `packet`, and the kernel takes it for ordinary."""
    ends = {(packet.family, packet.source), (packet.family, packet.destination)}
    if ends & ODD or lab.obstacle(packet) is not None:
        return False
    # From outside, the gateway's own address is no source: a martian.  From inside, it is the only.
    return (packet.in_interface is None) == ((packet.family, packet.source) in WORLD.local)


def complaint(oracle: Oracle, packet: Packet, seen: Observation) -> str | None:
    """Return what the kernel did and the policy does not allow, None when there is nothing."""
    verdict = oracle.destination(packet)
    if (packet.family, seen.destination) in ODD:
        return None
    if seen.verdict == "dropped":
        odd = any(
            (packet.family, end.destination) in ODD for end in oracle.arrivals(packet, verdict)
        )
        return None if odd else f"dropped; expected {verdict}"
    if packet.in_interface is None and seen.verdict == "delivered":
        wrong = _loop_complaint(oracle, packet, seen)
        if wrong is not None:
            return wrong
        seen = replace(seen, listener=None)
    if verdict.kind == "listener" or seen.listener is not None:
        return _listener_complaint(packet, verdict, seen)
    if verdict.kind == "gateway" and seen.destination != _redirected(packet):
        return f"redirected to {text_of(packet.family, seen.destination)}"
    arrival = next(
        (
            arrival
            for arrival in oracle.arrivals(packet, verdict)
            if (arrival.destination, arrival.port) == (seen.destination, seen.destination_port)
        ),
        None,
    )
    if arrival is None:
        return f"destination {_end(packet, seen, 'destination')}; expected {verdict}"
    if arrival.here != (seen.verdict == "delivered"):
        return f"{seen.verdict}, but the destination is {'' if arrival.here else 'not '}the gateway"
    out = "lo" if arrival.here else seen.out_interface
    decided = oracle.source(replace(packet, out_interface=out), arrival)
    if not _allows(packet, decided, seen, out):
        return f"source {_end(packet, seen, 'source')}; expected {decided}, leaving by {out}"
    return None


def _loop_complaint(oracle: Oracle, packet: Packet, seen: Observation) -> str | None:
    """Hold a proxy against what the gateway sends itself: on its way back, that arrives by lo."""
    back = Packet(
        packet.family,
        packet.protocol,
        seen.source,
        seen.source_port,
        seen.destination,
        seen.destination_port,
        "lo",
        mark=packet.mark,
    )
    verdict = oracle.destination(back)
    wanted = (verdict.listener, tuple(verdict.ports or ())) if verdict.kind == "listener" else None
    taken = None if seen.listener is None else (seen.listener.address, (seen.listener.port,))
    return None if taken == wanted else f"taken by {seen.listener}; expected {verdict} from lo"


def _listener_complaint(packet: Packet, verdict: Verdict, seen: Observation) -> str | None:
    if seen.listener is None or verdict.kind != "listener":
        return f"{seen.verdict}, taken by {seen.listener}; expected {verdict}"
    unchanged = (packet.source, packet.source_port) == (seen.source, seen.source_port) and (
        packet.destination,
        packet.destination_port,
    ) == (seen.destination, seen.destination_port)
    same = (seen.listener.address, (seen.listener.port,)) == (
        verdict.listener,
        tuple(verdict.ports or ()),
    )
    return None if unchanged and same else f"{seen}; expected {verdict} and nothing translated"


def _redirected(packet: Packet) -> int:
    if packet.in_interface is None:
        return universe.LOOPBACK[packet.family]
    return OWN[packet.in_interface, packet.family]


def _allows(packet: Packet, decided: Verdict, seen: Observation, out: str | None) -> bool:
    side = seen.source, seen.source_port
    match decided.kind:
        case "unchanged":
            return side == (packet.source, packet.source_port)
        case "translated":
            return any(side in choice for choice in decided.choices)
        case "masquerade":
            own = OWN.get((out or "", packet.family))
            in_ports = decided.ports is None or seen.source_port in decided.ports
            return in_ports and (own is None or seen.source == own)
    raise AssertionError(decided)


def _end(packet: Packet, seen: Observation, side: str) -> str:
    address, port = getattr(seen, side), getattr(seen, f"{side}_port")
    return f"{text_of(packet.family, address)} port {port}"
