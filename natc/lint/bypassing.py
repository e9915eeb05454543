"""Packets from outside to a server's own, private address, where no forward is needed."""

from collections.abc import Iterator

from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import EMPTY, IntervalSet, point
from natc.ir.policy import Network, Rule
from natc.ir.space import Box
from natc.lint.answers import untouched
from natc.lint.followed import ends
from natc.lint.forwards import forwards, restricted, servers
from natc.lint.ordinary import shown
from natc.lint.sides import PRIVATE, TRANSLATING_SOURCE, Side, Sides, is_open, is_wide, sides
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.record import replace
from natc.simulate.engine import End
from natc.simulate.single import box_of
from natc.simulate.site import EVERY_INTERFACE

Bypass = tuple[Rule, Packet]
"""A forward, and a packet to its server that needs no forward."""

_MOST_RULES = 1_000
"""Forwards of a dump that are followed."""

_KEPT = (Field.PROTOCOL, Field.SOURCE_PORT)

_NOWHERE = point(0)
"""The way out of packets that end at the machine itself."""


def in_policy(subject: Subject) -> Iterator[Bypass]:
    """Yield the first forward whose server strangers reach without it, for each outside zone."""
    for known in sides(subject).values():
        for zone in known.outside:
            found = _first(subject, known, zone)
            if found is not None:
                yield found


def _first(subject: Subject, known: Sides, zone: Side) -> Bypass | None:
    for _, rule in forwards(subject, known.family):
        for box in rule.match.boxes:
            for packets in _past(box, rule, known, zone):
                left = untouched(subject, known.family, packets)
                if left is not None:
                    left = left.having(Field.OUT_INTERFACE, None)
                    return rule, shown(subject, known.family, left)
    return None


def _past(box: Box, rule: Rule, known: Sides, zone: Side) -> Iterator[Box]:
    """Yield what comes by a zone for a rule's servers themselves, of the kind that it is for."""
    arriving = box.sets[Field.IN_INTERFACE]
    if arriving is not None and not arriving & zone.interfaces:
        return
    for server in servers(rule.action):
        side = known.holder(server.addresses)
        if side is None or side.is_outside or _is_of_another_program(side):
            continue
        kind = {field: box.sets[field] for field in _KEPT}
        kind[Field.DESTINATION_PORT] = server.ports or box.sets[Field.DESTINATION_PORT]
        packets = restricted(
            Box.of({field: values for field, values in kind.items() if values is not None}),
            {
                Field.IN_INTERFACE: zone.interfaces,
                Field.OUT_INTERFACE: side.interfaces,
                Field.SOURCE: zone.hosts or known.abroad,
                Field.DESTINATION: (server.addresses & PRIVATE[known.family]) - known.own,
                Field.USER: point(NO_USER),
            },
        )
        if packets is not None:
            yield packets


def _is_of_another_program(side: Side) -> bool:
    return isinstance(side.place, Network) and side.place.owner is not None


def in_dump(subject: Subject) -> Iterator[Bypass]:
    """Yield the forwards whose servers strangers certainly reach without them."""
    for ruleset in subject.rulesets:
        family = ruleset.family
        outside = _ways_out(subject, family)
        if not outside or all(table.name != "filter" for table in ruleset.tables):
            continue
        turning = list(_arriving(subject, family, outside))
        if len(turning) > _MOST_RULES:
            subject.doubt("whether the filter table guards the servers of so many forwards")
        for rule, box in turning[:_MOST_RULES]:
            packet = _unguarded(subject, rule, box)
            if packet is not None:
                yield rule, packet


def _ways_out(subject: Subject, family: Family) -> IntervalSet:
    """Return the interfaces by which source rules let private addresses out to everywhere."""
    found = EMPTY
    for rule in subject.rules.get((family, Hook.POSTROUTING), ()):
        for box in rule.match.boxes if isinstance(rule.action, TRANSLATING_SOURCE) else ():
            out, source = box.sets[Field.OUT_INTERFACE], box.sets[Field.SOURCE]
            if out is None or is_open(out) or box.sets[Field.TRANSLATED] is not None:
                continue
            if not is_wide(box.sets[Field.DESTINATION], family):
                continue
            if source is None or source <= PRIVATE[family]:
                found |= out
    return found


def _arriving(subject: Subject, family: Family, outside: IntervalSet) -> Iterator[tuple[Rule, Box]]:
    """Yield the forwards with what comes to them by an interface outside."""
    for position, rule in forwards(subject, family):
        for box in subject.lists[family, Hook.PREROUTING].boxes[position] or ():
            came = restricted(box, {Field.IN_INTERFACE: outside})
            if came is not None:
                yield rule, came


def _unguarded(subject: Subject, rule: Rule, box: Box) -> Packet | None:
    """Return a packet to the server itself that passes wherever forwarded ones may; else None.

    By which interface they leave is not known, so it has to pass by all by which those can, and
    whatever opaque matches say.
    """
    packet = shown(subject, rule.family, box)
    served = [
        end
        for end in ends(subject, rule.family, box_of(packet))
        if _leaves(end) and any(step.rule is rule for step in end.way.steps)
    ]
    to = served[0].way.now(Field.DESTINATION) if served else EMPTY
    if not to or not to <= PRIVATE[rule.family]:
        return None
    straight = replace(packet, destination=to.first)
    if packet.destination_port is not None:
        port = served[0].way.now(Field.DESTINATION_PORT).first
        straight = replace(straight, destination_port=port)
    passing, held = EMPTY, EMPTY
    alone = box_of(straight).having(Field.LOCAL_DESTINATION, point(0))  # The server is no gateway.
    for end in ends(subject, rule.family, alone):
        if _leaves(end) and Field.DESTINATION not in end.way.moved:
            passing |= _way_out(end)
        else:
            held |= _way_out(end)
    needed = IntervalSet.of(range_ for end in served for range_ in _way_out(end).ranges)
    return straight if needed <= passing - held else None


def _leaves(end: End) -> bool:
    return end.verdict == "accepted" and _way_out(end) != _NOWHERE


def _way_out(end: End) -> IntervalSet:
    return end.way.packets.get(Field.OUT_INTERFACE) or EVERY_INTERFACE
