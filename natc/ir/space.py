"""Sets of packets: boxes (one set a dimension) and finite unions of them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from natc.address import Family
from natc.ir.conditions import Condition, can_both_hold, can_hold, negation
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet
from natc.record import Record

_FIELDS = tuple(Field)
_COUNT = len(_FIELDS)


class Box(Record):
    """A product of sets, restricted further by conditions, all of which must hold.

    Attributes:
        sets: one for each `Field`, by index; None is every value.  Never empty sets.
        conditions: sorted, without repetition; they can hold together.
    """

    sets: tuple[IntervalSet | None, ...] = (None,) * _COUNT
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, sets: Mapping[Field, IntervalSet], conditions: tuple[Condition, ...] = ()) -> "Box":
        """Return the box with the given sets; fields not named are unrestricted."""
        row: list[IntervalSet | None] = [None] * _COUNT
        for field, values in sets.items():
            row[field] = values
        return cls(tuple(row), _sorted(conditions) if conditions else ())

    def get(self, field: Field) -> IntervalSet | None:
        """Return the set of `field`, None when unrestricted."""
        return self.sets[field]

    def restricted(self) -> Iterator[tuple[Field, IntervalSet]]:
        """Yield the restricted fields and their sets."""
        for field, values in zip(_FIELDS, self.sets, strict=True):
            if values is not None:
                yield field, values

    def having(self, field: Field, values: IntervalSet | None) -> "Box":
        """Return the box with another set for `field`; it must not be empty."""
        return Box((*self.sets[:field], values, *self.sets[field + 1 :]), self.conditions)

    def under(self, condition: Condition) -> "Box | None":
        """Return the part of the box where `condition` holds too, None when it is empty."""
        if condition in self.conditions:
            return self
        if not can_both_hold(self.conditions, (condition,)):
            return None
        place = bisect_left(self.conditions, repr(condition), key=repr)
        before, after = self.conditions[:place], self.conditions[place:]
        return Box(self.sets, (*before, condition, *after))

    def __and__(self, other: "Box") -> "Box | None":
        """Return the intersection, None when it is empty."""
        row: list[IntervalSet | None] = []
        for mine, theirs in zip(self.sets, other.sets, strict=True):
            both = theirs if mine is None else mine if theirs is None else mine & theirs
            if both is not None and not both.ranges:
                return None
            row.append(both)
        if not self.conditions or not other.conditions:
            return Box(tuple(row), self.conditions or other.conditions)
        together = _sorted((*self.conditions, *other.conditions))
        return Box(tuple(row), together) if can_hold(together) else None

    def meets(self, other: "Box") -> bool:
        """Whether the two have a packet in common."""
        for mine, theirs in zip(self.sets, other.sets, strict=True):
            if mine is not None and theirs is not None and not mine.meets(theirs):
                return False
        return (
            not (self.conditions and other.conditions)
            or self.conditions == other.conditions
            or can_both_hold(self.conditions, other.conditions)
        )

    def minus(self, other: "Box", family: Family) -> Iterator["Box"]:
        """Yield disjoint boxes whose union is this box without `other`."""
        if self.meets(other):
            yield from self.cut(other, family)
        else:
            yield self

    def cut(self, other: "Box", family: Family) -> Iterator["Box"]:
        """Yield what `minus` does, of a box that meets `other`."""
        rest = self
        for field, mine, theirs in zip(_FIELDS, self.sets, other.sets, strict=True):
            if theirs is None:
                continue
            outside = (mine or universe(field, family)) - theirs
            if outside.ranges:
                yield rest.having(field, outside)
                rest = rest.having(field, theirs if mine is None else mine & theirs)
        for condition in other.conditions:
            without = rest.under(negation(condition))
            if without is not None:
                yield without
            inside = rest.under(condition)
            if inside is None:
                raise AssertionError("the boxes meet")
            rest = inside


EVERYTHING = Box()


def _sorted(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    return tuple(sorted(set(conditions), key=repr))


class Region(Record):
    """A finite union of disjoint boxes; no box is no packet."""

    boxes: tuple[Box, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def __and__(self, other: "Region") -> "Region":
        met = (mine & theirs for mine in self.boxes for theirs in other.boxes)
        return Region(tuple(box for box in met if box is not None))

    def minus(self, other: "Region", family: Family) -> "Region":
        """Return this region without `other`, of one family."""
        boxes = self.boxes
        for theirs in other.boxes:
            boxes = tuple(part for mine in boxes for part in mine.minus(theirs, family))
        return Region(boxes)
