"""A box of packets as a rule's matches say it: one set for each word."""

from collections.abc import Callable
from typing import Any

from natc.address import Family
from natc.elaborate.arrival import LOOPBACK
from natc.elaborate.services import ALL_PORTS, EVERY_SERVICE, ServiceSet
from natc.importers.interfaces import EVERY_INTERFACE
from natc.importers.ipsets import ANY_SET, InSets, expressions
from natc.importers.marks import ANY_MARK, Alternatives, expression
from natc.importers.remarks import Unsayable
from natc.ir.actions import Hook
from natc.ir.conditions import Draw, InSet, Mark, Opaque
from natc.ir.fields import Field, universe
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.space import Box
from natc.packet import PORT_PROTOCOLS
from natc.record import Record, replace

_PORTED = IntervalSet.of((number, number) for number in PORT_PROTOCOLS)
_EVERYTHING = (
    EVERY_SERVICE,
    EVERY_INTERFACE,
    ALL_PORTS,
    universe(Field.USER, Family.IPV4),
)
_TRACKED = (Field.ORIGINAL_DESTINATION, Field.ORIGINAL_PORT, Field.TRANSLATED)


_SAY_ALTERNATIVES: dict[str, Callable[[Any], object]] = {
    "marks": expression,
    "sets": expressions,
}
"""The fields that hold alternatives, and what says them or is stopped by `Unsayable`."""


class Phrase(Record):
    """What the matches of one rule say.

    Attributes:
        source, destination, services, sport, interfaces, users: None is everything.
        interfaces: those of arrival or of departure, as the hook has it.
        is_local: whether the destination must be one of the gateway's own addresses.
        draws, known: chances, and clients that are known already, which only a whole `balance` can
            say.
    """

    source: IntervalSet | None = None
    destination: IntervalSet | None = None
    services: ServiceSet | None = None
    sport: IntervalSet | None = None
    interfaces: IntervalSet | None = None
    is_local: bool = False
    users: IntervalSet | None = None
    marks: Alternatives = ANY_MARK
    sets: InSets = ANY_SET
    draws: tuple[Draw, ...] = ()
    known: tuple[Opaque, ...] = ()

    @property
    def is_part(self) -> bool:
        """Whether only a row of rules says it all."""
        return bool(self.draws or self.known)

    def whole(self) -> "Phrase":
        """Return what a row of such rules matches."""
        return replace(self, draws=(), known=())

    def possible(self) -> "Phrase":
        """Return the phrase without what can always be said, or together with its neighbours."""
        return replace(self.whole(), source=None, destination=None, marks=ANY_MARK)


def phrase(box: Box, hook: Hook, family: Family) -> Phrase:
    """Return what a rule in `hook` says to match `box`.

    Raises:
        Unsayable: no words of the language do.
    """
    for field in _TRACKED:
        if box.get(field) is not None:
            raise Unsayable("only `hairpin` asks what connection tracking remembers", field)
    is_local = box.get(Field.LOCAL_DESTINATION) is not None
    leaves = hook is Hook.POSTROUTING
    return Phrase(
        _part(box, Field.SOURCE, family),
        _destination(box, hook, family, is_local=is_local),
        _services(box),
        _part(box, Field.SOURCE_PORT, family),
        box.get(Field.OUT_INTERFACE if leaves else Field.IN_INTERFACE),
        is_local,
        box.get(Field.USER),
        (tuple(c for c in box.conditions if isinstance(c, Mark)),),
        (tuple(c for c in box.conditions if isinstance(c, InSet)),),
        tuple(c for c in box.conditions if isinstance(c, Draw)),
        tuple(c for c in box.conditions if isinstance(c, Opaque)),
    )


def _part(box: Box, field: Field, family: Family) -> IntervalSet | None:
    values = box.get(field)
    return None if values == universe(field, family) else values


def _destination(box: Box, hook: Hook, family: Family, *, is_local: bool) -> IntervalSet | None:
    """Return the destination that must be said; `on` leaves the loopback out in OUTPUT."""
    values = _part(box, Field.DESTINATION, family)
    if not is_local or hook is not Hook.OUTPUT:
        return values
    everything = universe(Field.DESTINATION, family)
    if values is None or values & LOOPBACK[family]:
        raise Unsayable("`on` leaves out the gateway's loopback addresses", Field.LOCAL_DESTINATION)
    return None if values == everything - LOOPBACK[family] else values


def _services(box: Box) -> ServiceSet | None:
    protocols, ports = box.get(Field.PROTOCOL), box.get(Field.DESTINATION_PORT)
    sport = box.get(Field.SOURCE_PORT)
    if ports is not None or sport is not None:
        if protocols is None or not protocols <= _PORTED:
            field = Field.SOURCE_PORT if ports is None else Field.DESTINATION_PORT
            raise Unsayable("ports of protocols that have none", field)
    elif protocols is None:
        return None
    held = ALL_PORTS if ports is None else ports
    return ServiceSet(
        tuple(held if number in protocols else EMPTY for number in sorted(PORT_PROTOCOLS)),
        protocols - _PORTED,
    )


def joined(one: Phrase, other: Phrase) -> Phrase | None:
    """Return the phrase of the packets of both; None when no single one has exactly those."""
    if one == other:
        return one
    differing = [field for field in Phrase.FIELDS if getattr(one, field) != getattr(other, field)]
    if len(differing) != 1:
        return None
    (field,) = differing
    mine, theirs = getattr(one, field), getattr(other, field)
    if field in _SAY_ALTERNATIVES:
        return _with_alternatives(one, field, mine + theirs)
    if field in ("is_local", "draws", "known"):
        return None
    if mine is None or theirs is None:
        return replace(one, **{field: None})
    together = mine | theirs
    return replace(one, **{field: None if together in _EVERYTHING else together})


def _with_alternatives(one: Phrase, field: str, alternatives: tuple[Any, ...]) -> Phrase | None:
    if () in alternatives:
        return replace(one, **{field: ((),)})
    try:
        _SAY_ALTERNATIVES[field](alternatives)
    except Unsayable:
        return None
    return replace(one, **{field: alternatives})
