"""The rules of a hook, which of them packets can match at all, and which packets a rule can.

A gateway with ten thousand forwards has ten thousand rules for one destination each: packets to one
address are looked up among those for it, and among the few that are for many.
"""

from collections.abc import Iterable, Iterator, Sequence

from natc.ir.conditions import Noted
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.simulate.way import Way

_FIELDS = (Field.DESTINATION, Field.SOURCE, Field.DESTINATION_PORT)
_FEW = 16
"""Rules that are not worth a look at an index."""

Asked = tuple[str | None, frozenset[int] | None, Rule]
"""A rule, the note without which no packet matches it, and the few destinations that it is for."""


class Lookup:
    """The rules of one hook, in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: list[Asked] = [
            (_note_asked_for(rule), _values(rule, Field.DESTINATION), rule) for rule in rules
        ]
        few = len(rules) <= _FEW
        self._by_field = {} if few else {field: _Index(rules, field) for field in _FIELDS}

    def candidates(self, way: Way) -> Sequence[Asked]:
        """Return every rule that a packet of `way` can match, and perhaps others, in order."""
        best: list[int] | None = None
        for field, index in self._by_field.items():
            values = way.now(field)
            if len(values.ranges) == 1 and values.first == values.last:
                found = index.at(values.first)
                if best is None or len(found) < len(best):
                    best = found
        return self._rules if best is None else [self._rules[position] for position in best]


class _Index:
    """Positions of rules by the one value that each asks of a field."""

    def __init__(self, rules: Sequence[Rule], field: Field) -> None:
        self._points: dict[int, list[int]] = {}
        self._others: list[int] = []
        for position, rule in enumerate(rules):
            values = _values(rule, field)
            if values is None:
                self._others.append(position)
            else:
                for value in values:
                    self._points.setdefault(value, []).append(position)

    def at(self, value: int) -> list[int]:
        """Return the positions of rules that may match packets of `value`."""
        found = self._points.get(value)
        return self._others if found is None else sorted([*found, *self._others])


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


def _values(rule: Rule, field: Field) -> frozenset[int] | None:
    """Return the values of a field that a rule is for, None where they are not few."""
    found = set()
    for box in rule.match.boxes:
        values = box.get(field)
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
