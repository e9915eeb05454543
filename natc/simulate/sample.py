"""One packet of a set: the witness of a finding, chosen so that people and probes can use it."""

from collections.abc import Iterable, Iterator

from natc.address import Family
from natc.ir.conditions import EVERY_BIT, Condition, Mark, can_hold
from natc.ir.fields import (
    INTERFACE_BYTES,
    NO_USER,
    Field,
    interface_number,
    universe,
    user_text,
)
from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from natc.ir.space import Box
from natc.packet import PORT_PROTOCOLS, PROTOCOLS, Packet
from natc.simulate.site import EVERY_INTERFACE, Site

_PROTOCOLS = tuple(PROTOCOLS[name] for name in ("tcp", "udp", "icmp", "sctp", "esp", "gre"))
_PORTS = {Field.SOURCE_PORT: (40000, 1024), Field.DESTINATION_PORT: (80, 443)}
DOCUMENTATION = {
    Family.IPV4: (
        interval(0xC6336407, 0xC63364FE),  # 198.51.100.7 and on
        interval(0xCB007107, 0xCB0071FE),  # 203.0.113.7 and on
        interval(0xC0000207, 0xC00002FE),  # 192.0.2.7 and on
    ),
    Family.IPV6: (interval((0x20010DB8 << 96) + 7, (0x20010DB8 << 96) + 0xFFFF),),
}
"""Documentation addresses, taken where the set leaves it open.  Source: RFC 5737, RFC 3849."""

_NO_SENDERS = {
    Family.IPV4: IntervalSet(
        ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, Family.IPV4.last))
    ),
    Family.IPV6: IntervalSet(((0, 1), (0xFF << 120, Family.IPV6.last))),
}
"""Addresses that no ordinary packet has: unspecified, loopback, multicast, reserved."""

INTERFACES = ("eth0", "eth1", "eth2", "lan0", "wan0")
"""Interfaces that a gateway is likely to have."""


def sample(
    packets: Box, family: Family, interfaces: Iterable[str] = (), site: Site | None = None
) -> Packet:
    """Return a packet of `packets`, the same each time.

    Args:
        interfaces: names to prefer.
        site: where hosts live; a host sends by the interface of its network, where that is open.
    """
    site = site or Site()
    names = (*interfaces, *INTERFACES)
    protocol = _protocol(packets)
    has_ports = protocol in PORT_PROTOCOLS
    leaving = packets.get(Field.OUT_INTERFACE)
    if leaving is not None and leaving >= EVERY_INTERFACE:
        leaving = None
    leaves_by = None if leaving is None else _interface(leaving, names)
    # What leaves mostly came by another interface.
    ways = sorted(names, key=lambda name: name == leaves_by)
    source = _address(packets, Field.SOURCE, family, site)
    arriving = packets.get(Field.IN_INTERFACE)
    at_home = home(source, site)
    if arriving is not None:
        at_home &= arriving
    if at_home:
        arriving = at_home
    came_by = ways[0] if arriving is None else _interface(arriving, ways)
    user = packets.get(Field.USER)
    return Packet(
        family,
        protocol,
        source,
        _port(packets, Field.SOURCE_PORT) if has_ports else None,
        _destination(packets, family, source, site),
        _port(packets, Field.DESTINATION_PORT) if has_ports else None,
        came_by,
        leaves_by,
        _mark(packets.conditions),
        _user(user) if came_by is None and user is not None else None,
    )


def _protocol(packets: Box) -> int:
    values = packets.get(Field.PROTOCOL)
    if values is None:
        return _PROTOCOLS[0]
    wants_ports = any(packets.get(field) is not None for field in _PORTS)
    for number in _PROTOCOLS:
        if number in values and (number in PORT_PROTOCOLS or not wants_ports):
            return number
    return values.first


def home(address: int, site: Site) -> IntervalSet:
    """Return the interfaces behind which an address lives; none where that is not known."""
    return next((names for there, names in site.routes if address in there), EMPTY)


def edges(site: Site) -> IntervalSet:
    """Return the first and last addresses of the networks: no hosts have them."""
    return IntervalSet.of(
        (edge, edge)
        for there, _ in site.routes
        for low, high in there.ranges
        if high > low + 1
        for edge in (low, high)
    )


def _address(packets: Box, field: Field, family: Family, site: Site) -> int:
    values = packets.get(field)
    if values is None:
        values = universe(field, family)
    found = _usual(values, field, family)
    if found in edges(site):
        hosts = values - edges(site) - (site.own or EMPTY)
        return _usual(hosts, field, family) if hosts else found
    return found


def _usual(values: IntervalSet, field: Field, family: Family) -> int:
    ordinary = values - _NO_SENDERS[family]
    for preferred in DOCUMENTATION[family]:
        if both := ordinary & preferred:
            return both.first + (field is Field.DESTINATION and both.size > 1)
    if not ordinary:
        return values.first
    # The first address of a network is rarely a host's.
    low, high = ordinary.ranges[0]
    return low + 2 if high - low >= 3 and not low & 1 else low


def _destination(packets: Box, family: Family, source: int, site: Site) -> int:
    """Return an address that is not the sender's, if there is another."""
    values = packets.get(Field.DESTINATION)
    found = _address(packets, Field.DESTINATION, family, site)
    if found != source or values is None or values.size == 1:
        return found
    above = values & interval(source, family.last)
    others = (above if above.size > 1 else values) - point(source)
    return others.first


def _port(packets: Box, field: Field) -> int:
    values = packets.get(field)
    if values is None:
        return _PORTS[field][0]
    for port in _PORTS[field]:
        if port in values:
            return port
    usable = values - point(0)
    return usable.first if usable else 0


def _interface(values: IntervalSet, names: Iterable[str]) -> str | None:
    """Return a name in `values`; None is no interface."""
    for name in names:
        if interface_number(name) in values:
            return name
    for name in _names_in(values - point(0)):
        return name
    return None


def _names_in(values: IntervalSet) -> Iterator[str]:
    """Yield printable names."""
    for low, high in values.ranges:
        for number in (low, high):
            raw = number.to_bytes(INTERFACE_BYTES, "big").rstrip(b"\0")
            numbered = (b"", b"0", b"x") if raw[-1:].isdigit() else (b"0", b"", b"x")
            for length in range(len(raw), 0, -1):
                for ending in numbered:
                    made = raw[:length] + ending
                    if len(made) > INTERFACE_BYTES or not made.isascii():
                        continue
                    name = made.decode()
                    if name.isalnum() and interface_number(name) in values:
                        yield name
    for first in "abcdefghijklmnopqrstuvwxyz0123456789":
        for rest in ("", "0", "th9"):
            if interface_number(first + rest) in values:
                yield first + rest


def _user(values: IntervalSet) -> str | None:
    """Return a user in `values`, one with a number before one with a name."""
    named = values - point(NO_USER)
    if not named or NO_USER in values:
        return None
    for low, _ in named.ranges:
        try:
            return user_text(low)
        except UnicodeDecodeError:
            continue
    return None


def _mark(conditions: Iterable[Condition]) -> int:
    """Return the smallest mark, or nearly, that satisfies the conditions."""
    marks: list[Condition] = [c for c in conditions if isinstance(c, Mark)]
    if not marks:
        return 0
    value = 0
    for bit in (1 << index for index in reversed(range(32))):
        low = Mark(value, EVERY_BIT & ~(bit - 1))
        if not can_hold((*marks, low)):
            value |= bit
    return value
