"""What the rule that decides does to a packet, in words."""

from collections.abc import Iterator

from natc.ir.actions import (
    Accept,
    Action,
    Balance,
    Dnat,
    Drop,
    Masquerade,
    Netmap,
    PortChoice,
    Redirect,
    Return,
    Snat,
    Tproxy,
    Unknown,
)
from natc.ir.fields import Field, interface_patterns, universe
from natc.ir.intervals import IntervalSet, point
from natc.packet import Packet
from natc.record import Record
from natc.simulate.foretell import is_pool
from natc.simulate.spelling import Side, addresses, protocol, side
from natc.simulate.trace import Kind
from natc.simulate.way import Choice, Way


class Effect(Record):
    """What a rule does.

    Attributes:
        details: more about it, a line each.
    """

    kind: Kind
    words: str
    details: tuple[str, ...] = ()


def source_of(way: Way, packet: Packet) -> Side:
    """Return the packet's source at the end of the way."""
    return _side(way, packet, (Field.SOURCE, Field.SOURCE_PORT), Field.OUT_INTERFACE)


def destination_of(way: Way, packet: Packet) -> Side:
    """Return the packet's destination at the end of the way."""
    return _side(way, packet, (Field.DESTINATION, Field.DESTINATION_PORT), Field.IN_INTERFACE)


def _side(way: Way, packet: Packet, fields: tuple[Field, Field], at: Field) -> Side:
    address, port = fields
    moved, values = way.moved.get(address), way.now(address)
    of = ""
    if (
        isinstance(moved, Choice)
        and moved.how == "interface"
        and values == universe(address, way.family)
    ):
        names = interface_patterns(way.now(at) - point(0)) or []
        one = names[0] if len(names) == 1 and names != ["+"] else "the interface"
        of = f"address of {one}"
    return Side(values, None if packet.source_port is None else way.now(port), of)


def sides_of(packet: Packet) -> tuple[Side, Side]:
    """Return source and destination of the packet as it comes."""
    ports = [
        None if port is None else point(port)
        for port in (packet.source_port, packet.destination_port)
    ]
    return Side(point(packet.source), ports[0]), Side(point(packet.destination), ports[1])


def flow(packet: Packet, source: Side, destination: Side) -> str:
    """Return `tcp A > B` as a sniffer would show it."""
    family = packet.family
    return f"{protocol(packet.protocol)} {side(family, source)} > {side(family, destination)}"


def effect(action: Action, way: Way, packet: Packet, *, source: bool, policy: bool) -> Effect:
    """Return what `action` has done to the packet.

    Args:
        way: the packet at its end.
        source: whether it stands in a hook that translates sources.
        policy: whether it is from a policy of natc's.
    """
    match action:
        case Drop():
            return Effect("dropped", "dropped")
        case Accept():
            return Effect("accepted", "left as it is" if policy else "accepted")
        case Return():
            return Effect("accepted", "left to the rules of others")
        case Unknown(text):
            return Effect("unknown", f"{text.split()[0]} decides, which natc does not know")
        case Tproxy():
            return Effect("diverted", f"to the proxy {_listener(way, action)}")
        case _ if source:
            now = source_of(way, packet)
            details = tuple(_source_details(action, now, packet))
            return Effect("translated", f"from {side(way.family, now)}", details)
        case _:
            now = destination_of(way, packet)
            details = tuple(_destination_details(action, now, packet))
            return Effect("translated", f"to {side(way.family, now)}", details)


def _listener(way: Way, action: Tproxy) -> str:
    if action.address is not None:
        where = point(action.address)
    else:
        where = way.site.address_of(way.now(Field.IN_INTERFACE), way.family)
    if where.size > 1:
        return f"on port {action.port}"
    return f"on {side(way.family, Side(where, point(action.port)))}"


def _destination_details(action: Action, now: Side, packet: Packet) -> Iterator[str]:
    if isinstance(action, Dnat):
        yield from _pool_details(action.addresses, now, packet, persistent=action.persistent)
    if isinstance(action, Balance) and action.sticky is not None:
        yield f"a client seen in the last {_duration(action.sticky)} stays with its server"
    if isinstance(action, Netmap):
        yield "the same host in another network"
    if isinstance(action, Dnat | Redirect) and now.ports is not None and now.ports.size > 1:
        yield "a random port"


def _source_details(action: Action, now: Side, packet: Packet) -> Iterator[str]:
    if isinstance(action, Snat):
        if is_pool(action.addresses) and now.addresses == point(packet.source):
            yield f"its own address is one of {addresses(packet.family, action.addresses)}"
        else:
            yield from _pool_details(action.addresses, now, packet, persistent=action.persistent)
    if isinstance(action, Netmap):
        yield "the same host in another network"
    if now.ports is None or not isinstance(action, Snat | Masquerade):
        return
    if now.ports.size == 1:
        yield f"port {now.ports.first} unless another connection has it"
    elif action.port_choice is PortChoice.KEEP:
        yield f"a random port, since {packet.source_port} is not one of them"
    else:
        yield "a random port"


def _pool_details(
    pool: IntervalSet, now: Side, packet: Packet, *, persistent: bool
) -> Iterator[str]:
    if not is_pool(pool):
        return
    if now.addresses.size > 1:
        yield "which one depends on the destination"
        return
    of = "the source" if persistent else "source and destination"
    # In IPv6 the kernel's arithmetic can leave the pool; see `pool.chosen`.
    where = "of" if now.addresses <= pool else "outside"
    yield f"{where} {addresses(packet.family, pool)}, by the kernel's hash of {of}"


def _duration(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
