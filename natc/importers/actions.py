"""What kernel rules do, in the forms that statements have.

The kernel's targets say more than the language: ranges of ports to ranges, offsets from any base.
Some of that is, for the packets of one rule, the same as something plainer.
"""

from collections.abc import Iterator

from natc.importers.chains import Decision
from natc.importers.remarks import Unsayable
from natc.ir.actions import Dnat, Netmap, PortChoice, Redirect, Side, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.space import Box
from natc.packet import PORT_PROTOCOLS
from natc.record import replace

MOST_PORTS = 16
"""Statements that one rule may become."""

_PORTED = IntervalSet.of((number, number) for number in PORT_PROTOCOLS)
_EVERY_PORT = interval(0, 65535)


def plain(decision: Decision) -> Iterator[Decision]:
    """Yield decisions that do the same, each with an action that a statement may have.

    Raises:
        Unsayable: there are too many.
    """
    match decision.action:
        case Redirect() as action if _has_ports(decision):
            yield from _redirect(decision, action)
        case Dnat(_, ports, shift, _, choice) as action:
            if ports is None and choice is PortChoice.FULLY:
                action = replace(action, port_choice=PortChoice.KEEP)
            if ports is None or not _has_ports(decision):
                yield replace(decision, action=action)
            elif shift is not None:
                yield from _shifted(decision, action, ports, shift)
            elif choice is PortChoice.KEEP and ports.size > 1 and _asked(decision).size > 1:
                yield from _kept_or_first(decision, action, ports)
            else:
                yield decision
        case Netmap(side, network) if network.size == 1:
            yield replace(decision, action=_of_host(side, network))
        case _:
            yield decision


def _has_ports(decision: Decision) -> bool:
    protocols = decision.box.get(Field.PROTOCOL)
    return protocols is not None and protocols <= _PORTED


def _of_host(side: Side, network: IntervalSet) -> Dnat | Snat:
    return Dnat(network) if side is Side.DESTINATION else Snat(network)


def _asked(decision: Decision) -> IntervalSet:
    """Return the ports that packets of a decision ask for."""
    return decision.box.get(Field.DESTINATION_PORT) or _EVERY_PORT


def _for_ports(decision: Decision, ports: IntervalSet) -> Decision | None:
    """Return the part of a decision for some ports; None is none."""
    box = decision.box & Box.of({Field.DESTINATION_PORT: ports})
    return None if box is None else replace(decision, box=box)


def _kept_or_first(
    decision: Decision, action: Dnat | Redirect, ports: IntervalSet
) -> Iterator[Decision]:
    """Yield what a range of ports does: a port in it is kept, others become its first.

    The first of them that is free, to be exact: where a connection from the same port of the same
    client has it already, the next one.
    """
    inside = _for_ports(decision, ports)
    if inside is not None:
        yield replace(inside, action=replace(action, ports=None))
    outside = _for_ports(decision, _EVERY_PORT - ports)
    if outside is not None:
        yield replace(outside, action=replace(action, ports=point(ports.first)))


def _redirect(decision: Decision, action: Redirect) -> Iterator[Decision]:
    """Yield what REDIRECT does port by port, since a proxy listens on one."""
    if action.ports is None:
        asked = _asked(decision)
        if asked.size > MOST_PORTS:
            raise Unsayable("`transparent-proxy` sends to one port, not to each port's own")
        for low, high in asked.ranges:
            for port in range(low, high + 1):
                part = _for_ports(decision, point(port))
                if part is not None:
                    yield replace(part, action=Redirect(point(port)))
    elif action.port_choice is PortChoice.KEEP and action.ports.size > 1:
        for part in _kept_or_first(decision, action, action.ports):
            yield from plain(part)
    else:
        yield decision


def _shifted(decision: Decision, action: Dnat, ports: IntervalSet, base: int) -> Iterator[Decision]:
    """Yield what an offset does to each range of ports that it does not wrap round in."""
    pieces = list(_windows(_asked(decision), base, ports))
    if len(pieces) > MOST_PORTS:
        raise Unsayable("a `shift` of more ports than its target has, round and round")
    for low, high, first in pieces:
        part = _for_ports(decision, interval(low, high))
        if part is not None:
            new: IntervalSet | None = interval(first, first + high - low)
            shift = low
            if first == low:
                yield replace(part, action=replace(action, ports=None, shift_from=None))
            elif low == high:
                yield replace(part, action=replace(action, ports=new, shift_from=None))
            else:
                yield replace(part, action=replace(action, ports=new, shift_from=shift))


def _windows(asked: IntervalSet, base: int, ports: IntervalSet) -> Iterator[tuple[int, int, int]]:
    """Yield ranges of ports with the first of those that they become, at most one too many."""
    size, count = ports.size, 0
    for low, high in asked.ranges:
        start = low
        while start <= high and count <= MOST_PORTS:
            offset = (start - base) % size
            end = min(high, start + size - 1 - offset)
            yield start, end, ports.first + offset
            start, count = end + 1, count + 1
