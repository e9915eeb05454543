"""Forwarded packets in both phases: turned to a server, and then seen by the source phase."""

from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.ir.actions import Accept, Hook, Return, Tproxy
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import IntervalSet, point
from natc.ir.space import Box
from natc.lint.forwards import Server, left_for, meeting, restricted, servers
from natc.lint.ordinary import ordinary_of, shown
from natc.lint.sides import TRANSLATING_SOURCE, Side, Sides
from natc.lint.subject import Subject
from natc.packet import Packet

_MOST_PARTS = 64
"""Parts into which the destination phase cuts packets before they count as turned."""

_NO = point(0)
_YES = point(1)


def leaving(packets: Box, server: Server, out: IntervalSet) -> Box:
    """Return arriving `packets`, turned to `server`, as the source phase sees them leave.

    Which port became which is not told: where both are several, it holds more than can be.
    """
    ports = packets.get(Field.DESTINATION_PORT)
    sets = {
        Field.OUT_INTERFACE: out,
        Field.DESTINATION: server.addresses,
        Field.DESTINATION_PORT: server.ports or ports,
        Field.ORIGINAL_DESTINATION: packets.get(Field.DESTINATION),
        Field.ORIGINAL_PORT: ports,
        Field.TRANSLATED: _YES,
        Field.USER: point(NO_USER),
    } | {field: packets.get(field) for field in _KEPT}
    known = {field: values for field, values in sets.items() if values is not None}
    return Box.of(known, packets.conditions)


_KEPT = (Field.SOURCE, Field.SOURCE_PORT, Field.PROTOCOL)


def untouched(subject: Subject, family: Family, packets: Box) -> Box | None:
    """Return some of `packets`, which arrive and leave, that no rule of either phase takes."""
    seen = packets.having(Field.TRANSLATED, _NO)
    left = left_for(subject, (family, Hook.POSTROUTING), None, seen)
    if left is None:
        return None
    arriving = packets & left.having(Field.TRANSLATED, None)
    return None if arriving is None else _not_turned(subject, family, arriving)


def arriving_at(subject: Subject, known: Sides, position: int) -> Packet | None:
    """Return a packet that a destination rule takes, None if there is none."""
    place = known.family, Hook.PREROUTING
    if subject.relations[place].is_dead(position):
        return None
    for box in subject.rules[place][position].match.boxes:
        packets = restricted(box, {Field.USER: point(NO_USER)})
        left = None if packets is None else ordinarily_left(subject, place, position, packets)
        if left is not None:
            return shown(subject, known.family, left)
    return None


def ordinarily_left(
    subject: Subject, place: tuple[Family, Hook], position: int | None, packets: Box
) -> Box | None:
    """Return what `left_for` does, the most ordinary of what is left."""
    return ordinary_of(
        subject, place[0], packets, lambda some: left_for(subject, place, position, some)
    )


def sent_out(
    subject: Subject, known: Sides, position: int, sets: Mapping[Field, IntervalSet]
) -> Packet | None:
    """Return a packet with `sets` that a source rule takes as it came, None if there is none."""
    family = known.family
    if subject.relations[family, Hook.POSTROUTING].is_dead(position):
        return None
    for box in subject.rules[family, Hook.POSTROUTING][position].match.boxes:
        packets = restricted(box, {Field.TRANSLATED: _NO, Field.USER: point(NO_USER), **sets})
        came = packets and ordinary_of(
            subject, family, packets, lambda some: _sent(subject, known, position, some)
        )
        if came is not None:
            return shown(subject, family, came)
    return None


def _sent(subject: Subject, known: Sides, position: int, packets: Box) -> Box | None:
    """Return some of leaving `packets`, as they came, that come to a source rule."""
    left = left_for(subject, (known.family, Hook.POSTROUTING), position, packets)
    if left is None:
        return None
    source = left.get(Field.SOURCE)
    home = None if source is None else known.holder(source)
    arriving = left.having(Field.TRANSLATED, None)
    if home is not None:
        arriving = arriving.having(Field.IN_INTERFACE, home.interfaces)
    return _not_turned(subject, known.family, arriving)


def _not_turned(subject: Subject, family: Family, packets: Box) -> Box | None:
    """Return some of `packets` that the destination phase leaves as they are."""
    for hook in (Hook.DIVERT, Hook.PREROUTING):
        place = family, hook
        arriving = packets.having(Field.OUT_INTERFACE, None)
        left = left_for(subject, place, None, arriving) or _kept(subject, place, arriving)
        if left is None:
            return None
        packets = left.having(Field.OUT_INTERFACE, packets.get(Field.OUT_INTERFACE))
    return packets


def _kept(subject: Subject, place: tuple[Family, Hook], packets: Box) -> Box | None:
    """Return some of `packets`, all of which rules take, that rules leave alone on purpose."""
    left = [packets]
    for position in meeting(subject, place, packets):
        rule = subject.rules[place][position]
        if not isinstance(rule.action, Accept | Return):
            for box in rule.match.boxes:
                left = [rest for part in left for rest in part.minus(box, place[0])]
        if not left or len(left) > _MOST_PARTS:
            return None
    return left[0]


def unanswered(subject: Subject, known: Sides, side: Side, clients: Box) -> Box | None:
    """Return some of `clients`, hosts of `side`, when none of them gets an answer; else None.

    Those who come to the gateway itself get none: they asked for a server.  What rules divert,
    redirect or keep on purpose counts as answered.
    """
    family = known.family
    phase = family, Hook.PREROUTING
    if any(_diverts(subject, family, clients)):
        return None
    turned: list[tuple[int, Box]] = []
    for position in meeting(subject, phase, clients):
        rule = subject.rules[phase][position]
        ends = servers(rule.action)
        for part in [both for box in rule.match.boxes if (both := box & clients) is not None]:
            if not ends or any(_comes_back(subject, known, side, part, end) for end in ends):
                return None
            turned.append((position, part))
    return left_for(subject, phase, *turned[0]) if turned else clients


def _diverts(subject: Subject, family: Family, packets: Box) -> Iterator[bool]:
    place = family, Hook.DIVERT
    for position in meeting(subject, place, packets):
        yield isinstance(subject.rules[place][position].action, Tproxy)


def _comes_back(subject: Subject, known: Sides, side: Side, packets: Box, server: Server) -> bool:
    """Whether the answer to turned packets comes by the gateway, or may."""
    if known.holder(server.addresses) != side or server.addresses & known.own:
        return True
    place = known.family, Hook.POSTROUTING
    rules = subject.rules.get(place, ())
    seen = leaving(packets, server, side.interfaces)
    return any(
        isinstance(rules[position].action, TRANSLATING_SOURCE)
        and any(_can_be(box & seen, server) for box in rules[position].match.boxes)
        for position in meeting(subject, place, seen)
    )


def _can_be(seen: Box | None, server: Server) -> bool:
    """Whether there are such packets, whose port is the one that they asked for if it is kept."""
    if seen is None or server.ports is not None:
        return seen is not None
    now, asked = seen.get(Field.DESTINATION_PORT), seen.get(Field.ORIGINAL_PORT)
    return now is None or asked is None or bool(now & asked)
