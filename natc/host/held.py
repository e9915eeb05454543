"""natc's part of what the kernel holds, and what it is to hold."""

from collections.abc import Mapping

from natc.address import FAMILIES, Family
from natc.host.gateway import Gateway
from natc.record import Record
from natc.targets.iptables.model import Place, PolicyRoute, Ruleset
from natc.targets.iptables.own import (
    TABLES,
    Part,
    Parts,
    change,
    parts,
    ruleset_of,
    spliced,
    wanted_parts,
)

NOTHING = Part()


class State(Record):
    """natc's part of one family.

    Attributes:
        routes: policy routing that the rules rely on.
    """

    family: Family
    parts: Parts
    routes: tuple[PolicyRoute, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts or self.routes)

    def part(self, table: str) -> Part:
        """Return natc's part of a table."""
        return self.parts.get(table, NOTHING)

    def is_as(self, other: "State", place: Place | None = None) -> bool:
        """Whether it is `other`, word for word, with each jump once, and at `place` if given."""
        return set(self.routes) == set(other.routes) and all(
            self.part(table).is_as(other.part(table), place) for table in TABLES
        )

    def shape(self) -> "State":
        """Return the chains, the number of their rules, and the jumps to them.

        A kernel prints rules in its own words; this is what can be compared without them.
        """
        shapes = {table: part.shape() for table, part in self.parts.items()}
        return State(self.family, shapes, self.routes)

    def ruleset(self) -> Ruleset:
        """Return it as a ruleset."""
        return ruleset_of(self.parts, self.family, self.routes)

    def text(self) -> str:
        """Return the rules as iptables-save prints them where there are no others."""
        return spliced("", self.parts, Place.FIRST)


States = Mapping[Family, State]


def held(gateway: Gateway) -> States:
    """Return natc's part of what the kernel holds.

    Raises:
        HostError: it cannot be had.
    """
    return {
        family: State(family, parts(gateway.save(family)), gateway.routes(family))
        for family in FAMILIES
    }


def aimed_at(rulesets: Mapping[Family, Ruleset]) -> States:
    """Return what compiled rules want the kernel to hold."""
    return {
        family: State(family, wanted_parts(ruleset), tuple(ruleset.routes))
        for family, ruleset in rulesets.items()
    }


def place_of(states: States) -> Place:
    """Return where natc's jumps stand: first, unless one of them stands below all other rules."""
    jumps = [
        jump for state in states.values() for part in state.parts.values() for jump in part.jumps
    ]
    return Place.LAST if any(jump.place is Place.LAST for jump in jumps) else Place.FIRST


def routes_of(states: States) -> list[PolicyRoute]:
    """Return the policy routing that natc's rules of both families rely on."""
    return [route for state in states.values() for route in state.routes]


def transactions(before: State, after: State, place: Place) -> str:
    """Return the text that makes one of the other; each table is one transaction of the kernel.

    A table that is right already is not touched: its counters go on.
    """
    lines = []
    for table in _changed(before, after, place):
        lines += change(table, before.part(table), after.part(table), place)
    return "".join(f"{line}\n" for line in lines)


def count_transactions(before: State, after: State, place: Place) -> int:
    """Return how many transactions that takes."""
    return len(_changed(before, after, place))


def _changed(before: State, after: State, place: Place) -> list[str]:
    return [
        table
        for table in TABLES
        if (before.part(table) or after.part(table))
        and not before.part(table).is_as(after.part(table), place)
    ]
