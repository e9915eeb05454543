"""Where random values come from: Hypothesis, which can shrink them, or a seed, which is fast.

The makers of policies and packets ask for integers and nothing else, so the same makers serve the
tests, a few hundred policies at a time, and the kernel fuzzer, a few hundred thousand.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Chance(Protocol):
    """A source of random integers."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer of `low`..`high`."""
        ...


class Drawn:
    """Integers that Hypothesis draws, which tend towards the low end."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """See `Chance`."""
        return int(self._draw(st.integers(low, high)))


class Rolled:
    """Integers that follow from a seed, all alike."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def integer(self, low: int, high: int) -> int:
        """See `Chance`."""
        return low + int(self._random() * (high - low + 1))


def one_of(chance: Chance, values: Sequence[T]) -> T:
    """Return one of `values`."""
    return values[chance.integer(0, len(values) - 1)] if len(values) > 1 else values[0]
