"""Connections that a change of rules strands: translated as the new rules would not translate them.

Rules are asked for the first packet of a connection alone (docs/kernel.md), so a connection goes on
as it began, whatever the rules say by then.  Each is judged by its first packet, once under the
rules of now and once under those to come, by every way in which it can have come.
"""

from collections.abc import Iterable, Iterator, Mapping

from natc.address import FAMILIES, Family
from natc.host.planning import conntrack
from natc.host.planning.conntrack import Connection
from natc.host.planning.prospect import Prospect, decides
from natc.host.planning.surroundings import Surroundings
from natc.ir.conditions import EVERY_BIT, Draw, Mark, Opaque
from natc.ir.fields import NO_USER, Field
from natc.ir.index import Index, positions
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.packet import PORT_PROTOCOLS
from natc.record import Record, replace
from natc.simulate import words
from natc.simulate.changed import worth_comparing
from natc.simulate.compare import fate_of
from natc.simulate.engine import End, Engine

_CLASSES = (interval(1, 511), interval(600, 1023), interval(1024, 65535))
"""What a source port becomes where it is taken: one of its own class.

Source: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple(), Linux 6.18.
"""


class Stranded(Record):
    """A connection whose translation the new rules would not give to its first packet.

    Attributes:
        is_certain: whether that is so by whichever way it came.
        before, after: the rules that decide now and then.
        becomes: what the new rules would make of it, in words.
    """

    connection: Connection
    is_certain: bool
    before: tuple[Rule, ...]
    after: tuple[Rule, ...]
    becomes: str

    @property
    def keeps(self) -> str:
        """What it keeps, in words."""
        to, from_ = self.connection.translation
        said = [f"to {to}"] * bool(to) + [f"from {from_}"] * bool(from_)
        return " ".join(said) or "unchanged"

    @property
    def command(self) -> str:
        """The line that deletes it and no other connection."""
        return conntrack.deleting(self.connection)


class Judge:
    """The rules of one family, ready for many connections."""

    def __init__(self, now: Policy, then: Policy, around: Surroundings) -> None:
        self._around = around
        self._family = around.family
        self._now = Engine(now, around.family, around.site)
        self._then = Engine(then, around.family, around.site)
        self._worth = worth_comparing(now, then, around.family)
        self._index = Index(enumerate(self._worth))

    def __call__(self, connection: Connection) -> Stranded | None:
        """Return how a connection is stranded; None if it is not, or not by this change."""
        if connection.is_expected or connection.is_over or not self._worth:
            return None
        box = self._first_packet(connection)
        if not self._is_worth(box):
            return None
        given = [end for end in self._now.ends(box) if _gives(end, connection)]
        alike: list[End] = []
        other: list[End] = []
        unknown = False
        for end in given:
            mine, theirs, is_open = self._after(end, connection)
            alike, other, unknown = alike + mine, other + theirs, unknown or is_open
        if not other:
            return None
        deciders = tuple(dict.fromkeys(rule for end in given for rule in _deciders(end)))
        return Stranded(
            connection,
            not alike and not unknown,
            deciders,
            tuple(dict.fromkeys(rule for end in other for rule in _deciders(end))),
            self._words(other),
        )

    def _is_worth(self, box: Box) -> bool:
        found = self._index.touching(box, 0, len(self._worth))
        return any(self._worth[position].meets(box) for position in positions(found))

    def _after(self, end: End, connection: Connection) -> tuple[list[End], list[End], bool]:
        """Return the ends under the new rules that give the translation, and those that do not.

        What may end either way because the kernel chooses is given; the last value is whether a
        target that natc does not know decides.
        """
        ends = list(self._then.ends(_undrawn(end.way.packets)))
        alike = [each for each in ends if _gives(each, connection)]
        boxes = [_undrawn(each.way.packets) for each in alike]
        other = [
            each
            for each in ends
            if each.verdict != "unknown"
            and each not in alike
            and not any(_undrawn(each.way.packets).meets(box) for box in boxes)
        ]
        return alike, other, any(each.verdict == "unknown" for each in ends)

    def _first_packet(self, connection: Connection) -> Box:
        first = connection.original
        sets: dict[Field, IntervalSet] = {
            Field.SOURCE: point(first.source),
            Field.DESTINATION: point(first.destination),
            Field.PROTOCOL: point(first.protocol),
        }
        if (
            first.protocol in PORT_PROTOCOLS
            and first.source_port is not None
            and first.destination_port is not None
        ):
            sets[Field.SOURCE_PORT] = point(first.source_port)
            sets[Field.DESTINATION_PORT] = point(first.destination_port)
        own = self._around.site.own
        if own is not None and first.source in own:
            sets[Field.IN_INTERFACE] = point(0)  # Who sent it is not known any more, nor its mark.
            return Box.of(sets)
        sets[Field.IN_INTERFACE] = self._around.ways_in(first.source)
        sets[Field.USER] = point(NO_USER)
        return Box.of(sets, (Mark(0, EVERY_BIT),))  # What comes from outside has no mark.

    def _words(self, ends: Iterable[End]) -> str:
        texts = {words.fate(fate_of(end), end.way.packets, self._family): None for end in ends}
        return " or ".join(texts)


def _undrawn(packets: Box) -> Box:
    """Return the packets whatever is drawn, and whatever a rule of now says that changes."""
    kept = (
        condition
        for condition in packets.conditions
        if not isinstance(condition, Draw)
        and not (isinstance(condition, Opaque) and condition.is_fickle)
    )
    return replace(packets, conditions=tuple(kept))


def _deciders(end: End) -> Iterator[Rule]:
    for step in end.way.steps:
        if step.rule is not None and decides(step.rule):
            yield step.rule


def _gives(end: End, connection: Connection) -> bool:
    """Whether a way ends with the translation that a connection has."""
    if end.verdict != "accepted":
        return False
    way, first, reply = end.way, connection.original, connection.reply
    if reply.source not in way.now(Field.DESTINATION):
        return False
    if reply.destination not in way.now(Field.SOURCE):
        return False
    if first.protocol not in PORT_PROTOCOLS:
        return True
    port, source_port = reply.source_port, reply.destination_port
    if port is None or source_port is None or first.source_port is None:
        return True
    if port not in way.now(Field.DESTINATION_PORT):
        return False
    return source_port in way.now(Field.SOURCE_PORT) or (
        # Another connection had it already.
        Field.SOURCE_PORT not in way.moved and _is_of_one_class(first.source_port, source_port)
    )


def _is_of_one_class(port: int, other: int) -> bool:
    number = 0 if port < 512 else 1 if port < 1024 else 2
    return other in _CLASSES[number]


# All of them.


class Judges:
    """The rules of both families, ready for many connections."""

    def __init__(self, prospect: Prospect) -> None:
        """Read the rules.

        Raises:
            Unreadable: natc cannot tell what they mean.
        """
        self._judges: Mapping[Family, Judge] = {
            family: Judge(*prospect.meaning(family).at_first(), prospect.surroundings(family))
            for family in FAMILIES
            if prospect.before[family] or prospect.after[family]
        }

    def stranded(self) -> list[Stranded]:
        """Return those of this moment, certain ones first.

        Raises:
            HostError: the kernel does not tell them.
        """
        found = (
            self._judges[connection.family](connection)
            for connection in conntrack.connections()
            if connection.family in self._judges
        )
        return sorted((one for one in found if one is not None), key=_order)


def _order(one: Stranded) -> tuple[bool, str]:
    return not one.is_certain, one.command
