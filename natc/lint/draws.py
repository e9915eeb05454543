"""Rows of rules that draw lots: the exact share of the connections that each of them gets.

Each rule draws among those that the rules before it left, so that equal shares of n need the
chances 1/n, 1/(n-1), … 1/2, and a last rule for the rest.  Source: iptables-extensions(8),
statistic.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from natc.ir.conditions import SHARES
from natc.lint.chains import Place, places
from natc.lint.subject import Subject
from natc.record import Record
from natc.targets.iptables.model import Match, Rule

_DECIDING = frozenset({"DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"})

Asked = tuple[Match, ...]
"""What a rule matches besides drawing."""


class Row(Record):
    """Rules that stand one below the other, and draw among the same packets.

    Attributes:
        rules: two at least.
        chances: of each, among what the rules before it left.
        rest: the rule below that takes what is left of the same packets; None is none.
    """

    rules: tuple[Rule, ...]
    chances: tuple[Fraction, ...]
    rest: Rule | None

    @property
    def left(self) -> Fraction:
        """The share that no draw takes."""
        left = Fraction(1)
        for chance in self.chances:
            left -= left * chance
        return left

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The share of each rule, that of the rest included."""
        left = Fraction(1)
        found = []
        for chance in self.chances:
            found.append(left * chance)
            left -= left * chance
        return (*found, left) if self.rest is not None else tuple(found)


@lru_cache(maxsize=1)  # Two lint rules ask, one after another.
def rows(subject: Subject) -> tuple[Row, ...]:
    """Return the rows of the nat table of a dump."""
    nat = [place for place in places(subject) if place.table == "nat"]
    return tuple(row for place in nat for row in _rows(place))


def _rows(place: Place) -> Iterator[Row]:
    row: list[Rule] = []
    chances: list[Fraction] = []
    asked: Asked = ()
    for rule in place.rules:
        chance = _chance(rule)
        if chance is not None and not _decides(rule, place):
            chance = None
        if row and (chance is None or _asked(rule) != asked):
            if len(row) > 1:
                yield Row(tuple(row), tuple(chances), rule if _takes_rest(rule, asked) else None)
            row, chances = [], []
        if chance is not None:
            row.append(rule)
            chances.append(chance)
            asked = _asked(rule)
    if len(row) > 1:
        yield Row(tuple(row), tuple(chances), None)


def _decides(rule: Rule, place: Place) -> bool:
    """Whether a packet that a rule takes does not go on to the next one, or is not meant to."""
    target = None if rule.jump is None else rule.jump.target
    return target in place.targets or target in _DECIDING


def _takes_rest(rule: Rule, asked: Asked) -> bool:
    """Whether a rule takes all that matches `asked`; it may match more, and do anything."""
    return rule.jump is not None and set(_matches(rule)) <= set(asked)


def _asked(rule: Rule) -> Asked:
    return tuple(match for match in _matches(rule) if match.module != "statistic")


def _matches(rule: Rule) -> Iterator[Match]:
    for match in rule.matches:
        if match.module != "comment":
            yield match


def _chance(rule: Rule) -> Fraction | None:
    """Return the chance of a rule that draws, None for one that does not, or in another way."""
    found = None
    for match in rule.matches:
        if match.module == "statistic":
            if found is not None:
                return None
            found = match
    if found is None:
        return None
    values = {option.flag: option.values[0] for option in found.options if not option.negated}
    try:
        if values.get("--mode") == "nth" and len(values) == len(found.options):
            return Fraction(1, int(values["--every"]))
        return Fraction(round(Fraction(values["--probability"]) * SHARES), SHARES)
    except (KeyError, ValueError, ZeroDivisionError):
        return None
