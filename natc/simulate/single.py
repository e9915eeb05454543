"""One packet through a policy: every way in which it can end."""

from collections.abc import Iterator, Sequence

from natc.address import Family
from natc.ir.conditions import Condition, Draw, InSet, Mark, Noted, Opaque
from natc.ir.fields import NO_USER, UNNAMED_USER, Field, interface_number, user_number
from natc.ir.intervals import point
from natc.ir.policy import Policy
from natc.ir.space import Box
from natc.packet import Packet
from natc.simulate.engine import OWN_UNKNOWN, ROUTE_UNKNOWN, End, Engine
from natc.simulate.site import EVERY_INTERFACE, Site, site_of
from natc.simulate.trace import Outcome, Trace
from natc.simulate.way import Way


def simulate(policy: Policy, packet: Packet, site: Site | None = None) -> Trace:
    """Return every way in which the first packet of a connection can end under `policy`.

    Args:
        site: what is known of the gateway; None takes what the policy declares.
    """
    return Simulator(policy, site)(packet)


class Simulator:
    """A policy, ready for many packets."""

    def __init__(self, policy: Policy, site: Site | None = None) -> None:
        self._policy = policy
        self._site = site
        self._engines: dict[Family, Engine] = {}

    def __call__(self, packet: Packet) -> Trace:
        """Return every way in which `packet` can end."""
        engine = self._engines.get(packet.family)
        if engine is None:
            site = site_of(self._policy, packet.family) if self._site is None else self._site
            engine = self._engines[packet.family] = Engine(self._policy, packet.family, site)
        ends = [_outcome(packet, end) for end in engine.ends(box_of(packet))]
        return Trace(packet, tuple(_settled(ends)))


def box_of(packet: Packet) -> Box:
    """Return the set that holds `packet` alone; where it does not say, every value."""
    sets = {
        Field.IN_INTERFACE: point(
            0 if packet.in_interface is None else interface_number(packet.in_interface)
        ),
        Field.SOURCE: point(packet.source),
        Field.DESTINATION: point(packet.destination),
        Field.PROTOCOL: point(packet.protocol),
        Field.USER: point(_user(packet)),
    }
    if packet.out_interface is not None:
        sets[Field.OUT_INTERFACE] = point(interface_number(packet.out_interface))
    if packet.source_port is not None and packet.destination_port is not None:
        sets[Field.SOURCE_PORT] = point(packet.source_port)
        sets[Field.DESTINATION_PORT] = point(packet.destination_port)
    return Box.of(sets, (Mark(packet.mark, 0xFFFFFFFF),))


def _user(packet: Packet) -> int:
    """Return the sender of a packet; one that is not named is nobody whom a policy names."""
    if packet.in_interface is not None:
        return NO_USER
    return UNNAMED_USER if packet.user is None else user_number(packet.user)


def _outcome(packet: Packet, end: End) -> Outcome:
    way = end.way
    has_ports = packet.destination_port is not None
    destination, port = way.now(Field.DESTINATION), way.now(Field.DESTINATION_PORT)
    if end.proxy is not None:
        if end.proxy.address is None:
            destination = way.site.address_of(way.now(Field.IN_INTERFACE), way.family)
        else:
            destination = point(end.proxy.address)
        port = point(end.proxy.port)
    return Outcome(
        way.now(Field.SOURCE),
        way.now(Field.SOURCE_PORT) if has_ports else None,
        destination,
        port if has_ports else None,
        proxied=end.proxy is not None,
        verdict=end.verdict,
        undecided=tuple(_undecided(way)),
        steps=way.steps,
    )


def _undecided(way: Way) -> Iterator[str]:
    """Yield what natc had to assume."""
    for condition in way.packets.conditions:
        words = _words(condition)
        if words is not None:
            yield words
    towards = way.packets.get(Field.OUT_INTERFACE)
    for doubt in way.doubts:
        settled = doubt in (ROUTE_UNKNOWN, OWN_UNKNOWN) and (
            towards is None or towards.ranges == EVERY_INTERFACE.ranges
        )
        if not settled or doubt is OWN_UNKNOWN:
            yield doubt


def _words(condition: Condition) -> str | None:
    match condition:
        case InSet(name, flags, negated):
            verb = "is not" if negated else "is"
            return f"whether the packet {verb} in the ipset {name} ({','.join(flags)})"
        case Opaque(text, negated):
            return f"whether {'not ' if negated else ''}{text}"
        case Mark() | Draw() | Noted():
            return None


def _settled(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes, without a doubt where all of them are alike."""
    ends = {outcome.result for outcome in outcomes}
    if len(ends) > 1:
        return list(dict.fromkeys(outcomes))
    return [outcomes[0].certain()]
