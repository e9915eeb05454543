"""Statements in the making: packets, what becomes of them, and the kernel rules that say so."""

from collections.abc import Iterator

from natc.address import Family
from natc.importers.actions import plain
from natc.importers.chains import Decision, Omitted
from natc.importers.labels import NO_LABEL, Label, label
from natc.importers.phrases import Phrase, joined, phrase
from natc.importers.remarks import Link
from natc.importers.zones import Side, gateway
from natc.ir.actions import Action, Dnat, Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.record import Record, replace

_WAY_BACK = ".hairpin-"
"""What stands in natc's own comments between the names of the statement and of the side."""


class Part(Record):
    """What a statement does in one hook."""

    hook: Hook
    boxes: tuple[Box, ...]
    action: Action


class OneToOne(Record):
    """What `static` does."""

    inside: IntervalSet
    outside: IntervalSet


class Sentence(Record):
    """A statement.

    Attributes:
        parts: its rules, in order within each hook.
        does: of its only part, or what the statement says in their place.
        links: the kernel rules that it says, jumps included.
        sides: the zones that it needs.
        hairpin: whether it says `hairpin`.
    """

    parts: tuple[Part, ...]
    phrase: Phrase
    does: Action | OneToOne
    links: tuple[Link, ...]
    label: Label = NO_LABEL
    sides: tuple[Side, ...] = ()
    hairpin: bool = False

    @property
    def hooks(self) -> frozenset[Hook]:
        """The hooks that it has rules in."""
        return frozenset(part.hook for part in self.parts)

    def needs(self) -> Iterator[Side]:
        """Yield the sides that it names."""
        if self.phrase.is_local:
            yield gateway()
        yield from self.sides


class WayBack(Record):
    """Source rules for what destination rules have turned round: half of a `hairpin`.

    Attributes:
        parts: one for each side of the gateway.
        statement, side: what natc's own comment calls the statement, and the side that the last
            part leads to; empty for others' rules.
    """

    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    statement: str = ""
    side: str = ""


Line = Sentence | WayBack | Omitted


def sentences(decision: Decision, hook: Hook, family: Family) -> list[Sentence | WayBack]:
    """Return statements for a decision, mostly one.

    Raises:
        Unsayable: the language has none.
    """
    made: list[Sentence | WayBack] = []
    for each in plain(decision):
        part = Part(hook, (each.box,), each.action)
        if each.box.get(Field.TRANSLATED) is not None:
            name, _, side = (each.trail[-1].rule.comment or "").rpartition(_WAY_BACK)
            made.append(WayBack((part,), each.trail, name, side if name else ""))
        else:
            said = phrase(each.box, hook, family)
            made.append(Sentence((part,), said, each.action, each.trail, label(each.trail)))
    return made


def together(one: Line, other: Line) -> Line | None:
    """Return the line that says both, where one stands below the other; None: there is none.

    Statements only with the same name and comments: whoever wrote others meant two things.
    """
    if isinstance(one, WayBack) and isinstance(other, WayBack):
        return _ways_back(one, other)
    if isinstance(one, Sentence) and isinstance(other, Sentence):
        return _sentences(one, other)
    return None


def _ways_back(one: WayBack, other: WayBack) -> WayBack | None:
    if not one.statement or one.statement != other.statement:
        return None
    *before, last = one.parts
    (part,) = other.parts
    links = tuple(dict.fromkeys((*one.links, *other.links)))
    if one.side == other.side and last.action == part.action:
        both = replace(last, boxes=last.boxes + part.boxes)
        return replace(one, parts=(*before, both), links=links)
    return replace(other, parts=(*one.parts, part), links=links)


def _sentences(one: Sentence, other: Sentence) -> Sentence | None:
    if one.does != other.does or one.label != other.label or one.hooks != other.hooks:
        return None
    if len(one.parts) != 1 or len(other.parts) != 1 or one.phrase.is_part or other.phrase.is_part:
        return None
    said = joined(one.phrase, other.phrase)
    if said is None or (said.services != one.phrase.services and _counts_ports(one.does)):
        return None
    (mine,), (theirs,) = one.parts, other.parts
    part = replace(mine, boxes=mine.boxes + theirs.boxes)
    links = tuple(dict.fromkeys((*one.links, *other.links)))
    return replace(one, parts=(part,), phrase=said, links=links)


def _counts_ports(does: Action | OneToOne) -> bool:
    """Whether what is done depends on the ports that are asked for."""
    return isinstance(does, Dnat) and does.ports is not None and does.ports.size > 1
