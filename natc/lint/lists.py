"""The rules of one hook as one list, for packets as they come to the hook.

Rules that were lifted from chains ask what earlier rules noted of a packet, and for marks that
earlier rules may have set.  Here both are worked out: what is left of a rule is the packets of the
hook that can come to it, as disjoint boxes.  What this cannot say within its bounds is left out,
and said to be.
"""

from collections.abc import Iterable, Iterator, Sequence

from natc.address import Family
from natc.ir.actions import Hook, Note, SetMark, Unknown, Untrack
from natc.ir.conditions import Condition, Mark, Noted, Opaque
from natc.ir.policy import Rule
from natc.ir.space import EVERYTHING, Box
from natc.record import Record, replace

MOST_BOXES = 128
"""Parts of the packets of one rule, or of one chain, before it is left undecided."""

Boxes = tuple[Box, ...]

_GOING_ON = (Note, SetMark, Untrack, Unknown)
"""Actions after which a packet goes on, or may."""


class HookList:
    """The rules of one family and hook, in their order.

    Attributes:
        boxes: for each rule the packets that can come to it as disjoint boxes, when no rule above
            decided on them; None where that is too much to say.
        decides: for each rule, whether it is certain to decide what it takes.
        within: for each rule, the position of the jump that leads to it; None: the hook's own.
        given_back: for the jumps, the rules of the chain by which packets leave it early.
    """

    def __init__(self, family: Family, hook: Hook, rules: Sequence[Rule]) -> None:
        self.family = family
        self.hook = hook
        self.rules = rules
        self.decides = [not isinstance(rule.action, _GOING_ON) for rule in rules]
        self.boxes: list[Boxes | None] = [rule.match.boxes for rule in rules]
        self.within: list[int | None] = [None] * len(rules)
        self.given_back: dict[int, list[int]] = {}
        if any(isinstance(rule.action, _GOING_ON) for rule in rules):
            walk = _Walk(family)
            for position, rule in enumerate(rules):
                self.within[position] = walk.came_by(rule)
                self.boxes[position] = walk.step(position, rule)
            self.given_back = walk.given_back

    @property
    def undecided(self) -> list[Rule]:
        """The rules of which it is too much to say what comes to them."""
        return [rule for rule, boxes in zip(self.rules, self.boxes, strict=True) if boxes is None]


class _TooMuch(Exception):  # noqa: N818 - an answer, not an error of natc
    """More than `MOST_BOXES` boxes."""


class _Change(Record):
    """Packets whose mark a rule changed.

    Attributes:
        value: None is not known; what one rule made of the mark is not what another made of it.
        position: of the rule.
    """

    position: int
    boxes: Boxes
    value: int | None
    mask: int


class _Walk:
    """The way through the rules of a hook, in order."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._noted: dict[str, Boxes | None] = {}
        self._jumps: dict[str, int] = {}
        self._changes: list[_Change] = []
        self.given_back: dict[int, list[int]] = {}

    def came_by(self, rule: Rule) -> int | None:
        """Return the position of the jump that leads to `rule`."""
        for box in rule.match.boxes:
            for condition in box.conditions:
                if isinstance(condition, Noted):
                    return self._jumps.get(condition.key)
        return None

    def step(self, position: int, rule: Rule) -> Boxes | None:
        """Return the packets that can come to `rule`, and remember what it does to them."""
        try:
            boxes: Boxes | None = self._coming(rule)
        except _TooMuch:
            boxes = None
        match rule.action:
            case Note(key, holds=True):
                self._noted[key] = boxes
                self._jumps[key] = position
            case Note(key):
                self.given_back.setdefault(self._jumps[key], []).append(position)
                self._noted[key] = self._without(self._noted.get(key), boxes)
            case SetMark(value, mask):
                unknown = _Change(position, (EVERYTHING,), None, mask)
                known = None if boxes is None else _Change(position, boxes, value, mask)
                self._changes.append(known or unknown)
        return boxes

    def _coming(self, rule: Rule) -> Boxes:
        found: list[Box] = []
        for box in rule.match.boxes:
            found += self._packets(box)
            if len(found) > MOST_BOXES:
                raise _TooMuch
        return tuple(found)

    def _packets(self, box: Box) -> list[Box]:
        """Return the packets of `box` by what they were when they came."""
        asked = [condition for condition in box.conditions if isinstance(condition, Noted)]
        marks = [condition for condition in box.conditions if isinstance(condition, Mark)]
        if not self._changes:
            marks = []
        settled = (*asked, *marks)
        if not settled:
            return [box]
        rest = tuple(condition for condition in box.conditions if condition not in settled)
        parts = [replace(box, conditions=rest)]
        for condition in asked:
            parts = self._having(parts, condition)
        return [found for part in parts for found in self._marked(part, marks)]

    def _having(self, parts: list[Box], asked: Noted) -> list[Box]:
        noted = self._noted.get(asked.key, ())
        if noted is None:
            raise _TooMuch
        if asked.negated:
            return list(_minus(parts, noted, self._family))
        met = (part & where for part in parts for where in noted)
        return [both for both in met if both is not None]

    def _without(self, boxes: Boxes | None, others: Boxes | None) -> Boxes | None:
        if boxes is None or others is None:
            return None
        try:
            return tuple(_minus(boxes, others, self._family))
        except _TooMuch:
            return None

    def _marked(self, part: Box, marks: Sequence[Mark]) -> Iterator[Box]:
        """Yield the packets of `part` whose mark, after all changes so far, is as `marks` say."""
        if not marks:
            yield part
            return
        cases: list[tuple[Box, tuple[Condition, ...]]] = [(part, tuple(marks))]
        for change in reversed(self._changes):
            before: list[tuple[Box, tuple[Condition, ...]]] = []
            for box, wanted in cases:
                outside = _minus([box], change.boxes, self._family)
                before += [(rest, wanted) for rest in outside]
                earlier = _before(wanted, change)
                if earlier is not None:
                    met = (box & where for where in change.boxes)
                    before += [(both, earlier) for both in met if both is not None]
            cases = before
        for box, wanted in cases:
            under: Box | None = box
            for condition in wanted:
                under = None if under is None else under.under(condition)
            if under is not None:
                yield under


def _before(wanted: Iterable[Condition], change: _Change) -> tuple[Condition, ...] | None:
    """Return what must hold before a change so that `wanted` holds after it; None: it cannot."""
    found: list[Condition] = []
    for condition in wanted:
        if not isinstance(condition, Mark):
            found.append(condition)
            continue
        value, mask, negated = condition.value, condition.mask, condition.negated
        if change.value is None:
            text = f"mark {value:#x}/{mask:#x}, set by rule {change.position}"
            found.append(Opaque(text, negated))
            continue
        left = mask & ~change.mask
        differs = bool((value ^ change.value) & mask & change.mask)
        if differs or not left:
            if differs is not negated:
                return None
            continue
        found.append(Mark((value ^ change.value) & left, left, negated))
    return tuple(found)


def _minus(boxes: Iterable[Box], others: Iterable[Box], family: Family) -> list[Box]:
    left = list(boxes)
    for other in others:
        left = [rest for box in left for rest in box.minus(other, family)]
        if len(left) > MOST_BOXES:
            raise _TooMuch
    return left
