"""The packets that two rule sets treat differently, exactly.

One rule set cuts all packets into parts of one fate; the other cuts each part further.  Where the
fates differ, the part is a difference.  Nothing is sampled: no difference means that every packet
is treated alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.conditions import SHARES, Draw, Opaque
from natc.ir.fields import NO_USER, Field, universe
from natc.ir.intervals import EMPTY, point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.record import Record, replace
from natc.simulate.changed import EVERY_PACKET, worth_comparing
from natc.simulate.engine import UNTRACKED, End, Engine
from natc.simulate.fate import Fate, Fates
from natc.simulate.marks import UNCHANGED
from natc.simulate.site import Site, by_destination
from natc.simulate.way import Choice, Moved, Way

MOST_FOUND = 100_000
"""Parts that differ before a comparison is given up."""

_MOST_SHARED = 20_000
"""Parts of packets whose fate the kernel chooses, before a comparison is given up."""


_INTERFACES = (Field.IN_INTERFACE, Field.OUT_INTERFACE)
_TRANSLATED = (
    Field.SOURCE,
    Field.SOURCE_PORT,
    Field.DESTINATION,
    Field.DESTINATION_PORT,
)
_SOURCE = (Field.SOURCE, Field.SOURCE_PORT)
_SOURCE_PHASE = (Hook.INPUT, Hook.POSTROUTING)


class Undecided(Exception):  # noqa: N818 - an answer, not an error of natc
    """There is too much to look at."""


class Treatment(Record):
    """Packets that share their fate.

    Attributes:
        rules: those that decided, in the order of the packet's way.
    """

    packets: Box
    fates: Fates
    rules: tuple[Rule, ...]


class Difference(Record):
    """Packets that two rule sets treat differently."""

    packets: Box
    left: Treatment
    right: Treatment


def compare(left: Policy, right: Policy, family: Family, site: Site) -> list[Difference]:
    """Return the packets of one family that `left` and `right` treat differently; none is equality.

    Raises:
        Undecided: there is too much to look at.
    """
    theirs = Engine(right, family, _unrouted(site))
    found: list[Difference] = []
    worth = worth_comparing(left, right, family)
    for one in treatments(left, family, site, list(by_destination(worth, family, site))):
        for other in _treatments(theirs, [one.packets]):
            found += _differing(other.packets, one, other, family)
            if len(found) > MOST_FOUND:
                raise Undecided
    return _joined(found, family)


def treatments(
    policy: Policy, family: Family, site: Site, packets: Sequence[Box] = EVERY_PACKET
) -> list[Treatment]:
    """Return `packets` in disjoint parts, each with its fates."""
    return _treatments(Engine(policy, family, _unrouted(site)), packets)


def _unrouted(site: Site) -> Site:
    """Return the site without what differs from packet to packet.

    The way out is a part of the packets: two rule sets that send a packet to different places treat
    it differently, whichever way each place lies.  The address of an interface is a choice of its
    own kind: it may change, which a fixed address does not.
    """
    return replace(site, routes=(), primaries=())


def _treatments(engine: Engine, packets: Sequence[Box]) -> list[Treatment]:
    alone: list[Treatment] = []
    shared: list[tuple[Box, Fate, Fraction | None, tuple[Rule, ...]]] = []
    for start in packets:
        for end in engine.ends(start):
            box, chance = _without_draws(end.way.packets)
            fate, rules = fate_of(end), _rules(end.way)
            if end.way.is_choice or chance != 1:
                shared.append((box, fate, None if end.way.is_choice else chance, rules))
            else:
                alone.append(Treatment(box, frozenset({(fate, Fraction(1))}), rules))
    return alone + _separated(shared, engine.family)


def fate_of(end: End) -> Fate:
    """Return what matters of an end."""
    way = end.way
    if end.verdict != "accepted":
        return Fate(end.verdict, ())
    fields = sorted(field for field in way.moved if field not in _INTERFACES)
    moved = [(field, way.moved[field]) for field in fields if way.moved[field] != 0]
    fate = Fate(end.verdict, tuple(moved), end.proxy, UNTRACKED in way.noted, way.mark)
    return _settled(fate, way.packets)


def _rules(way: Way) -> tuple[Rule, ...]:
    return tuple(step.rule for step in way.steps if step.rule is not None)


def _without_draws(packets: Box) -> tuple[Box, Fraction | None]:
    """Return the packets whatever is drawn, and the chance of what was; None is not known."""
    chance: Fraction | None = Fraction(1)
    plain = []
    for condition in packets.conditions:
        if isinstance(condition, Draw):
            share = Fraction(condition.share, SHARES)
            chance = (
                None if chance is None else chance * (1 - share if condition.negated else share)
            )
        elif isinstance(condition, Opaque) and condition.is_fickle:
            chance = None
        else:
            plain.append(condition)
    return replace(packets, conditions=tuple(plain)), chance


def _separated(
    shared: Iterable[tuple[Box, Fate, Fraction | None, tuple[Rule, ...]]], family: Family
) -> list[Treatment]:
    """Return disjoint parts of boxes that may overlap, each with all its fates."""
    parts: list[tuple[Box, list[tuple[Fate, Fraction | None]], list[Rule]]] = []
    for box, fate, chance, rules in shared:
        left = [box]
        cut: list[tuple[Box, list[tuple[Fate, Fraction | None]], list[Rule]]] = []
        for part, fates, deciders in parts:
            both = part & box
            if both is None:
                cut.append((part, fates, deciders))
                continue
            cut += [(rest, fates, deciders) for rest in part.minus(box, family)]
            cut.append((both, [*fates, (fate, chance)], [*deciders, *rules]))
            left = [rest for piece in left for rest in piece.minus(part, family)]
        parts = cut + [(piece, [(fate, chance)], list(rules)) for piece in left]
        if len(parts) > _MOST_SHARED:
            raise Undecided
    return [
        Treatment(box, _together(fates), tuple(dict.fromkeys(rules))) for box, fates, rules in parts
    ]


def _together(fates: Iterable[tuple[Fate, Fraction | None]]) -> Fates:
    """Add up the chances of one fate; a choice whose chances are not known has none."""
    chances: dict[Fate, Fraction | None] = {}
    for fate, chance in fates:
        before = chances.get(fate, Fraction(0))
        chances[fate] = None if chance is None or before is None else before + chance
    chances = _one_choice(chances)
    if len(chances) == 1:  # Whatever is drawn, and whatever a limit says.
        chances = dict.fromkeys(chances, Fraction(1))
    return frozenset(chances.items())


def _one_choice(chances: dict[Fate, Fraction | None]) -> dict[Fate, Fraction | None]:
    """Put together what rules have told apart of one choice of the kernel's."""
    if len(chances) == 1:
        return chances
    for field in _TRANSLATED:
        joined: dict[Fate, tuple[Choice, Fraction | None]] = {}
        whole: dict[Fate, Fraction | None] = {}
        for fate, chance in chances.items():
            moved = dict(fate.moved)
            choice = moved.pop(field, 0)
            if chance is not None or not isinstance(choice, Choice) or choice.how == "fixed":
                whole[fate] = chance
                continue
            key = replace(fate, moved=(*moved.items(), (field, Choice(EMPTY, choice.how))))
            before = joined.get(key)
            values = choice.values if before is None else before[0].values | choice.values
            joined[key] = Choice(values, choice.how), None
        for key, (choice, chance) in joined.items():
            moved = dict(key.moved) | {field: choice}
            whole[replace(key, moved=tuple(sorted(moved.items())))] = chance
        chances = whole
    return chances


def _differing(
    packets: Box, left: Treatment, right: Treatment, family: Family
) -> Iterator[Difference]:
    """Yield the parts of `packets` whose fates differ."""
    mine, theirs = (_for(treatment.fates, packets) for treatment in (left, right))
    if mine == theirs:
        return
    place = _crossing(packets, mine, theirs)
    if place is None:
        yield Difference(packets, replace(left, fates=mine), replace(right, fates=theirs))
        return
    yield from _differing(place, left, right, family)
    for rest in packets.minus(place, family):
        yield from _differing(rest, left, right, family)


def _for(fates: Fates, packets: Box) -> Fates:
    """Return the fates of a part in one form: a single value's new value, not its distance."""
    return _together((_settled(fate, packets), chance) for fate, chance in fates)


def _settled(fate: Fate, packets: Box) -> Fate:
    """Return a fate without distances from single values, and without what stays where it was."""
    new = ((field, _new(packets, field, moved)) for field, moved in fate.moved)
    moved = tuple(each for each in new if each[1] != _where_it_was(packets, each[0]))
    return fate if moved == fate.moved else replace(fate, moved=moved)


def _where_it_was(packets: Box, field: Field) -> Choice | None:
    values = packets.get(field)
    return Choice(values) if values is not None and values.size == 1 else None


def _new(packets: Box, field: Field, moved: Moved) -> Moved:
    if isinstance(moved, Choice):
        return moved
    values = packets.get(field)
    if values is None or values.size != 1:
        return moved
    return Choice(point(values.first + moved))


def _crossing(packets: Box, left: Fates, right: Fates) -> Box | None:
    """Return the part where a distance on one side leads to the value on the other; None: none.

    What is not moved is at no distance.
    """
    for one, _ in left:
        for other, _ in right:
            mine, theirs = dict(one.moved), dict(other.moved)
            for field in dict.fromkeys((*mine, *theirs)):
                distance, choice = mine.get(field, 0), theirs.get(field, 0)
                if isinstance(distance, Choice):
                    distance, choice = choice, distance
                if isinstance(distance, Choice) or not isinstance(choice, Choice):
                    continue
                if choice.values.size == 1 and choice.values.first >= distance:
                    here = packets & Box.of({field: point(choice.values.first - distance)})
                    if here is not None and here != packets:
                        return here
    return None


# Fewer, larger parts.


def _joined(found: list[Difference], family: Family) -> list[Difference]:
    """Join parts that differ alike and lie side by side.

    Where the destinations differ, what happens to the source afterwards does not tell parts apart.
    """
    groups: dict[tuple[Fates, Fates], list[Difference]] = {}
    for difference in found:
        difference = _telling(difference)  # noqa: PLW2901 - the same, without what follows from it
        groups.setdefault((difference.left.fates, difference.right.fates), []).append(difference)
    return [joined for group in groups.values() for joined in _joined_group(group, family)]


def _telling(difference: Difference) -> Difference:
    left, right = difference.left, difference.right
    mine, theirs = _destinations(left.fates), _destinations(right.fates)
    if mine != theirs:
        left, right = _arriving(left, mine), _arriving(right, theirs)
    return Difference(_plain(difference.packets), left, right)


def _destinations(fates: Fates) -> Fates:
    """Return the fates without what becomes of the source and of the mark."""
    return _together((_turned(fate), chance) for fate, chance in fates)


def _turned(fate: Fate) -> Fate:
    moved = tuple((field, moved) for field, moved in fate.moved if field not in _SOURCE)
    return replace(fate, moved=moved, mark=UNCHANGED)


def _arriving(treatment: Treatment, fates: Fates) -> Treatment:
    rules = tuple(rule for rule in treatment.rules if rule.hook not in _SOURCE_PHASE)
    return replace(treatment, fates=fates, rules=rules)


def _plain(packets: Box) -> Box:
    """Return the packets without saying that those from outside have no sender here."""
    arriving = packets.get(Field.IN_INTERFACE)
    if arriving is not None and 0 not in arriving and packets.get(Field.USER) == point(NO_USER):
        return packets.having(Field.USER, None)
    return packets


def _joined_group(group: list[Difference], family: Family) -> list[Difference]:
    before = len(group) + 1
    while len(group) < before:
        before = len(group)
        for field in Field:
            group = list(_along(field, group, family))
    return group


def _along(field: Field, group: list[Difference], family: Family) -> Iterable[Difference]:
    """Return the differences with those joined that differ in `field` alone."""
    by_rest: dict[Box, Difference] = {}
    for difference in group:
        rest = difference.packets.having(field, None)
        other = by_rest.get(rest)
        by_rest[rest] = difference if other is None else _both(other, difference, field, family)
    return by_rest.values()


def _both(one: Difference, other: Difference, field: Field, family: Family) -> Difference:
    mine, theirs = one.packets.get(field), other.packets.get(field)
    both = None if mine is None or theirs is None else mine | theirs
    if both == universe(field, family):
        both = None
    left, right = (
        replace(a, rules=tuple(dict.fromkeys((*a.rules, *b.rules))))
        for a, b in ((one.left, other.left), (one.right, other.right))
    )
    return Difference(one.packets.having(field, both), left, right)
