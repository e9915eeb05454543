"""The sides of the gateway, as lint rules ask for them: who lives where, and where the internet is.

A zone is *outside*, in one family, when the internet lies behind it.  A policy says so by its
rules: a source rule translates what other places send to everywhere by way of the zone.  The zones
with public or dynamic addresses of which that holds are outside.  If there are none, it is the only
zone without a subnet, when the gateway's address there is not private.  If there is none either, it
is the zone with private addresses that the rules let others out by, when there is just one: the
gateway is then behind another one.  Networks are never outside.  All other places are *inside*.

Private are the addresses of RFC 1918 and RFC 4193.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from natc.address import Family
from natc.elaborate.scope import Place, place_interfaces
from natc.ir.actions import Hook, Masquerade, Netmap, Snat
from natc.ir.fields import Field, universe
from natc.ir.intervals import EMPTY, IntervalSet, interval
from natc.ir.policy import Rule, Zone
from natc.ir.space import Box
from natc.lint.subject import Subject
from natc.record import Record, replace
from natc.simulate.site import EVERY_INTERFACE
from natc.source import Span

PRIVATE = {
    Family.IPV4: IntervalSet.of(
        [
            (10 << 24, (11 << 24) - 1),
            ((172 << 24) + (16 << 16), (172 << 24) + (32 << 16) - 1),
            ((192 << 24) + (168 << 16), (192 << 24) + (169 << 16) - 1),
        ]
    ),
    Family.IPV6: interval(0xFC << 120, (0xFE << 120) - 1),
}
"""Source: RFC 1918, RFC 4193."""

INTERNET = {
    Family.IPV4: universe(Field.SOURCE, Family.IPV4)
    - PRIVATE[Family.IPV4]
    - IntervalSet.of(
        [
            (0, (1 << 24) - 1),
            ((100 << 24) + (64 << 16), (100 << 24) + (128 << 16) - 1),
            (127 << 24, (128 << 24) - 1),
            ((169 << 24) + (254 << 16), (169 << 24) + (255 << 16) - 1),
            (224 << 24, Family.IPV4.last),
        ]
    ),
    Family.IPV6: interval(0x2 << 124, (0x4 << 124) - 1),
}
"""Addresses that hosts in the internet can have.  Source: RFC 6890, RFC 6598, RFC 4291."""

HALVES = {
    family: (every & interval(0, middle), every - interval(0, middle))
    for family, every in INTERNET.items()
    for middle in ((every.first + every.last) // 2,)
}
"""The internet in two: a few addresses that rules leave lie in one of them."""

TRANSLATING_SOURCE = (Snat, Masquerade, Netmap)
"""Actions of the source phase that translate."""


class Side(Record):
    """A zone or network, as one family sees it.

    Attributes:
        own: the gateway's addresses there, a dynamic one's stand-in included.
        subnet: the addresses that live there; empty when not declared.
        is_dynamic: whether the gateway's address is known only at run time.
    """

    place: Place
    interfaces: IntervalSet
    own: IntervalSet
    subnet: IntervalSet
    is_dynamic: bool
    is_outside: bool = False

    @property
    def name(self) -> str:
        """The zone's or network's."""
        return self.place.name

    @property
    def names(self) -> tuple[str, ...]:
        """Its interfaces, `ppp0` where only `ppp+` is said."""
        place = self.place
        names = place.interfaces if isinstance(place, Zone) else (place.bridge,)
        return tuple(f"{name[:-1]}0" if name.endswith("+") else name for name in names)

    @property
    def origin(self) -> Span:
        """Where it is declared."""
        return self.place.origin

    @property
    def hosts(self) -> IntervalSet:
        """The addresses that can be hosts there: not the gateway, the network or its broadcast."""
        ends = [
            (end, end) for low, high in self.subnet.ranges if high > low + 1 for end in (low, high)
        ]
        return self.subnet - self.own - IntervalSet.of(ends)


class Sides:
    """All sides of one gateway in one family.

    Attributes:
        own: the gateway's addresses, wherever.
    """

    def __init__(self, family: Family, all_: Iterable[Side]) -> None:
        self.family = family
        self.all = tuple(all_)
        self.outside = tuple(side for side in self.all if side.is_outside)
        self.inside = tuple(side for side in self.all if not side.is_outside)
        self.own = _union(side.own for side in self.all)
        self._own = [low for low, _ in self.own.ranges]
        self._reached: dict[str, IntervalSet] = {}
        self._homes = sorted(
            (low, high, number)
            for number, side in enumerate(self.all)
            for low, high in side.subnet.ranges
        )

    @cached_property
    def abroad(self) -> IntervalSet:
        """The addresses of the internet: public ones, none of which is declared."""
        return INTERNET[self.family] - self.inhabited

    @cached_property
    def outside_interfaces(self) -> IntervalSet:
        """The interfaces of all outside zones."""
        return _union(side.interfaces for side in self.outside)

    @cached_property
    def inhabited(self) -> IntervalSet:
        """The addresses of the gateway and those that live anywhere."""
        return self.own | _union(side.subnet for side in self.all)

    def holder(self, addresses: IntervalSet) -> Side | None:
        """Return the side whose subnet holds all of `addresses`, which must not be empty."""
        place = bisect_right(self._homes, (addresses.first, 1 << 129, 0)) - 1
        if place >= 0:
            low, high, number = self._homes[place]
            if low <= addresses.first and addresses.last <= high:
                return self.all[number]
        return next((side for side in self.all if addresses <= side.subnet), None)

    def owns_one_of(self, addresses: IntervalSet) -> bool:
        """Whether one of `addresses` is the gateway's."""
        if addresses.first != addresses.last:
            return bool(addresses & self.own)
        place = bisect_right(self._own, addresses.first) - 1  # Asked for every rule.
        return place >= 0 and addresses.first <= self.own.ranges[place][1]

    def reached_from(self, side: Side) -> IntervalSet:
        """Return the addresses for which hosts of a side send packets to the gateway."""
        if side.name not in self._reached:
            others = [other.subnet for other in self.all if other is not side]
            self._reached[side.name] = _union([self.own, *others])
        return self._reached[side.name]

    def answered_on(self, side: Side) -> IntervalSet:
        """Return the addresses of the gateway to which hosts of a side can answer."""
        if not side.is_outside:
            return self.own
        return side.own | self.routed

    @cached_property
    def routed(self) -> IntervalSet:
        """The gateway's public addresses on inside interfaces, which must be routed here."""
        return _union(side.own for side in self.inside) - PRIVATE[self.family]

    def by(self, interfaces: IntervalSet | None) -> Iterator[Side]:
        """Yield the sides that have one of `interfaces`; None is all."""
        for side in self.all:
            if interfaces is None or side.interfaces & interfaces:
                yield side


@lru_cache(maxsize=1)  # Several lint rules ask, one after another.
def sides(subject: Subject) -> dict[Family, Sides]:
    """Return the sides of a policy's gateway in each family that it translates; none for a dump."""
    if subject.is_dump:
        return {}
    return {family: Sides(family, _sides(subject, family)) for family in subject.policy.families}


def is_wide(values: IntervalSet | None, family: Family) -> bool:
    """Whether addresses are more than half of all, such as `not 10.0.0.0/8`; None is all."""
    return values is None or values.size > family.last // 2


def is_open(interfaces: IntervalSet | None) -> bool:
    """Whether interfaces are nearly all, such as `not docker0`; None is all."""
    return interfaces is None or interfaces.size > EVERY_INTERFACE.size // 2


def _sides(subject: Subject, family: Family) -> Iterator[Side]:
    places: list[Place] = [*subject.policy.zones, *subject.policy.networks]
    plain = [
        Side(
            place,
            place_interfaces(place),
            IntervalSet.of((value, value) for kind, value in place.addresses if kind is family),
            place.subnet.of(family),
            isinstance(place, Zone) and place.dynamic,
        )
        for place in places
    ]
    outside = _outside(plain, subject.rules.get((family, Hook.POSTROUTING), ()), family)
    for side in plain:
        yield replace(side, is_outside=True) if side in outside else side


def _outside(all_: list[Side], rules: Iterable[Rule], family: Family) -> list[Side]:
    zones = [side for side in all_ if isinstance(side.place, Zone)]
    found = _ways_out(zones, _union(side.subnet for side in all_), rules, family)
    public = [zone for zone in found if not _is_private(zone, family)]
    if public:
        return public
    alone = [zone for zone in zones if not zone.subnet]
    if len(alone) == 1 and alone[0].own and not _is_private(alone[0], family):
        return alone
    return found if len(found) == 1 else []


def _is_private(side: Side, family: Family) -> bool:
    known = side.subnet if side.is_dynamic else side.subnet | side.own
    return bool(known & PRIVATE[family])


def _ways_out(
    zones: list[Side], homes: IntervalSet, rules: Iterable[Rule], family: Family
) -> list[Side]:
    """Return the zones by which source rules let other places out to everywhere."""
    found: list[Side] = []
    every = _union(zone.interfaces for zone in zones)
    asked: dict[IntervalSet | None, list[Side]] = {}
    for rule in rules:
        if not isinstance(rule.action, TRANSLATING_SOURCE):
            continue
        for box in rule.match.boxes:
            out = box.sets[Field.OUT_INTERFACE]
            open_ = asked.get(out)
            if open_ is None:
                open_ = asked[out] = [z for z in zones if out is None or z.interfaces <= out]
            if not open_ or not is_wide(box.sets[Field.DESTINATION], family):
                continue
            if box.sets[Field.SOURCE] is None and (out is None or not out <= every):
                continue  # It does not say which places.
            for zone in [zone for zone in open_ if _lets_out(box, zone, homes, family)]:
                open_.remove(zone)
                found.append(zone)
    return [zone for zone in zones if zone in found]


def _lets_out(box: Box, zone: Side, homes: IntervalSet, family: Family) -> bool:
    """Whether a source rule that leaves by `zone` is for hosts of other places."""
    source, out = box.sets[Field.SOURCE], box.sets[Field.OUT_INTERFACE]
    if box.sets[Field.TRANSLATED] is not None:
        return False
    if source is None:
        return True
    if source & zone.subnet:
        return False
    is_public = not _is_private(zone, family)
    if not source <= homes:  # Whoever they are, they are to leave by an address of the internet.
        is_said = out is not None and out <= zone.interfaces
        return is_said and is_public and bool(zone.own) and source <= PRIVATE[family]
    return source <= PRIVATE[family] or is_public


def _union(sets: Iterable[IntervalSet]) -> IntervalSet:
    ranges = [range_ for values in sets for range_ in values.ranges]
    return IntervalSet.of(ranges) if ranges else EMPTY
