"""What becomes of one packet and why, told to people: every way, station by station.

foretell   the kernel's choices that the packet decides
engine     finds the ways in which it can end
paths      puts those to one end together, and says what each end depends on
stations   tells one way, `events` each hook on it, `effects` what a rule does there
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import Literal

from natc.address import Family, text_of
from natc.ir.actions import Hook
from natc.ir.fields import Field, interface, interface_number
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.effects import destination_of, sides_of, source_of
from natc.simulate.engine import OWN_UNKNOWN, ROUTE_UNKNOWN, UNTRACKED, End, Engine
from natc.simulate.events import Event, Scene
from natc.simulate.foretell import Foretold, with_source
from natc.simulate.layout import Layout, layout_of
from natc.simulate.paths import Group, groups, is_about_addresses, said
from natc.simulate.single import box_of
from natc.simulate.site import LOOPBACK_NET, Site, site_of
from natc.simulate.spelling import Side
from natc.simulate.stations import OVER_LOOPBACK, events, leaving_by

MOST_WAYS = 2000
"""Ways that are looked at; a packet that can end in more is told in part."""

MULTICAST = {
    Family.IPV4: interval(224 << 24, Family.IPV4.last),
    Family.IPV6: interval(0xFF << 120, Family.IPV6.last),
}
"""Destinations that nobody answers for, with the reserved ones and broadcast."""

Verdict = Literal["forwarded", "delivered", "proxied", "dropped", "unknown"]

Unknown = Literal["addresses", "way out"]


class Ending(Record):
    """Where a packet ends.

    Attributes:
        out: the interfaces by which it may leave; None where it does not.
        source, destination: at the end.
        is_tracked: whether replies are translated back.
        is_answered: whether there can be a reply at all, which multicast and broadcast have not.
        shared: the zone that holds both ends, so that the reply goes past the gateway; empty where
            it comes back.
    """

    verdict: Verdict
    out: IntervalSet | None
    source: Side
    destination: Side
    is_tracked: bool = True
    is_answered: bool = True
    shared: str = ""


class Alternative(Record):
    """One way in which the packet can end.

    Attributes:
        cases: what must hold for it, in words: all of one case.  An empty case holds always, or is
            the kernel's choice.
        chance: its part of all connections; None is not known.
        notes: what else there is to know.
    """

    ending: Ending
    events: tuple[Event, ...]
    cases: tuple[tuple[str, ...], ...]
    chance: Fraction | None
    notes: tuple[str, ...] = ()


class Story(Record):
    """All that can become of a packet.

    Attributes:
        source, destination: of the packet as it comes.
        is_whole: whether these are all alternatives.
        unknown: what natc would have to know of the gateway for fewer alternatives.
        notes: what holds for all of them.
    """

    packet: Packet
    source: Side
    destination: Side
    alternatives: tuple[Alternative, ...]
    is_whole: bool = True
    unknown: frozenset[Unknown] = frozenset()
    notes: tuple[str, ...] = ()


def tell(
    policy: Policy, packet: Packet, site: Site | None = None, layout: Layout | None = None
) -> Story:
    """Return what becomes of the first packet of a connection, and by which rules.

    Exact, but for what natc cannot see: that is a condition of an alternative.  Assumes that no
    other connection holds what the kernel would choose.

    Args:
        site: what is known of the gateway; None takes what the policy declares.
        layout: of the rules; None for a policy.
    """
    family = packet.family
    known = site_of(policy, family) if site is None else site
    foretold = Foretold(policy, packet, known)
    engine = Engine(foretold.policy, family, known)
    found = list(islice(engine.ends(box_of(packet)), MOST_WAYS + 1))
    ends = [replace(end, way=with_source(end.way, family, packet)) for end in found[:MOST_WAYS]]
    scene = Scene(policy, packet, layout or layout_of(policy, family), foretold)
    ways = groups(packet, ends)
    alternatives = tuple(_alternative(scene, group) for group in ways)
    return Story(
        packet,
        *sides_of(packet),
        alternatives,
        len(found) <= MOST_WAYS,
        frozenset(_unknown(ways)),
        tuple(_notes(policy, packet, alternatives)),
    )


def _unknown(ways: Iterable[Group]) -> Iterator[Unknown]:
    for case in (case for group in ways for case in group.cases):
        if case.leaving is not None:
            yield "way out"
        if any(is_about_addresses(condition) for condition in case.conditions):
            yield "addresses"


def _alternative(scene: Scene, group: Group) -> Alternative:
    chances = {case.chance for case in group.cases}
    is_even = len(chances) == 1
    ending = _ending(scene, group)
    return Alternative(
        ending,
        events(scene, group),
        tuple(tuple(said(case, scene.packet, drawn=not is_even)) for case in group.cases),
        chances.pop() if is_even else None,
        tuple(_ending_notes(scene, group.ends[0], ending)),
    )


def _ending(scene: Scene, group: Group) -> Ending:
    packet, end = scene.packet, group.ends[0]
    way, leaving = end.way, leaving_by(group.ends)
    out = None
    verdict: Verdict = "delivered"
    if end.verdict != "accepted":
        verdict = end.verdict
    elif end.proxy is not None:
        verdict = "proxied"
    elif not end.is_delivered and leaving != OVER_LOOPBACK:
        verdict, out = "forwarded", leaving - point(0)
    source, destination = source_of(way, packet), destination_of(way, packet)
    return Ending(
        verdict,
        out,
        source,
        destination,
        UNTRACKED not in way.noted,
        verdict not in ("dropped", "unknown")
        and not destination.addresses <= MULTICAST[packet.family],
        next(_shared(scene, end, source, destination), "") if out is not None else "",
    )


def _shared(scene: Scene, end: End, source: Side, destination: Side) -> Iterator[str]:
    """Yield the zones that hold both ends of a packet that was sent elsewhere than it asked."""
    way = end.way
    is_own = way.site.own is not None and source.addresses <= way.site.own
    if scene.packet.in_interface is None or Field.DESTINATION not in way.moved or is_own:
        return
    ends = source.addresses | destination.addresses
    for zone in scene.policy.zones:
        if zone.subnet and ends <= zone.subnet.of(scene.packet.family):
            yield zone.name


# What else there is to know.


def _ending_notes(scene: Scene, end: End, ending: Ending) -> Iterator[str]:
    way, packet = end.way, scene.packet
    yield from (doubt for doubt in way.doubts if doubt not in (OWN_UNKNOWN, ROUTE_UNKNOWN))
    if end.verdict != "accepted" or packet.in_interface is None:
        return
    family = packet.family
    if Field.DESTINATION in way.moved and ending.destination.addresses <= LOOPBACK_NET[family]:
        if family is Family.IPV4:
            setting = f"net.ipv4.conf.{packet.in_interface}.route_localnet"
            yield f"the kernel drops it unless {setting} is 1"
        else:
            yield "the kernel does not deliver to ::1 what comes from outside"
    if ending.shared:
        yield f"{ending.shared} holds both ends, so the reply goes past the gateway, untranslated"


def _notes(policy: Policy, packet: Packet, alternatives: Sequence[Alternative]) -> Iterator[str]:
    shown = {packet.source, packet.destination}
    for alternative in alternatives:
        for end in (alternative.ending.source, alternative.ending.destination):
            if end.addresses.size == 1:
                shown.add(end.addresses.first)
    for zone in policy.zones:
        for kind, value in zone.addresses if zone.dynamic else ():
            if kind is packet.family and value in shown:
                text = text_of(kind, value)
                yield f"{text} stands for the address of {zone.name}, which only the kernel knows"
    if policy.zones and packet.in_interface is not None:
        number = interface_number(packet.in_interface)
        names = [name for zone in policy.zones for name in zone.interfaces]
        names += [network.bridge for network in policy.networks]
        if not any(number in interface(name) for name in names):
            yield f"{packet.in_interface} is in no zone of the policy"
    if packet.in_interface is None and packet.user is None and _asks_for_users(policy):
        yield "no `user` is said: taken for one that no rule names"


def _asks_for_users(policy: Policy) -> bool:
    hooks = (Hook.OUTPUT, Hook.POSTROUTING, Hook.FILTER_OUTPUT, Hook.MANGLE_OUTPUT)
    return any(
        box.get(Field.USER) is not None
        for rule in policy.rules
        if rule.hook in hooks
        for box in rule.match.boxes
    )
