"""The most ordinary of some packets: what a witness is chosen of, where its finding leaves it open.

Where a policy tells who lives where, a host sends by its own interface, and strangers come from
outside; of protocols and ports, the best known.
"""

from collections.abc import Callable, Iterator, Mapping

from natc.address import Family
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.space import Box
from natc.lint.sides import PRIVATE, Side, Sides, sides
from natc.lint.subject import Subject
from natc.packet import PORT_PROTOCOLS, PROTOCOLS, Packet
from natc.simulate.sample import DOCUMENTATION, INTERFACES, sample
from natc.simulate.site import EVERY_INTERFACE

INSIDE_NAMES = ("eth1", "lan0")
"""What an interface inside is called where nothing else is known."""

Sets = Mapping[Field, IntervalSet]

_HERE = point(0)
"""The way in of what the gateway sends itself."""

_PORTS = interval(1, 65535)
"""Nobody sends by port 0, though rules may leave just that."""

_TCP, _UDP = (
    {
        Field.PROTOCOL: point(PROTOCOLS[name]),
        Field.SOURCE_PORT: _PORTS,
        Field.DESTINATION_PORT: _PORTS,
    }
    for name in ("tcp", "udp")
)
_WITHOUT_PORTS = {
    Field.PROTOCOL: universe(Field.PROTOCOL, Family.IPV4)
    - IntervalSet.of((number, number) for number in PORT_PROTOCOLS)
}

_KINDS: tuple[tuple[Sets, ...], ...] = (
    (
        *({**_TCP, Field.DESTINATION_PORT: point(port)} for port in (80, 443)),
        _TCP,
        _UDP,
        _WITHOUT_PORTS,
    ),
    tuple({**kind, Field.SOURCE_PORT: point(40000)} for kind in (_TCP, _UDP)),
)


def ordinary_of(
    subject: Subject, family: Family, packets: Box, left: Callable[[Box], Box | None]
) -> Box | None:
    """Return some of what is left of `packets`, the most ordinary; None where nothing is left.

    Args:
        left: returns some of its argument; it is asked again only when something was left.
    """
    found = left(packets)
    if found is None:
        return None
    for choices in _preferences(subject, family, packets):
        for sets in choices:
            narrower = packets & Box.of(sets)
            kept = None if narrower is None else left(narrower)
            if narrower is not None and kept is not None:
                packets, found = narrower, kept
                break
    return found


def shown(subject: Subject, family: Family, packets: Box) -> Packet:
    """Return the most ordinary of `packets`, the same each time."""
    found = ordinary_of(subject, family, packets, lambda some: some) or packets
    if subject.is_dump:
        names = _names(family, found)
    else:
        names = [name for side in sides(subject)[family].all for name in side.names]
    return sample(found, family, names)


def _names(family: Family, packets: Box) -> list[str]:
    """Return what the interfaces are called that packets of a dump come by, the likely first."""
    source = packets.get(Field.SOURCE)
    is_inside = source is not None and source <= PRIVATE[family]
    return [*(INSIDE_NAMES if is_inside else ()), *INTERFACES]


def _preferences(subject: Subject, family: Family, packets: Box) -> Iterator[tuple[Sets, ...]]:
    """Yield choices, the better ones first; of each at most one is made."""
    known = sides(subject).get(family)
    if known is None:
        yield tuple(_called(family, packets))
    else:
        if packets.get(Field.LOCAL_DESTINATION) == point(1):
            yield (*_own_there(packets, known), {Field.DESTINATION: known.own})
        yield tuple(_ways_out(packets, known))
        yield tuple(_ways_in(packets, known))
    yield from _KINDS
    yield tuple({Field.DESTINATION: values} for values in DOCUMENTATION[family])


def _own_there(packets: Box, known: Sides) -> Iterator[Sets]:
    """Yield the gateway's addresses on the side that the packets come from."""
    arriving = packets.get(Field.IN_INTERFACE)
    for side in known.all:
        if arriving is not None and arriving <= side.interfaces and side.own:
            yield {Field.DESTINATION: side.own}


def _called(family: Family, packets: Box) -> Iterator[Sets]:
    """Yield interfaces that packets of a dump may come by: of a pattern's rest, few exist."""
    arriving = packets.get(Field.IN_INTERFACE)
    if arriving is not None and arriving.size == 1:
        return
    out = packets.get(Field.OUT_INTERFACE)
    ways = [interface(name) for name in _names(family, packets)]
    for way in sorted(ways, key=lambda way: way == out):
        yield {Field.IN_INTERFACE: way}


def _ways_out(packets: Box, known: Sides) -> Iterator[Sets]:
    if packets.get(Field.OUT_INTERFACE) is None:
        return
    for side in (*known.outside, *known.inside):
        there = known.abroad if side.is_outside else side.hosts
        if there:
            yield {Field.OUT_INTERFACE: side.interfaces, Field.DESTINATION: there}


def _ways_in(packets: Box, known: Sides) -> Iterator[Sets]:
    """Yield who sends: strangers before hosts inside, of packets that leave the other way round."""
    if packets.get(Field.IN_INTERFACE) == _HERE:
        yield {Field.SOURCE: known.own}
        return
    out = packets.get(Field.OUT_INTERFACE)
    is_leaving = out is not None and not out >= EVERY_INTERFACE
    strangers = [side for side in known.all if side.is_outside or not side.subnet]
    hosts = [side for side in known.all if side.hosts and side not in strangers]
    senders = [*hosts, *strangers] if is_leaving else [*strangers, *hosts]
    for side in sorted(senders, key=lambda side: _is_way_out(side, out)):
        from_there = known.abroad if side in strangers else side.hosts
        yield {Field.IN_INTERFACE: side.interfaces, Field.SOURCE: from_there}
    for side in known.outside:
        if side.hosts:
            yield {Field.IN_INTERFACE: side.interfaces, Field.SOURCE: side.hosts}


def _is_way_out(side: Side, out: IntervalSet | None) -> bool:
    return out is not None and out <= side.interfaces
