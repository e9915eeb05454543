"""What a hook knows of its packets, and what a rule there may ask."""

from collections.abc import Callable

from natc.address import Family
from natc.importers.clients import known_client
from natc.importers.interfaces import EVERY_INTERFACE
from natc.ir.actions import Hook
from natc.ir.conditions import Condition, Mark, Noted, Opaque
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.targets.iptables.lift_match import UNTRACKED

BEFORE_ROUTING = (Hook.DIVERT, Hook.PREROUTING, Hook.OUTPUT)
_ARRIVING = (Hook.DIVERT, Hook.PREROUTING)
_NO_WAY_OUT = (*_ARRIVING, Hook.INPUT)

_REMEMBERED = {
    Field.ORIGINAL_DESTINATION: Field.DESTINATION,
    Field.ORIGINAL_PORT: Field.DESTINATION_PORT,
}
"""What connection tracking remembers is, before translation, what the packet has."""


def normal(box: Box, hook: Hook, family: Family) -> Box | None:
    """Return the part of `box` that comes to `hook`, without what is true of all packets there.

    None is no packet.  Packets that connection tracking leaves alone never come to translation.
    """
    found: Box | None = Box(box.sets, tuple(c for c in box.conditions if c not in _ALWAYS))
    if any(isinstance(c, Noted) for c in box.conditions if c not in _ALWAYS):
        return None
    for change in _CHANGES:
        if found is not None:
            found = change(found, hook, family)
    return found


_ALWAYS: tuple[Condition, ...] = (Noted(UNTRACKED, negated=True),)


def _without(box: Box, field: Field, *, holds: bool) -> Box | None:
    return box.having(field, None) if holds else None


def _arrival(box: Box, hook: Hook, _: Family) -> Box | None:
    values = box.get(Field.IN_INTERFACE)
    if values is None:
        return box
    if hook is Hook.OUTPUT:
        return _without(box, Field.IN_INTERFACE, holds=0 in values)
    named = values & EVERY_INTERFACE
    if not named:
        return None
    return box.having(Field.IN_INTERFACE, None if named == EVERY_INTERFACE else named)


def _departure(box: Box, hook: Hook, _: Family) -> Box | None:
    values = box.get(Field.OUT_INTERFACE)
    if values is None:
        return box
    if hook in _NO_WAY_OUT:
        return _without(box, Field.OUT_INTERFACE, holds=0 in values)
    named = values & EVERY_INTERFACE
    if not named:
        return None
    return box.having(Field.OUT_INTERFACE, None if named == EVERY_INTERFACE else named)


def _sender(box: Box, hook: Hook, _: Family) -> Box | None:
    values = box.get(Field.USER)
    if values is None or hook not in _ARRIVING:
        return box
    return _without(box, Field.USER, holds=NO_USER in values)


def _memory(box: Box, hook: Hook, _: Family) -> Box | None:
    """Return the box as what connection tracking remembers is before anything is translated."""
    if hook not in BEFORE_ROUTING:
        return box
    translated = box.get(Field.TRANSLATED)
    found = box
    if translated is not None:
        if 0 not in translated:
            return None
        found = found.having(Field.TRANSLATED, None)
    for remembered, now in _REMEMBERED.items():
        values = found.get(remembered)
        if values is not None:
            both = found.having(remembered, None) & Box.of({now: values})
            if both is None:
                return None
            found = both
    return found


_CHANGES: tuple[Callable[[Box, Hook, Family], Box | None], ...] = (
    _arrival,
    _departure,
    _sender,
    _memory,
)

_ONE = IntervalSet(((1, 1),))


def unasked(box: Box, hook: Hook) -> str | None:
    """Return why no rule of the language asks for `box` in `hook`; None when one may."""
    for condition in box.conditions:
        match condition:
            case Opaque(text) if known_client(condition) is None:
                return f"natc cannot match `{text}`"
            case Mark(value, mask) if value & ~mask:
                return "a mark with bits outside of its mask, which no packet has"
    before = hook in BEFORE_ROUTING
    if before and box.get(Field.OUT_INTERFACE) is not None:
        return "destination rules cannot ask for the way out (`-o`)"
    if not before and box.get(Field.IN_INTERFACE) is not None:
        return "source rules cannot ask for the way in (`-i`)"
    local = box.get(Field.LOCAL_DESTINATION)
    if local is not None and (not before or local != _ONE):
        return "only destination rules can ask for the gateway's own addresses, with `on`"
    return None
