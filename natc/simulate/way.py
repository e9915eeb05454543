"""A set of packets on one way through the hooks, seen both as they came and as they are now.

The packets as they came are a box.  What translation changed is either a distance from what it was
or a choice of the kernel's; so whatever a rule asks of the packets as they are now is a part of the
packets as they came, or a part of the choice.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from natc.address import Family
from natc.ir.actions import Tproxy
from natc.ir.conditions import Condition, InSet, Mark, Noted, Opaque, negation
from natc.ir.fields import Field, interface_patterns, universe
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.record import Record, replace
from natc.simulate.marks import UNCHANGED, PacketMark
from natc.simulate.site import Site
from natc.simulate.spelling import addresses, ports
from natc.simulate.trace import Step

How = Literal["fixed", "hash", "hash-of-source", "random", "interface", "route"]
"""How the kernel chooses: no choice, by a hash of both addresses, by a hash of the source alone, at
random, the address of the interface, by a route that a translation may change later."""


class Choice(Record):
    """A value that no longer depends on what it was: one of `values`."""

    values: IntervalSet
    how: How = "fixed"


Moved = int | Choice
"""The distance from what the value was, or a choice."""

IS_OWN = "is the gateway's own address"
"""What is asked of an address where the gateway's are not known."""

_REMEMBERED = {
    Field.ORIGINAL_DESTINATION: Field.DESTINATION,
    Field.ORIGINAL_PORT: Field.DESTINATION_PORT,
}
"""What connection tracking remembers is what the packet came with."""

_SIDES = {
    "src": (Field.SOURCE, Field.SOURCE_PORT),
    "dst": (Field.DESTINATION, Field.DESTINATION_PORT),
}


class Way(Record):
    """Packets that have met one fate so far.

    Attributes:
        packets: as they came, with what is assumed of opaque matches, draws and the way out.
        moved: the fields that are no longer as they came.
        is_translated: whether connection tracking knows of a new destination.
        noted: what rules have noted of them.
        mark: what became of the one that came.
        proxy: the action that has handed them to a transparent listener.
        is_choice: whether the kernel may choose another way for the same packets.
        doubts: what had to be assumed of the gateway itself.
        steps: the rules that decided.
    """

    family: Family
    site: Site
    packets: Box
    moved: Mapping[Field, Moved]
    is_translated: bool = False
    noted: frozenset[str] = frozenset()
    mark: PacketMark = UNCHANGED
    proxy: Tproxy | None = None
    is_choice: bool = False
    doubts: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def settled(self, box: Box) -> Iterator["Way"]:
        """Yield the packets by whether their marks came as `box` asks.

        Where it asks for unknown bits at once, `within` can then tell by those alone.
        """
        ways = [self]
        for condition in box.conditions:
            if not isinstance(condition, Mark) or not condition.mask & self.mark.unknown:
                continue
            bits = condition.mask & self.mark.kept
            if bits:
                came = Mark((condition.value ^ self.mark.flipped) & bits, bits)
                ways = [part for way in ways for part in way.cut(came) if part is not None]
        yield from ways

    def within(self, box: Box) -> tuple["Way | None", list["Way"]]:
        """Return the packets that are in `box` as they are now, and the others, in parts."""
        inside = self
        outside: list[Way] = []
        for condition in box.conditions:
            part, other = inside.under(condition)
            if part is None:
                return None, [self]
            inside, outside = part, outside if other is None else [*outside, other]
        for field, values in box.restricted():
            part, other = inside.having(field, values)
            if part is None:
                return None, [self]
            inside, outside = part, outside if other is None else [*outside, other]
        return inside, outside

    def having(self, field: Field, values: IntervalSet) -> tuple["Way | None", "Way | None"]:
        """Return the packets whose `field` is in `values` now, and the others."""
        if field is Field.TRANSLATED:
            return (self, None) if int(self.is_translated) in values else (None, self)
        if field is Field.LOCAL_DESTINATION and self._knows_destination():
            return self._having_local(values)
        if field in _REMEMBERED:
            return self.came_with(_REMEMBERED[field], values)
        moved = self.moved.get(field, 0)
        if isinstance(moved, Choice):
            return self._choosing(field, moved, values)
        return self.came_with(field, _shifted(values, -moved) if moved else values)

    def came_with(self, field: Field, values: IntervalSet) -> tuple["Way | None", "Way | None"]:
        """Return the packets whose `field` was in `values`, and the others."""
        mine = self.packets.sets[field] or universe(field, self.family)
        inside = mine & values
        if not inside.ranges:
            return None, self
        if inside.ranges == mine.ranges:
            return self, None
        return (
            replace(self, packets=self.packets.having(field, inside)),
            replace(self, packets=self.packets.having(field, mine - values)),
        )

    def _choosing(
        self, field: Field, choice: Choice, values: IntervalSet
    ) -> tuple["Way | None", "Way | None"]:
        inside = choice.values & values
        if not inside.ranges:
            return None, self
        if inside.ranges == choice.values.ranges:
            return self, None
        if choice.how == "route":
            return self.under(Opaque(f"a route towards {_names(values)} before translation"))
        several = replace(self, is_choice=True)
        return (
            several.moving({field: Choice(inside, choice.how)}),
            several.moving({field: Choice(choice.values - values, choice.how)}),
        )

    def _knows_destination(self) -> bool:
        return self.site.own is not None or Field.DESTINATION in self.moved

    def _having_local(self, values: IntervalSet) -> tuple["Way | None", "Way | None"]:
        """Return the packets whose destination is the gateway's own, or is not."""
        if values.size == 2:
            return self, None
        wanted = 1 in values
        own = self.site.own
        if own is None:
            doubt = Opaque(f"{self._moved_text(Field.DESTINATION)} {IS_OWN}")
            return self.under(doubt if wanted else negation(doubt))
        inside, outside = self.having(Field.DESTINATION, own)
        return (inside, outside) if wanted else (outside, inside)

    def under(self, condition: Condition) -> tuple["Way | None", "Way | None"]:
        """Return the packets for which `condition` holds now, and the others."""
        condition_, holds = self._as_came(condition)
        if condition_ is None:
            return (self, None) if holds else (None, self)
        return self.cut(condition_)

    def cut(self, condition: Condition) -> tuple["Way | None", "Way | None"]:
        """Return the packets for which `condition` held as they came, and the others."""
        inside = self.packets.under(condition)
        outside = self.packets.under(negation(condition))
        return (
            None if inside is None else replace(self, packets=inside),
            None if outside is None else replace(self, packets=outside),
        )

    def _as_came(self, condition: Condition) -> tuple[Condition | None, bool]:
        """Return what `condition` says of the packets as they came; None where that is settled."""
        match condition:
            case Mark():
                return self._mark_as_came(condition)
            case Noted(key, negated):
                return None, (key in self.noted) is not negated
            case InSet(name, flags, negated):
                moved = [flag for flag in flags if self._has_moved(flag)]
                if moved:
                    now = ", ".join(f"{flag} now {self._shown(flag)}" for flag in moved)
                    return Opaque(f"set {name} {','.join(flags)} ({now})", negated), False
        return condition, False

    def _mark_as_came(self, asked: Mark) -> tuple[Condition | None, bool]:
        """Do the same for a mark; of packets that are `settled`, where it asks for unknown bits."""
        mark, negated = self.mark, asked.negated
        wanted = asked.value ^ mark.flipped
        if wanted & asked.mask & ~mark.kept & ~mark.unknown:
            return None, negated  # A rule has set it otherwise.
        bits = asked.mask & mark.kept
        unknown = mark.asked_of_others(asked) if mark.others else None
        if unknown is None:
            came = Mark(wanted & bits, bits, negated)
            return (came, False) if bits else (None, not negated)
        if bits and self.packets.under(Mark(wanted & bits, bits)) is None:
            return None, negated
        return (negation(unknown) if negated else unknown), False

    def _has_moved(self, flag: str) -> bool:
        return any(field in self.moved for field in _SIDES.get(flag, ()))

    def _shown(self, flag: str) -> str:
        return " ".join(self._moved_text(field) for field in _SIDES[flag] if field in self.moved)

    def _moved_text(self, field: Field) -> str:
        """Return what became of a moved address or port, the same text for the same change."""
        moved = self.moved[field]
        if not isinstance(moved, Choice):
            return f"({field.name.lower().replace('_', ' ')} {moved:+d})"
        is_port = field in (Field.SOURCE_PORT, Field.DESTINATION_PORT)
        return ports(moved.values) if is_port else addresses(self.family, moved.values)

    def leaving_by(self, out: Choice | None) -> "Way":
        """Return the way as a hook sees it that knows another way out; None is the packets' own."""
        moved = dict(self.moved)
        moved.pop(Field.OUT_INTERFACE, None)
        if out is not None:
            moved[Field.OUT_INTERFACE] = out
        return replace(self, moved=moved)

    def moving(self, moved: Mapping[Field, Moved]) -> "Way":
        """Return the way with fields changed."""
        return replace(self, moved={**self.moved, **moved})

    def now(self, field: Field) -> IntervalSet:
        """Return every value that `field` can have now."""
        moved = self.moved.get(field, 0)
        if isinstance(moved, Choice):
            return moved.values
        return _shifted(self.packets.sets[field] or universe(field, self.family), moved)


def _names(values: IntervalSet) -> str:
    patterns = interface_patterns(values)
    return ", ".join(patterns) if patterns is not None else "one of several interfaces"


def _shifted(values: IntervalSet, distance: int) -> IntervalSet:
    if not distance:
        return values
    return IntervalSet(tuple((low + distance, high + distance) for low, high in values.ranges))
