"""The rules of a hook, and which of them packets can match at all.

A gateway with ten thousand forwards has ten thousand rules for one destination each: packets to one
address are looked up among those for it, and among the few that are for many.
"""

from collections.abc import Sequence

from natc.ir.conditions import Noted
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.simulate.way import Way

_FIELDS = (Field.DESTINATION, Field.SOURCE, Field.DESTINATION_PORT)
_FEW = 16
"""Rules that are not worth a look at an index."""

Asked = tuple[str | None, Rule]
"""A rule, and the note without which no packet matches it."""


class Lookup:
    """The rules of one hook, in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: list[Asked] = [(_note_asked_for(rule), rule) for rule in rules]
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
            values = {box.get(field) for box in rule.match.boxes}
            if all(value is not None and value.size == 1 for value in values):
                for value in values:
                    if value is not None:
                        self._points.setdefault(value.first, []).append(position)
            else:
                self._others.append(position)

    def at(self, value: int) -> list[int]:
        """Return the positions of rules that may match packets of `value`."""
        found = self._points.get(value)
        return self._others if found is None else sorted([*found, *self._others])


def _note_asked_for(rule: Rule) -> str | None:
    if len(rule.match.boxes) == 1:
        for condition in rule.match.boxes[0].conditions:
            if isinstance(condition, Noted) and not condition.negated:
                return condition.key
    return None
