"""The rules of a hook, which of them packets can match at all, and which packets a rule can.

A gateway with ten thousand forwards has ten thousand rules for one destination each: packets to one
address are looked up among those for it, and among the others that can match them.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from natc.ir.conditions import Noted
from natc.ir.fields import Field
from natc.ir.index import Index, positions
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.simulate.way import Way

_FIELDS = tuple(Field)[: Field.LOCAL_DESTINATION]
"""What a packet shows of itself; the other fields are what the gateway knows of it."""

_REST = (None,) * (len(Field) - len(_FIELDS))

_FEW = 16
"""Rules that are not worth a look at an index."""

_WORTH = 8
"""Questions before an index is made."""

Asked = tuple[str | None, frozenset[int] | None, Rule]
"""A rule, the note without which no packet matches it, and the few destinations that it is for."""


class Lookup:
    """The rules of one hook, in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: list[Asked] = [
            (_note_asked_for(rule), _destinations(rule), rule) for rule in rules
        ]
        self._questions = 0

    def candidates(self, way: Way) -> Sequence[Asked]:
        """Return every rule that a packet of `way` can match, and perhaps others, in order."""
        self._questions += 1
        if self._questions <= _WORTH or len(self._rules) <= _FEW:
            return self._rules
        now = Box((*map(way.now, _FIELDS), *_REST))
        owners, index = self._index
        found = {owners[item] for item in positions(index.touching(now, 0, len(owners)))}
        return [self._rules[position] for position in sorted(found)]

    @cached_property
    def _index(self) -> tuple[list[int], Index]:
        """Which rule each box of an index belongs to, and the index."""
        every = [
            (position, Box((*box.sets[: len(_FIELDS)], *_REST)))
            for position, (_, _, rule) in enumerate(self._rules)
            for box in rule.match.boxes
        ]
        return [position for position, _ in every], Index(
            (item, box) for item, (_, box) in enumerate(every)
        )


class Parts:
    """The packets that no rule has decided yet, in parts."""

    def __init__(self, way: Way) -> None:
        self._wide: list[Way] = [way]
        self._by_destination: dict[int, list[Way]] = {}

    def add(self, ways: Iterable[Way]) -> None:
        """Put parts among the others."""
        for way in ways:
            values = way.now(Field.DESTINATION).ranges
            if len(values) == 1 and values[0][0] == values[0][1]:
                self._by_destination.setdefault(values[0][0], []).append(way)
            else:
                self._wide.append(way)

    def take(self, note: str | None, destinations: frozenset[int] | None) -> list[Way]:
        """Remove and return the parts that a rule can match."""
        places = self._by_destination.keys() if destinations is None else destinations
        groups = [self._by_destination[place] for place in places if place in self._by_destination]
        taken: list[Way] = []
        for group in (self._wide, *groups):
            if note is None:
                taken += group
                group.clear()
            elif any(note in way.noted for way in group):
                taken += [way for way in group if note in way.noted]
                group[:] = [way for way in group if note not in way.noted]
        return taken

    def rest(self) -> Iterator[Way]:
        """Yield all parts."""
        yield from self._wide
        for group in self._by_destination.values():
            yield from group


def _destinations(rule: Rule) -> frozenset[int] | None:
    """Return the destinations that a rule is for, None where they are not few."""
    found = set()
    for box in rule.match.boxes:
        values = box.get(Field.DESTINATION)
        if values is None or values.size > 1:
            return None
        found.add(values.first)
    return frozenset(found)


def _note_asked_for(rule: Rule) -> str | None:
    if len(rule.match.boxes) == 1:
        for condition in rule.match.boxes[0].conditions:
            if isinstance(condition, Noted) and not condition.negated:
                return condition.key
    return None
