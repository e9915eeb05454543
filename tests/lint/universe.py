"""Random rules over a universe small enough to try every packet, and what they do to each.

A set of packets is one integer with a bit for each packet, so that all are tried at once.  Nothing
here knows natc's sets of boxes: what rules match is worked out rule by rule, from the top.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, reduce
from itertools import product
from operator import or_
from random import Random

from natc.address import Family
from natc.ir.actions import Accept, Action, Dnat, Hook, Note, Return, SetMark, Snat, Unknown
from natc.ir.conditions import Condition, Mark, Noted, Opaque, can_hold
from natc.ir.fields import Field, universe
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

SETS = (Opaque("friends"), Opaque("foes"))
LIMIT = Opaque("limit", occurrence=1)
"""By chance a packet is within it or not."""

MARKS = range(4)
MARK_BITS = (1, 2)


class Packet(Record):
    """One packet of the universe.

    Attributes:
        holding: which of the opaque matches hold.
        mark: as it comes.
    """

    values: dict[Field, int]
    holding: frozenset[Opaque]
    mark: int


def packets() -> Iterator[Packet]:
    """Yield every packet that rules of this universe can tell apart."""
    opaque = (*SETS, LIMIT)
    for values in product(*map(range, SIZES.values())):
        for answers in product((False, True), repeat=len(opaque)):
            holding = frozenset(each for each, holds in zip(opaque, answers, strict=True) if holds)
            for mark in MARKS:
                yield Packet(dict(zip(SIZES, values, strict=True)), holding, mark)


EVERY_PACKET = tuple(packets())

Packets = int
"""A set of packets: bit n is the nth of `EVERY_PACKET`."""


def those(are: Callable[[Packet], bool | int]) -> Packets:
    """Return the packets that are so."""
    return sum(1 << place for place, packet in enumerate(EVERY_PACKET) if are(packet))


def union(sets: Iterable[Packets]) -> Packets:
    return reduce(or_, sets, 0)


EVERY = those(lambda _: True)
WITH_VALUE = {
    field: [those(lambda packet: packet.values[field] == value) for value in range(size)]  # noqa: B023
    for field, size in SIZES.items()
}
HOLDING = {each: those(lambda packet: each in packet.holding) for each in (*SETS, LIMIT)}  # noqa: B023
WITH_BIT = {bit: those(lambda packet: packet.mark & bit) for bit in MARK_BITS}  # noqa: B023


def rules(random: Random, count: int, *, chains: bool) -> list[Rule]:
    """Return random rules of one hook.

    Args:
        chains: whether there are notes and marks as in lifted dumps, or else limits.
    """
    made: list[Rule] = []
    source = Source("rules", "x" * (count + 1))
    keys: list[str] = []
    for index in range(count):
        action = _action(random, keys, chains=chains)
        boxes = _boxes(random, keys, chains=chains)
        if made and random.random() < 0.2:
            boxes = random.choice(made).match.boxes
        again = random.choice(made).action if made and random.random() < 0.2 else action
        if not isinstance(again, Note):  # Each jump notes something of its own.
            action = again
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
            return SetMark(random.choice(MARKS), random.choice((1, 2, 3, 0xFFFFFFFF)))
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


def _boxes(random: Random, keys: Sequence[str], *, chains: bool) -> tuple[Box, ...]:
    """Return one box, or several that do not meet."""
    box = _box(random, keys, chains=chains)
    if random.random() < 0.8:
        return (box,)
    rest = list(_box(random, keys, chains=chains).minus(box, Family.IPV4))
    return (box, *rest)


def _box(random: Random, keys: Sequence[str], *, chains: bool) -> Box:
    sets = {}
    for field, size in SIZES.items():
        if random.random() < 0.55:
            picked = random.sample(range(size), random.randrange(1, size))
            ranges = [(value, value) for value in picked]
            if size - 1 in picked:
                ranges[picked.index(size - 1)] = (size - 1, universe(field, Family.IPV4).last)
            sets[field] = IntervalSet.of(ranges)
    conditions: list[Condition] = []
    if random.random() < 0.25:
        conditions.append(_or_not(random, random.choice(SETS)))
    if not chains and random.random() < 0.1:
        conditions.append(_or_not(random, LIMIT))
    if random.random() < 0.2:
        mask = random.choice((1, 2, 3))
        conditions.append(Mark(random.choice(MARKS) & mask, mask, random.random() < 0.5))
    if keys and random.random() < 0.6:
        conditions.append(Noted(random.choice(keys)))
    assert can_hold(conditions)
    return Box.of(sets, tuple(conditions))


def _or_not(random: Random, each: Opaque) -> Opaque:
    return Opaque(each.text, random.random() < 0.5, each.occurrence)


class State:
    """What has become of all packets on their way through the rules: of each its own.

    Attributes:
        noted: for each key, the packets of which it is noted.
        marked: for each bit of the mark, the packets that have it.
    """

    def __init__(self) -> None:
        self.noted: dict[str, Packets] = {}
        self.marked = dict(WITH_BIT)

    def inside(self, box: Box) -> Packets:
        """Return the packets that are in `box` now."""
        found = EVERY
        for field, values in box.restricted():
            found &= union(
                having
                for value, having in enumerate(WITH_VALUE[field])
                if value in values or (value == SIZES[field] - 1 and values.last > value)
            )
        for condition in box.conditions:
            holding = self._holding(condition)
            found &= ~holding if condition.negated else holding
        return found

    def _holding(self, condition: Condition) -> Packets:
        """Return the packets of which a condition holds, leaving its negation aside."""
        match condition:
            case Opaque(text, _, occurrence):
                return HOLDING[Opaque(text, occurrence=occurrence)]
            case Noted(key):
                return self.noted.get(key, 0)
            case Mark(value, mask):
                holding = EVERY
                for bit, having in self.marked.items():
                    if mask & bit:
                        holding &= having if value & bit else ~having
                return holding
        raise AssertionError(condition)

    def change(self, action: Action, those: Packets) -> None:
        """Do what `action` says to some packets, where they go on."""
        match action:
            case Note(key, holds=True):
                self.noted[key] = self.noted.get(key, 0) | those
            case Note(key):
                self.noted[key] = self.noted.get(key, 0) & ~those
            case SetMark(int(value), mask):
                for bit in MARK_BITS:
                    if mask & bit:
                        self.marked[bit] &= ~those
                    if value & bit:
                        self.marked[bit] ^= those


def matching(rules: Sequence[Rule], *, in_any_chain: bool = False) -> list[Packets]:
    """Return for each rule the packets that match it, if no rule above decides.

    What decides on a packet is the first that matches and has an action which decides.

    Args:
        in_any_chain: leave aside what rules ask of notes.
    """
    state = State()
    found: list[Packets] = []
    for rule in rules:
        boxes = rule.match.boxes
        met = union(map(state.inside, boxes))
        found.append(union(map(state.inside, map(_unnoted, boxes))) if in_any_chain else met)
        state.change(rule.action, met)
    return found


def _unnoted(box: Box) -> Box:
    asked = (each for each in box.conditions if not isinstance(each, Noted))
    return Box(box.sets, tuple(asked))


def by_chance(rule: Rule) -> Packets:
    """Return the packets that a limit lets match a rule."""
    limited = [
        box
        for box in rule.match.boxes
        if any(isinstance(each, Opaque) and each.occurrence for each in box.conditions)
    ]
    return union(map(State().inside, limited))


@cache
def effects(action: Action) -> dict[object, Packets]:
    """Return what an action that decides makes of packets, and of which."""
    match action:
        case Accept() | Return():
            return {"unchanged": EVERY}
        case Dnat(addresses, None):
            ports = enumerate(WITH_VALUE[Field.DESTINATION_PORT])
            return {("to", addresses.first, port): those for port, those in ports}
        case Dnat(addresses, IntervalSet() as ports):
            return {("to", addresses.first, ports.first): EVERY}
        case Snat(addresses):
            return {("from", addresses): EVERY}
    return {action: EVERY}


@cache
def treated_alike(one: Action, other: Action) -> Packets:
    """Return the packets of which two actions make the same."""
    theirs = effects(other)
    return union(those & theirs.get(effect, 0) for effect, those in effects(one).items())
