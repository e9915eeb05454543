"""What natc takes for known of the network around a running gateway.

The kernel knows the gateway's addresses and its way to every destination, so a plan need not rely
on what a policy says of them.  By which interface a source's packets come is not known to it: that
is what the zones' subnets are for.
"""

from natc.address import Family
from natc.host.doctor.facts import Facts
from natc.ir.fields import interface
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.policy import Network, Policy, Zone
from natc.record import Record, replace
from natc.simulate.site import EVERY_INTERFACE, Site, site_of
from natc.targets.iptables.companion import ROUTING_TABLE

_LOCAL = frozenset({"local", "broadcast", "multicast", "anycast"})
_USUAL_TABLES = frozenset({"local", "main", "default", str(ROUTING_TABLE)})


class Surroundings(Record):
    """The gateway's network in one family.

    Attributes:
        sides: addresses that live somewhere, and the interfaces by which their packets come.
        open: the interfaces of all others.
    """

    family: Family
    site: Site
    sides: tuple[tuple[IntervalSet, IntervalSet], ...]
    open: IntervalSet

    def ways_in(self, source: int) -> IntervalSet:
        """Return the interfaces by which packets of a source can come."""
        found = EMPTY
        for addresses, interfaces in self.sides:
            if source in addresses:
                found |= interfaces
        return found or self.open


def surroundings(policy: Policy, facts: Facts, family: Family) -> Surroundings:
    """Return what is known, of the kernel first and of the policy where that says nothing."""
    declared = site_of(policy, family)
    own = facts.own(family)
    primaries = tuple(
        (interface(link.name), IntervalSet.of((value, value) for _, value in here))
        for link in facts.links
        if (here := [each for each in link.addresses if each[0] is family])
    )
    site = Site(
        (declared.own or EMPTY) | own,
        _routes(facts, family) if facts.rules else declared.routes,
        (*primaries, *declared.primaries),
    )
    sides = tuple(_sides(policy, facts, family))
    closed = EMPTY
    places: tuple[Zone | Network, ...] = (*policy.zones, *policy.networks)
    for place in places:
        if place.subnet.of(family):
            closed |= _interfaces(place)
    return Surroundings(family, site, sides, EVERY_INTERFACE - closed - interface("lo"))


def _routes(facts: Facts, family: Family) -> tuple[tuple[IntervalSet, IntervalSet], ...]:
    """Return destinations and the interfaces towards them; none where more than they decides."""
    rules = [rule for rule in facts.rules if rule.family is family]
    if any(not rule.is_plain or rule.table not in _USUAL_TABLES for rule in rules):
        return ()
    found: dict[IntervalSet, IntervalSet] = {}
    for route in facts.routes:
        if route.family is family and route.table == "main" and route.kind not in _LOCAL:
            names = IntervalSet.of(r for name in route.devices for r in interface(name).ranges)
            if names:
                found[route.destination] = found.get(route.destination, EMPTY) | names
    return tuple(sorted(found.items(), key=lambda pair: pair[0].size))


def _sides(policy: Policy, facts: Facts, family: Family) -> "list[tuple[IntervalSet, IntervalSet]]":
    """Return the zones' subnets, and the networks of interfaces that are in no zone."""
    places: tuple[Zone | Network, ...] = (*policy.zones, *policy.networks)
    sides = [(place.subnet.of(family), _interfaces(place)) for place in places]
    zoned = EMPTY
    for place in places:
        zoned |= _interfaces(place)
    for destination, interfaces in _routes(facts, family):
        if destination.size <= family.last and interfaces and not interfaces & zoned:
            sides.append((destination, interfaces))
    return [side for side in sides if side[0]]


def _interfaces(place: Zone | Network) -> IntervalSet:
    if isinstance(place, Network):
        return interface(place.bridge)
    return IntervalSet.of(r for name in place.interfaces for r in interface(name).ranges)


def unrouted(around: Surroundings) -> Site:
    """Return what is known without the routes, for questions about all packets."""
    return replace(around.site, routes=(), primaries=())
