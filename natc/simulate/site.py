"""What is known of the gateway: its addresses, and which way packets leave."""

from collections.abc import Iterable, Iterator

from natc.address import Family
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from natc.ir.policy import Network, Policy, Zone
from natc.ir.space import Box
from natc.record import Record

LOOPBACK = {Family.IPV4: point((127 << 24) + 1), Family.IPV6: point(1)}
"""The address that REDIRECT gives to the gateway's own packets."""

LOOPBACK_NET = {Family.IPV4: interval(127 << 24, (128 << 24) - 1), Family.IPV6: point(1)}

EVERY_INTERFACE = universe(Field.OUT_INTERFACE, Family.IPV4) - point(0)
"""Every name an interface can have."""


class Site(Record):
    """The surroundings of a rule set, for one family.

    Attributes:
        own: the gateway's addresses; None when they are not known.
        routes: destinations and the interfaces towards them; the first that fits counts.
        primaries: interfaces and the addresses that MASQUERADE and REDIRECT may take there: the
            first in IPv4; in IPv6 one that suits the destination, or the one added last.
    """

    own: IntervalSet | None = None
    routes: tuple[tuple[IntervalSet, IntervalSet], ...] = ()
    primaries: tuple[tuple[IntervalSet, IntervalSet], ...] = ()

    def address_of(self, interfaces: IntervalSet, family: Family) -> IntervalSet:
        """Return what MASQUERADE and REDIRECT may take on `interfaces`; any, if that is unknown."""
        if interfaces == interface("lo"):
            return LOOPBACK[family]
        known = EMPTY
        found: list[tuple[int, int]] = []
        for names, own in self.primaries:
            here = names & interfaces
            if here - known:
                known |= here
                found += own.ranges
        return IntervalSet.of(found) if interfaces <= known else universe(Field.SOURCE, family)


def by_destination(packets: Iterable[Box], family: Family, site: Site) -> Iterator[Box]:
    """Yield packets by their destination, where that tells which are for the gateway itself."""
    for box in packets:
        local = box.get(Field.LOCAL_DESTINATION)
        if site.own is None or local is None:
            yield box
            continue
        there = box.get(Field.DESTINATION) or universe(Field.DESTINATION, family)
        here = there & site.own if 1 in local else EMPTY
        if 0 in local:
            here |= there - site.own
        if here:
            plain = box.having(Field.LOCAL_DESTINATION, None)
            yield plain.having(Field.DESTINATION, here)


def site_of(policy: Policy, family: Family) -> Site:
    """Return what a policy declares of its gateway, which is taken to be all there is."""
    places: tuple[Zone | Network, ...] = (*policy.zones, *policy.networks)
    own = IntervalSet.of(
        (value, value) for place in places for kind, value in place.addresses if kind is family
    )
    primaries = []
    for place in places:
        here = [(value, value) for kind, value in place.addresses if kind is family]
        if here:
            choice = here[:1] if family is Family.IPV4 else here
            primaries.append((_interfaces(place), IntervalSet.of(choice)))
    return Site(own | LOOPBACK_NET[family], tuple(_routes(places, family)), tuple(primaries))


def _routes(
    places: tuple[Zone | Network, ...], family: Family
) -> Iterator[tuple[IntervalSet, IntervalSet]]:
    """Yield narrow destinations first; a single side without a subnet is the way to all others."""
    sides = [(place.subnet.of(family), _interfaces(place)) for place in places]
    yield from sorted((side for side in sides if side[0]), key=lambda side: side[0].size)
    outside = [interfaces for subnet, interfaces in sides if not subnet]
    if len(outside) == 1:
        yield universe(Field.DESTINATION, family), outside[0]


def _interfaces(place: Zone | Network) -> IntervalSet:
    if isinstance(place, Network):
        return interface(place.bridge)
    return IntervalSet.of(r for name in place.interfaces for r in interface(name).ranges)
