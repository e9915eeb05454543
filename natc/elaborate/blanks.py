"""Values left open: the rules of a statement, whatever addresses and ports stand in it.

Under an `OpenScope`, sets of addresses and ports hold a `Blank` in the place of each number.  Code
that compares it gets the answer that all the numbers which may stand there give; where they differ,
or where it calculates with one, it is stopped by a `TypeError`.  So what comes out holds for every
statement that differs in these values only: nothing has looked at them.
"""

import re
from typing import NoReturn, cast

from natc.elaborate.scope import Addresses, Scope
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import AddressSet
from natc.source import Source, Span

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HOST = rf"(?:22[0-3]|2[01][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.{_OCTET}\.{_OCTET}\.{_OCTET}"
"""One IPv4 address, as natc prints it, that an end of a connection can have."""

_PORT = "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
"""One port, as natc prints it."""

SIGN = "%"
"""What the marks of blanks begin and end with; no policy with blanks may hold it."""


class Blank:
    """A number of which only the bounds are known; every blank is one number throughout.

    Prints as its mark, in texts that hold for all its numbers.
    """

    def __init__(self, low: int, high: int, form: str, place: Span) -> None:
        """Leave open what stands at `place`: a number `low` to `high`, written as in `form`."""
        self.low = low
        self.high = high
        self.form = form
        self.place = place
        self.mark = f"{SIGN}{place.start}{SIGN}"

    def __str__(self) -> str:
        return self.mark

    def __eq__(self, other: object) -> bool:
        low, high = _bounds(other)
        if self.high < low or high < self.low:
            return False
        return self is other or _undecided()

    def __lt__(self, other: object) -> bool:
        low, high = _bounds(other)
        if self is other or high <= self.low:
            return False
        return self.high < low or _undecided()

    def __gt__(self, other: object) -> bool:
        low, high = _bounds(other)
        if self is other or self.high <= low:
            return False
        return high < self.low or _undecided()

    def __le__(self, other: object) -> bool:
        return not self > other

    def __ge__(self, other: object) -> bool:
        return not self < other

    def __sub__(self, other: object) -> int:
        return 0 if self is other else _undecided()

    def __and__(self, other: object) -> int:
        return 0 if other == 0 else _undecided()

    def __bool__(self) -> bool:
        return self != 0

    __hash__ = None  # type: ignore[assignment] # Tables would take two blanks for two numbers.


def _bounds(number: object) -> tuple[int, int]:
    if isinstance(number, Blank):
        return number.low, number.high
    return (number, number) if isinstance(number, int) else _undecided()


def _undecided() -> NoReturn:
    raise TypeError("this depends on the number that a blank stands for")


class OpenScope(Scope):
    """Reads a statement's addresses and ports as blanks, and all else as the scope given does."""

    def __init__(self, scope: Scope, statement: Source) -> None:
        vars(self).update(vars(scope))
        self.statement = statement
        self.blanks: dict[int, Blank] = {}
        """By the place of each in the statement."""

    def literal_addresses(self, text: str, span: Span) -> Addresses:
        """Return a blank for an address; networks and ranges stay as they are."""
        if span.source is not self.statement or not re.fullmatch(_HOST, text):
            return super().literal_addresses(text, span)
        found = AddressSet(self._blank(1 << 24, (224 << 24) - 1, _HOST, span))
        return Addresses(found, found.families, span)

    def literal_ports(self, text: str, span: Span, offset: int = 0) -> IntervalSet:
        """Return a blank for a port; ranges stay as they are."""
        if span.source is not self.statement or not re.fullmatch(_PORT, text):
            return super().literal_ports(text, span, offset)
        start = span.start + offset
        return self._blank(1, 65535, _PORT, Span(span.source, start, start + len(text)))

    def _blank(self, low: int, high: int, form: str, place: Span) -> IntervalSet:
        blank = self.blanks.setdefault(place.start, Blank(low, high, form, place))
        return point(cast(int, blank))
