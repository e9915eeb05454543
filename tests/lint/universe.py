"""Random rules over a universe small enough to try every packet, and what they do to each."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random

from natc.address import Family
from natc.ir.actions import (
    Accept,
    Action,
    Dnat,
    Hook,
    Note,
    Return,
    SetMark,
    Snat,
    Unknown,
)
from natc.ir.conditions import Condition, Mark, Noted, Opaque, can_hold
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region
from natc.record import Record
from natc.source import Source, Span

SIZES = {
    Field.SOURCE: 4,
    Field.DESTINATION: 3,
    Field.PROTOCOL: 2,
    Field.DESTINATION_PORT: 3,
}
"""Values of each field that boxes cut at; the last of each stands for all others."""

SETS = ("friends", "foes")
MARKS = range(4)

Fields = dict[Field, int]


class Try(Record):
    """One packet of the universe, with what the opaque matches say of it."""

    values: Fields
    in_sets: tuple[bool, ...]
    mark: int


def tries() -> Iterator[Try]:
    """Yield every packet that rules of this universe can tell apart."""
    for values in product(*(range(size) for size in SIZES.values())):
        for in_sets in product((False, True), repeat=len(SETS)):
            for mark in MARKS:
                yield Try(dict(zip(SIZES, values, strict=True)), in_sets, mark)


EVERY_TRY = tuple(tries())


def rules(random: Random, count: int, *, chains: bool) -> list[Rule]:
    """Return random rules of one hook; with chains, notes and marks as lifted dumps have them."""
    made: list[Rule] = []
    source = Source("rules", "x" * (count + 1))
    keys: list[str] = []
    for index in range(count):
        action = _action(random, keys, chains=chains)
        boxes = _boxes(random, keys)
        if isinstance(action, Note) and action.holds:
            keys.append(action.key)
        rule = Rule(
            f"rule-{index}",
            Family.IPV4,
            Hook.PREROUTING,
            Region(boxes),
            action,
            Span(source, index, index + 1),
        )
        made.append(rule)
    return made


def _action(random: Random, keys: Sequence[str], *, chains: bool) -> Action:
    if chains and random.random() < 0.4:
        kind = random.randrange(4)
        if kind == 0:
            return Note(f"chain-{len(keys)}")
        if kind == 1 and keys:
            return Note(random.choice(keys), holds=False)
        if kind == 2:
            return SetMark(random.choice((None, *MARKS)), random.choice((1, 2, 3, 0xFFFFFFFF)))
        return Unknown("NOTHING")
    return random.choice(
        (
            Accept(),
            Return(),
            Dnat(point(random.randrange(2))),
            Dnat(point(1), point(random.randrange(2))),
            Snat(point(0), persistent=random.random() < 0.5),
        )
    )


def _boxes(random: Random, keys: Sequence[str]) -> tuple[Box, ...]:
    """Return one box, or two that do not meet."""
    box = _box(random, keys)
    if random.random() < 0.8:
        return (box,)
    rest = list(_box(random, keys).minus(box, Family.IPV4))
    return (box, *rest)


def _box(random: Random, keys: Sequence[str]) -> Box:
    sets = {}
    for field, size in SIZES.items():
        if random.random() < 0.55:
            picked = random.sample(range(size), random.randrange(1, size))
            ranges = [(value, value) for value in picked]
            if size - 1 in picked:
                ranges[picked.index(size - 1)] = (size - 1, _last(field))
            sets[field] = IntervalSet.of(ranges)
    conditions: list[Condition] = []
    if random.random() < 0.25:
        conditions.append(Opaque(random.choice(SETS), random.random() < 0.5))
    if random.random() < 0.2:
        mask = random.choice((1, 2, 3))
        conditions.append(Mark(random.choice(MARKS) & mask, mask, random.random() < 0.5))
    if keys and random.random() < 0.6:
        conditions.append(Noted(random.choice(keys)))
    assert can_hold(conditions)
    return Box.of(sets, tuple(conditions))


def _last(field: Field) -> int:
    from natc.ir.fields import universe

    return universe(field, Family.IPV4).last


class State:
    """What has become of one packet on its way through the rules."""

    def __init__(self, packet: Try) -> None:
        self.packet = packet
        self.noted: set[str] = set()
        self.mark: int | None = packet.mark

    def holds(self, box: Box) -> bool | None:
        """Whether the packet is in `box` now; None where nobody knows."""
        for field, values in box.restricted():
            if self.packet.values[field] not in values:
                return False
        answers = [self._condition(condition) for condition in box.conditions]
        if False in answers:
            return False
        return None if None in answers else True

    def _condition(self, condition: Condition) -> bool | None:
        match condition:
            case Opaque(text, negated):
                return self.packet.in_sets[SETS.index(text)] is not negated
            case Mark(value, mask, negated):
                if self.mark is None:
                    return None
                return ((self.mark & mask) == value) is not negated
            case Noted(key, negated):
                return (key in self.noted) is not negated
        raise AssertionError(condition)

    def change(self, action: Action) -> None:
        """Do what `action` says, where the packet goes on."""
        match action:
            case Note(key, holds):
                (self.noted.add if holds else self.noted.discard)(key)
            case SetMark(None, _):
                self.mark = None
            case SetMark(int(value), mask) if self.mark is not None:
                self.mark = self.mark & ~mask ^ value


def matching(rules: Sequence[Rule], packet: Try) -> list[bool | None]:
    """Return for each rule whether it matches the packet, if no rule above decides; None: unknown.

    What decides first is the first that matches and has an action which decides.
    """
    state = State(packet)
    met: list[bool | None] = []
    for rule in rules:
        answers = [state.holds(box) for box in rule.match.boxes]
        met.append(True if True in answers else None if None in answers else False)
        if met[-1]:
            state.change(rule.action)
    return met


def effect(action: Action, packet: Try) -> object:
    """Return what becomes of a packet by an action that decides."""
    match action:
        case Accept() | Return():
            return "unchanged"
        case Dnat(addresses, ports):
            port = packet.values[Field.DESTINATION_PORT] if ports is None else ports.first
            return "to", addresses.first, port
    return action if not isinstance(action, Snat) else ("from", action.addresses)
