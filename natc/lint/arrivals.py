"""Packets from outside that are forwarded, in both phases: which source rules take them as well.

Forwards are found by the addresses of their servers, so that a source rule is composed with those
that it can meet, never with all.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from natc.ir.actions import Hook
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.answers import leaving
from natc.lint.coming import trace
from natc.lint.forwards import Server, forwards, left_for, restricted, servers
from natc.lint.ordinary import shown
from natc.lint.sides import Side, Sides
from natc.lint.subject import Subject
from natc.packet import Packet

_MOST_TRIED = 64
"""Forwards that one source rule is composed with."""

_MOST_PIECES = 8
"""Parts of what a forward turns that are followed to one source rule."""

_BEFORE = {
    Field.SOURCE: Field.SOURCE,
    Field.SOURCE_PORT: Field.SOURCE_PORT,
    Field.PROTOCOL: Field.PROTOCOL,
    Field.ORIGINAL_DESTINATION: Field.DESTINATION,
    Field.ORIGINAL_PORT: Field.DESTINATION_PORT,
}
"""What the source phase sees of a forwarded packet, and where the packet had it when it came."""

Forward = tuple[int, int, Rule, Server, Side]
"""The server's first address, the rule's place, the rule, the server and the side that holds it."""


class Arrivals:
    """The forwards of one family whose servers live inside."""

    def __init__(self, subject: Subject, known: Sides) -> None:
        self._subject = subject
        self._known = known
        found: list[Forward] = [
            (server.addresses.first, position, rule, server, side)
            for position, rule in forwards(subject, known.family)
            for server in servers(rule.action)
            if not server.addresses & known.own
            and (side := known.holder(server.addresses)) is not None
            and not side.is_outside
        ]
        self._forwards = sorted(found, key=lambda forward: forward[:2])
        self._firsts = [forward[0] for forward in self._forwards]

    def translated_by(self, position: int) -> tuple[Packet, Rule] | None:
        """Return a packet from outside that a forward turns and a source rule then translates.

        Args:
            position: of the source rule.
        """
        place = self._known.family, Hook.POSTROUTING
        rule = self._subject.rules[place][position]
        for box in rule.match.boxes:
            for forward in islice(self._near(box), _MOST_TRIED):
                packet = self._through(forward, box, position)
                if packet is not None and self._is_taken(packet, forward[2], rule):
                    return packet, forward[2]
        return None

    def _near(self, box: Box) -> Iterator[Forward]:
        """Yield the forwards whose server a source rule's box may hold."""
        wanted = box.sets[Field.DESTINATION]
        for low, high in ((0, 1 << 128),) if wanted is None else wanted.ranges:
            for place in range(bisect_left(self._firsts, low), len(self._firsts)):
                if self._firsts[place] > high:
                    break
                yield self._forwards[place]

    def _through(self, forward: Forward, box: Box, position: int) -> Packet | None:
        """Return a packet that comes to `box` of a source rule by way of a forward."""
        _, before, rule, server, side = forward
        family = self._known.family
        outside = {
            Field.IN_INTERFACE: self._known.outside_interfaces,
            Field.SOURCE: self._known.abroad,
            Field.USER: point(NO_USER),
        }
        for asked in rule.match.boxes:
            came = restricted(asked, outside)
            pieces = [came & _as_came(box, server)] if came else []
            for _ in range(_MOST_PIECES):
                piece = pieces.pop() if pieces else None
                left = piece and left_for(self._subject, (family, Hook.PREROUTING), before, piece)
                if not piece or not left:
                    continue
                seen = leaving(left, server, side.interfaces) & box
                taken = seen and left_for(self._subject, (family, Hook.POSTROUTING), position, seen)
                if taken and (packets := left & _as_came(taken, server)):
                    return shown(self._subject, family, packets)
                pieces += piece.minus(left, family)
        return None

    def _is_taken(self, packet: Packet, forward: Rule, rule: Rule) -> bool:
        """Whether the packet, followed through all rules, meets both."""
        for outcome in trace(self._subject, packet).outcomes:
            met = [step.rule for step in outcome.steps]
            if forward in met and rule in met:
                return True
        return False


def _as_came(seen: Box, server: Server) -> Box:
    """Return what packets that the source phase sees so were like when they came."""
    sets: dict[Field, IntervalSet] = {}
    for now, before in _BEFORE.items():
        values = seen.get(now)
        if values is not None:
            sets[before] = values
    kept = seen.get(Field.DESTINATION_PORT)
    if server.ports is None and kept is not None:
        both = sets.get(Field.DESTINATION_PORT, kept) & kept
        sets[Field.DESTINATION_PORT] = both or kept
    return Box.of(sets, seen.conditions)
