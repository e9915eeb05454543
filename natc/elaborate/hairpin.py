"""`hairpin`: the inside and the gateway reach a forwarded service by its public address.

A client inside sends to the public address; the gateway turns the destination to the server in the
client's own network.  The server would answer the client directly, from an address that the client
never asked.  So the source is translated as well, for connections that this rule translated.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Label
from natc.elaborate.arrival import (
    arriving_interfaces,
    destination,
    sees_arriving,
    sees_local,
)
from natc.elaborate.arrival import local as local_packets
from natc.elaborate.context import Context
from natc.elaborate.matching import Matched, of_family, region
from natc.elaborate.problem import Problem
from natc.elaborate.scope import Place, place_interfaces
from natc.ir.actions import Action, Balance, Dnat, Hook, Masquerade, Snat
from natc.ir.conditions import InSet
from natc.ir.fields import Field
from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from natc.ir.policy import Network, Rule
from natc.ir.space import Box, Region
from natc.source import Span


def rules(  # noqa: PLR0917 - one more than the statement has parts
    match: Matched,
    family: Family,
    ends: tuple[Dnat, ...],
    action: Dnat | Balance,
    context: Context,
    span: Span,
) -> Iterator[Rule]:
    """Yield what `hairpin` adds to a rule whose packets end at one of `ends`.

    Raises:
        Problem: NAT407 when a server lies in no subnet, NAT013 without a public address, NAT006,
            NAT011, NAT209 for what the packets inside cannot be asked.
    """
    if match.on is None and match.destination is None:
        raise Problem(
            "NAT013",
            "`hairpin` without the address that the service has outside",
            span,
            help="say `on ZONE`, or `to ADDRESS`",
        )
    if match.user is not None:
        raise Problem(
            "NAT209",
            "only packets made by the gateway have a user",
            match.clauses["user"].span,
            related=(Label(span, "this lets the clients inside in"),),
            help="leave one of them out",
        )
    if any(
        isinstance(condition, InSet) and "dst" in condition.flags
        for conditions in match.sets
        for condition in conditions
    ):
        raise Problem(
            "NAT011",
            "`hairpin` in a rule that asks an ipset about the destination",
            span,
            "the way back is matched after the destination is translated",
        )
    holders = _holders(ends, family, context, span)
    inside = IntervalSet.of(r for place in holders for r in place_interfaces(place).ranges)
    already = arriving_interfaces(match) if sees_arriving(match) else EMPTY
    if already is not None and not inside <= already:
        extra = destination(match, family) | {Field.IN_INTERFACE: inside - already}
        yield context.rule(family, Hook.PREROUTING, region(match, family, extra), action, ".inside")
    if not sees_local(match):
        yield context.rule(family, Hook.OUTPUT, local_packets(match, family), action, ".gateway")
    for place, servers in holders.items():
        back = Region(tuple(_boxes(match, family, place, servers)))
        yield context.rule(family, Hook.POSTROUTING, back, _source(place, family), _suffix(place))


def _suffix(place: Place) -> str:
    return f".hairpin-{place.name}"


def _holders(
    ends: tuple[Dnat, ...], family: Family, context: Context, span: Span
) -> dict[Place, list[Dnat]]:
    """Return the zones and networks that hold the servers, with the servers of each."""
    found: dict[Place, list[Dnat]] = {}
    for end in ends:
        place = next(
            (place for place in context.places if end.addresses <= place.subnet.of(family)), None
        )
        if place is None:
            raise Problem(
                "NAT407",
                "`hairpin`, but no zone has a subnet that holds the server",
                span,
                related=tuple(
                    Label(zone.origin, "has no subnet")
                    for zone in context.places
                    if not zone.subnet
                )[:3],
                help="add `subnet …` to the zone of the server",
            )
        found.setdefault(place, []).append(end)
    return found


def _boxes(match: Matched, family: Family, place: Place, servers: list[Dnat]) -> Iterator[Box]:
    """Yield the connections that the rule translated to `servers` and that came from inside."""
    clients = place.subnet.of(family)
    if match.source is not None:
        clients &= of_family(match.source, family)
        if not clients:
            raise Problem(
                "NAT006",
                f"`hairpin`, but `from` holds no client of `{place.name}`",
                match.clauses["from"].span,
            )
    common = {
        Field.OUT_INTERFACE: place_interfaces(place),
        Field.SOURCE: clients,
        Field.TRANSLATED: point(1),
    }
    asked = _asked_for(match, family)
    if asked is not None:
        common[Field.ORIGINAL_DESTINATION] = asked
    if match.sport is not None:
        common[Field.SOURCE_PORT] = match.sport
    services = [(None, None)] if match.services is None else list(match.services.boxes())
    taken: list[Box] = []
    for server in servers:
        for protocols, ports in services:
            sets = common | {Field.DESTINATION: server.addresses}
            if protocols is not None:
                sets[Field.PROTOCOL] = protocols
            for asked_port, port in _port_pairs(ports, server.ports):
                if asked_port is not None:
                    sets[Field.ORIGINAL_PORT] = asked_port
                if port is not None:
                    sets[Field.DESTINATION_PORT] = port
                for conditions in match.conditions:
                    part = Box.of(sets, conditions)
                    if part not in taken:
                        taken.append(part)
                        yield part


def _port_pairs(
    asked: IntervalSet | None, new: IntervalSet | None
) -> Iterator[tuple[IntervalSet | None, IntervalSet | None]]:
    """Yield ports that clients ask for with those they get, range by range where they are kept."""
    if asked is None or new is not None:
        yield asked, new
        return
    for low, high in asked.ranges:
        kept = interval(low, high)
        yield kept, kept


def _asked_for(match: Matched, family: Family) -> IntervalSet | None:
    """Return the addresses that clients asked for; None when known only at run time."""
    asked = destination(match, family).get(Field.DESTINATION)
    if match.destination is not None:
        wanted = of_family(match.destination, family)
        asked = wanted if asked is None else asked & wanted
    return asked


def _source(place: Place, family: Family) -> Action:
    """Return what hides the client from the server: the gateway's address beside it."""
    if isinstance(place, Network) or not place.dynamic:
        own = [value for kind, value in place.addresses if kind is family]
        near = [value for value in own if value in place.subnet.of(family)]
        if own:
            return Snat(point((near or own)[0]))
    return Masquerade()
