"""Packets from a network to itself, which a source rule takes without naming them."""

from collections.abc import Iterator

from natc.ir.actions import Accept, Hook, Masquerade, Return, Snat
from natc.ir.fields import Field, interface
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.answers import sent_out
from natc.lint.followed import coming_to
from natc.lint.forwards import is_plain, meeting, restricted
from natc.lint.sides import PRIVATE, Sides, is_open, is_wide
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.simulate.site import EVERY_INTERFACE

GIVING_ADDRESSES = (Masquerade, Snat)
"""Actions that give packets an address of the gateway."""

_ASKED_ABOUT_PAST = (Field.TRANSLATED, Field.ORIGINAL_DESTINATION, Field.ORIGINAL_PORT, Field.USER)
_LOOPBACK = interface("lo")

Sets = dict[Field, IntervalSet]


def staying(subject: Subject, known: Sides | None, position: int, rule: Rule) -> Iterator[Packet]:
    """Yield packets from a network to itself that the rule takes without naming them."""
    for box in subject.lists[rule.family, Hook.POSTROUTING].boxes[position] or ():
        out, to = box.sets[Field.OUT_INTERFACE], box.sets[Field.DESTINATION]
        if not is_open(out) or not is_wide(to, rule.family) or not is_plain(box):
            continue
        if any(box.sets[field] is not None for field in _ASKED_ABOUT_PAST):
            continue
        for sets in _inside(box, known, rule):
            packet = sent_out(subject, known, position, sets) if known else None
            if packet is not None:
                yield packet
        for hosts in _anywhere(box, rule):
            packets = restricted(box, _within(hosts))
            if packets is not None and not _spares_a_way(subject, position, rule, packets):
                packet = coming_to(subject, rule, packets)
                if packet is not None:
                    yield _to_another(subject, rule, box, packet) or packet


def _inside(box: Box, known: Sides | None, rule: Rule) -> Iterator[Sets]:
    """Yield what the hosts of each side inside send to each other."""
    out = box.sets[Field.OUT_INTERFACE]
    inside = known.inside if known else ()
    # Private networks first: of a public one, perhaps no rule tells that it lies outside.
    for side in sorted(inside, key=lambda side: not side.hosts <= PRIVATE[rule.family]):
        if side.hosts and (out is None or side.interfaces & out):
            ways = {
                Field.IN_INTERFACE: side.interfaces,
                Field.OUT_INTERFACE: side.interfaces,
            }
            yield _within(side.hosts) | ways


def _anywhere(box: Box, rule: Rule) -> Iterator[IntervalSet]:
    """Yield the hosts of a network, wherever it is, of which all is translated."""
    source, out = box.sets[Field.SOURCE], box.sets[Field.OUT_INTERFACE]
    is_any_way = out is None or out | _LOOPBACK >= EVERY_INTERFACE
    if source is None and box.sets[Field.DESTINATION] is None and is_any_way:
        yield PRIVATE[rule.family]
    elif source is not None and out is None and isinstance(rule.action, Masquerade):
        yield source


def _spares_a_way(subject: Subject, position: int, rule: Rule, packets: Box) -> bool:
    """Whether a rule above leaves what goes out by some interface as it is."""
    place = rule.family, Hook.POSTROUTING
    for above in meeting(subject, place, packets):
        if above >= position:
            break
        if isinstance(subject.rules[place][above].action, Accept | Return):
            for box in subject.lists[place].boxes[above] or ():
                out = box.sets[Field.OUT_INTERFACE]
                if out is not None and out - _LOOPBACK:
                    return True
    return False


def _to_another(subject: Subject, rule: Rule, box: Box, packet: Packet) -> Packet | None:
    """Return a packet of the same host to one beside it, where `packet` is for the host itself."""
    host = packet.source
    if packet.destination != host:
        return None
    beside = interval(host & ~7, host | 7) - point(host)
    packets = restricted(box, {Field.SOURCE: point(host), Field.DESTINATION: beside})
    return None if packets is None else coming_to(subject, rule, packets)


def _within(hosts: IntervalSet) -> Sets:
    """Return packets from hosts to other hosts of a network."""
    low, high = max(hosts.ranges, key=lambda ends: ends[1] - ends[0])
    middle = (low + high) // 2
    return {
        Field.SOURCE: interval(low, middle),
        Field.DESTINATION: interval(min(middle + 1, high), high),
    }
