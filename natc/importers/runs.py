"""Long rows of rules that differ in one set: thousands of networks, each with its rule."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import groupby
from typing import TypeVar

from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box

_T = TypeVar("_T")


def runs(items: Iterable[_T], key: Callable[[_T], Hashable]) -> Iterator[list[_T]]:
    """Yield the items in rows with one key; those whose key is None stand alone."""
    for found, row in groupby(items, key):
        if found is None:
            yield from ([item] for item in row)
        else:
            yield list(row)


def union(sets: Iterable[IntervalSet]) -> IntervalSet:
    """Return all members of many sets."""
    return IntervalSet.of(block for each in sets for block in each.ranges)


def fewer(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return boxes with the same packets, those joined that differ in one field alone."""
    found = tuple(boxes)
    for field in Field:
        by_rest: dict[Box, list[IntervalSet | None]] = {}
        for box in found:
            by_rest.setdefault(box.having(field, None), []).append(box.get(field))
        found = tuple(
            rest if None in values else rest.having(field, union(v for v in values if v))
            for rest, values in by_rest.items()
        )
    return found
