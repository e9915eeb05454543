"""Whether a promise about all packets of a set is kept: decided, not sampled."""

from collections.abc import Collection, Iterator
from itertools import islice

from natc.ir.fields import Field, interface_number
from natc.ir.intervals import EMPTY, point
from natc.ir.policy import Assertion, EndpointSet, Expectation, Policy
from natc.ir.space import Box
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.changed import EVERY_PACKET
from natc.simulate.engine import End, Engine
from natc.simulate.sample import edges, home, sample
from natc.simulate.site import Site, by_destination, site_of
from natc.simulate.way import Choice, Way

_FIELDS = {
    "source": (Field.SOURCE, Field.SOURCE_PORT),
    "destination": (Field.DESTINATION, Field.DESTINATION_PORT),
}
_MOST_LOOKED_AT = 64
"""Parts that break a promise, of which the one that rules meddle with least is shown."""

Cut = tuple[list[Way], list[Way]]
"""The packets for which something holds, and the others."""


class Counterexample(Record):
    """Packets that break a promise.

    Attributes:
        packet: one of them.
        end: what becomes of them.
    """

    packets: Box
    packet: Packet
    end: End


def counterexample(policy: Policy, promise: Assertion) -> Counterexample | None:
    """Return packets that break `promise`, None when it is kept.  Exact, for all packets.

    What natc cannot see (an ipset) counts as possible either way.
    """
    names = [name for zone in policy.zones for name in zone.interfaces if "+" not in name]
    names += [network.bridge for network in policy.networks]
    found = list(islice(_breaking(policy, promise), _MOST_LOOKED_AT))
    if not found:
        return None
    site = site_of(policy, promise.family)
    shown = [
        Counterexample(end.way.packets, sample(end.way.packets, promise.family, names, site), end)
        for end in found
    ]
    return min(shown, key=lambda one: (len(one.end.way.moved), _oddity(one.packet, site, names)))


def _oddity(packet: Packet, site: Site, names: Collection[str]) -> int:
    """Return how little a packet is like those that the gateway meets."""
    came_by, at_home = packet.in_interface, home(packet.source, site)
    is_strange = came_by is not None and (
        packet.source in (site.own or EMPTY)
        or (bool(at_home) and interface_number(came_by) not in at_home)
    )
    is_nobody = any(end in edges(site) for end in (packet.source, packet.destination))
    return is_strange + is_nobody + (packet.out_interface not in (None, *names))


def _breaking(policy: Policy, promise: Assertion) -> Iterator[End]:
    # A promise is about packets that leave anywhere, also where no subnet would send them.
    site = replace(site_of(policy, promise.family), routes=())
    engine = Engine(policy, promise.family, site)
    for box in by_destination(promise.match.boxes, promise.family, site):
        for start in EVERY_PACKET:
            packets = box & start
            if packets is None:
                continue
            for end in engine.ends(packets):
                if _is_elsewhere(end, box):
                    continue
                held, broken = fulfilling(end, promise.expected)
                for way in broken if promise.quantifier == "all" else held:
                    yield replace(end, way=way)


def _is_elsewhere(end: End, asked: Box) -> bool:
    """Whether the promise speaks of packets that leave by an interface, and these do not."""
    towards = asked.get(Field.OUT_INTERFACE)
    if towards is None:
        return False
    return end.is_delivered or not end.way.now(Field.OUT_INTERFACE) & towards


def fulfilling(end: End, expected: Expectation) -> Cut:
    """Cut the packets of an end into those that meet `expected` and the others."""
    way = end.way
    settled = expected.kind == "dropped" if end.verdict == "dropped" else None
    if settled is None and end.verdict == "unknown":
        settled = False
    if settled is None and (
        expected.kind == "dropped" or (expected.kind == "proxied") != bool(end.proxy)
    ):
        settled = False
    if settled is not None:
        return ([way], []) if settled else ([], [way])
    match expected.kind:
        case "unchanged":
            return _both(way, ("source", "destination"), expected)
        case "translated":
            sides = ("source", "destination") if expected.side is None else (expected.side,)
            kept, moved = _both(way, sides, expected)
            return moved, kept
        case "proxied":
            return _proxied(end, expected)
        case _:
            return _both(way, ("source", "destination"), expected)


def _both(way: Way, sides: tuple[str, ...], expected: Expectation) -> Cut:
    held, broken = [way], []
    for side in sides:
        ends: tuple[EndpointSet, ...] | None = getattr(expected, side)
        parts = [_kept(part, side) if ends is None else _in_ends(part, side, ends) for part in held]
        held = [way for inside, _ in parts for way in inside]
        broken += [way for _, outside in parts for way in outside]
    return held, broken


def _kept(way: Way, side: str) -> Cut:
    """Cut where one side is as it came."""
    held, broken = [way], []
    for field in _FIELDS[side]:
        moved = way.moved.get(field, 0)
        if moved == 0:
            continue
        if not isinstance(moved, Choice) or moved.values.size > 1:
            return [], [way]
        parts = [part.came_with(field, moved.values) for part in held]
        held = [inside for inside, _ in parts if inside is not None]
        broken += [outside for _, outside in parts if outside is not None]
    return held, broken


def _in_ends(way: Way, side: str, ends: tuple[EndpointSet, ...]) -> Cut:
    """Cut where one side is in one of `ends`.

    A port that a destination's end does not name must be as it came.
    """
    held: list[Way] = []
    left = [way]
    for end in ends:
        cuts = [_in_end(part, side, end) for part in left]
        held += [part for inside, _ in cuts for part in inside]
        left = [part for _, outside in cuts for part in outside]
    return held, left


def _in_end(way: Way, side: str, end: EndpointSet) -> Cut:
    address, port = _FIELDS[side]
    inside: Way | None = way
    outside: list[Way | None] = []
    if end.addresses is not None:
        inside, rest = way.having(address, end.addresses)
        outside.append(rest)
    elif side == "destination":  # `to :PORT` is the gateway itself.
        inside, rest = way.having(Field.LOCAL_DESTINATION, point(1))
        outside.append(rest)
    if inside is not None and end.ports is not None:
        inside, rest = inside.having(port, end.ports)
        outside.append(rest)
    elif inside is not None and side == "destination":
        port_kept = inside.moved.get(port, 0) == 0
        inside, rest = (inside, None) if port_kept else (None, inside)
        outside.append(rest)
    return [] if inside is None else [inside], [part for part in outside if part is not None]


def _proxied(end: End, expected: Expectation) -> Cut:
    action = end.proxy
    if action is None or expected.destination is None:
        return [end.way], []
    for wanted in expected.destination:
        here = wanted.addresses is None or (
            action.address is not None and action.address in wanted.addresses
        )
        if here and (wanted.ports is None or action.port in wanted.ports):
            return [end.way], []
    return [], [end.way]
