"""The most ordinary of some packets: what a witness is chosen of, where its finding leaves it open.

Where a policy tells who lives where, a host sends by its own interface, and strangers come from
outside; of protocols and ports, the best known.
"""

from collections.abc import Callable, Iterator, Mapping

from natc.address import Family
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, point
from natc.ir.space import Box
from natc.lint.sides import PRIVATE, Side, Sides, sides
from natc.lint.subject import Subject
from natc.packet import PROTOCOLS, Packet
from natc.simulate.sample import DOCUMENTATION, sample
from natc.simulate.site import EVERY_INTERFACE

INSIDE_NAMES = ("eth1", "lan0")
"""What an interface inside is called where nothing else is known."""

Sets = Mapping[Field, IntervalSet]

_HERE = point(0)
"""The way in of what the gateway sends itself."""

_TCP, _UDP = ({Field.PROTOCOL: point(PROTOCOLS[name])} for name in ("tcp", "udp"))

_KINDS: tuple[tuple[Sets, ...], ...] = (
    (*({**_TCP, Field.DESTINATION_PORT: point(port)} for port in (80, 443)), _TCP, _UDP),
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
    source = found.get(Field.SOURCE)
    if not subject.is_dump:
        names = [name for side in sides(subject)[family].all for name in side.names]
    elif source is not None and source <= PRIVATE[family]:
        names = [*INSIDE_NAMES]
    else:
        names = []
    return sample(found, family, names)


def _preferences(subject: Subject, family: Family, packets: Box) -> Iterator[tuple[Sets, ...]]:
    """Yield choices, the better ones first; of each at most one is made."""
    known = sides(subject).get(family)
    if known is not None:
        if packets.get(Field.LOCAL_DESTINATION) == point(1):
            yield ({Field.DESTINATION: known.own},)
        yield tuple(_ways_out(packets, known))
        yield tuple(_ways_in(packets, known))
    yield from _KINDS
    yield tuple({Field.DESTINATION: values} for values in DOCUMENTATION[family])


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
