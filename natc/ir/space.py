"""Sets of packets: boxes (one set a dimension) and finite unions of them."""

from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet
from natc.record import Record


class Mark(Record):
    """The packet's mark has `value` in the bits of `mask`, or has not."""

    value: int
    mask: int
    negated: bool = False


class InSet(Record):
    """The packet is in a kernel ipset, or is not.  natc does not know the set: opaque.

    Attributes:
        flags: `src` or `dst` for each dimension of the set.
    """

    name: str
    flags: tuple[str, ...]
    negated: bool = False


Condition = Mark | InSet
"""A match that is not an interval of one dimension."""

_FIELDS = tuple(Field)
_COUNT = len(_FIELDS)


class Box(Record):
    """A product of sets, restricted further by conditions, all of which must hold.

    Attributes:
        sets: one for each `Field`, by index; None is every value.  Never empty sets.
        conditions: sorted, without repetition.
    """

    sets: tuple[IntervalSet | None, ...] = (None,) * _COUNT
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, sets: Mapping[Field, IntervalSet], conditions: tuple[Condition, ...] = ()) -> "Box":
        """Return the box with the given sets; fields not named are unrestricted."""
        row: list[IntervalSet | None] = [None] * _COUNT
        for field, values in sets.items():
            row[field] = values
        return cls(tuple(row), tuple(sorted(set(conditions), key=repr)) if conditions else ())

    def get(self, field: Field) -> IntervalSet | None:
        """Return the set of `field`, None when unrestricted."""
        return self.sets[field]

    def restricted(self) -> Iterator[tuple[Field, IntervalSet]]:
        """Yield the restricted fields and their sets."""
        for field, values in zip(_FIELDS, self.sets, strict=True):
            if values is not None:
                yield field, values

    def __and__(self, other: "Box") -> "Box | None":
        """Return the intersection, None when it is empty."""
        row: list[IntervalSet | None] = []
        for mine, theirs in zip(self.sets, other.sets, strict=True):
            both = theirs if mine is None else mine if theirs is None else mine & theirs
            if both is not None and not both:
                return None
            row.append(both)
        conditions = set(self.conditions) | set(other.conditions)
        return Box(tuple(row), tuple(sorted(conditions, key=repr)))

    def minus(self, other: "Box", family: Family) -> Iterator["Box"]:
        """Yield disjoint boxes whose union is this box without `other`.

        Raises:
            ValueError: `other` has conditions, which have no box for a complement.
        """
        if other.conditions:
            raise ValueError("only a box without conditions can be subtracted")
        if self & other is None:
            yield self
            return
        row = list(self.sets)
        for field, theirs in other.restricted():
            mine = row[field] or universe(field, family)
            rest = mine - theirs
            if rest:
                yield Box((*row[:field], rest, *row[field + 1 :]), self.conditions)
            row[field] = mine & theirs


EVERYTHING = Box()


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
