"""What an apply changes of the rules, line by line.  Pure."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from natc.address import FAMILIES, Family
from natc.host.held import State
from natc.record import Record
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import TABLES, Part

Kind = Literal["added", "removed", "moved", "renamed"]
"""`moved` stands in another order among its neighbours; `renamed` does the same as before, and
tells another policy line."""

_COMMENT = re.compile(r' -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)')


class Change(Record):
    """One rule that changes.

    Attributes:
        rule: as the kernel prints it, from `-A` on.
        before: of one that is renamed, what it was.
        number: its place in the chain, from 1: of a removed one before, of others afterwards.
    """

    kind: Kind
    family: Family
    table: str
    chain: str
    rule: str
    number: int
    before: str | None = None


class JumpChange(Record):
    """A jump to natc's chains that is made, taken away, or put where it belongs."""

    kind: Literal["added", "removed", "moved"]
    family: Family
    table: str
    rule: str


def rule_changes(before: Mapping[Family, State], after: Mapping[Family, State]) -> list[Change]:
    """Return the rules of natc's chains that change, chain by chain."""
    return [
        change
        for family in FAMILIES
        for table in TABLES
        for chain in _chains(before[family].part(table), after[family].part(table))
        for change in _chain(
            family,
            table,
            chain,
            before[family].part(table).chains.get(chain, ()),
            after[family].part(table).chains.get(chain, ()),
        )
    ]


def jump_changes(
    before: Mapping[Family, State], after: Mapping[Family, State], place: Place
) -> list[JumpChange]:
    """Return the jumps that change; one that stands twice loses one."""
    return [
        JumpChange(kind, family, table, rule)
        for family in FAMILIES
        for table in TABLES
        for kind, rule in _jumps(before[family].part(table), after[family].part(table), place)
    ]


def _jumps(
    before: Part, after: Part, place: Place
) -> Iterator[tuple[Literal["added", "removed", "moved"], str]]:
    wanted = [f"-A {jump.chain}{jump.text}" for jump in after.jumps]
    for jump in before.jumps:
        rule = f"-A {jump.chain}{jump.text}"
        if rule not in wanted:
            yield "removed", rule
            continue
        wanted.remove(rule)
        if place not in jump.places:
            yield "moved", rule
    for rule in wanted:
        yield "added", rule


def _chains(before: Part, after: Part) -> list[str]:
    return list(dict.fromkeys((*before.chains, *after.chains)))


def _chain(
    family: Family, table: str, chain: str, before: Sequence[str], after: Sequence[str]
) -> Iterator[Change]:
    """Yield what changes in one chain: first what goes, in order, then all else."""
    if before == after:
        return
    pairs = _paired(before, after)
    gone = set(range(len(before))).difference(pairs.values())
    start = f"-A {chain}"
    for number in sorted(gone):
        yield Change("removed", family, table, chain, start + before[number], number + 1)
    kept = _in_order(pairs)
    for number, rule in enumerate(after):
        old = pairs.get(number)
        if old is None:
            yield Change("added", family, table, chain, start + rule, number + 1)
        elif number not in kept:
            yield Change("moved", family, table, chain, start + rule, number + 1)
        elif before[old] != rule:
            was = start + before[old]
            yield Change("renamed", family, table, chain, start + rule, number + 1, was)


def _paired(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return position after to position before of the rules that do the same."""
    places: dict[str, list[int]] = {}
    for number in range(len(before) - 1, -1, -1):
        places.setdefault(_COMMENT.sub("", before[number], count=1), []).append(number)
    found = {}
    for number, rule in enumerate(after):
        same = places.get(_COMMENT.sub("", rule, count=1))
        if same:
            found[number] = same.pop()
    return found


def _in_order(pairs: Mapping[int, int]) -> frozenset[int]:
    """Return a longest choice of pairs, by position after, whose order has not changed."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for after, old in pairs.items():
        place = bisect_left(tails, old)
        before[after] = ends[place - 1] if place else None
        tails[place : place + 1] = [old]
        ends[place : place + 1] = [after]
    found = set()
    at = ends[-1] if ends else None
    while at is not None:
        found.add(at)
        at = before[at]
    return frozenset(found)
