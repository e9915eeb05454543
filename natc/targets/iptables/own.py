"""natc's part of rules that others use too, as lines of iptables-save text; all else is theirs.

Lines are kept as they are: what a kernel says of its rules is given back to it word for word.
"""

import re
from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.record import Record, replace
from natc.targets.iptables.model import (
    BUILT_IN,
    JUMP_COMMENT,
    Chain,
    Place,
    PolicyRoute,
    Ruleset,
    Table,
)
from natc.targets.iptables.write import rule_text

_is_own = re.compile(r"NATC-[A-Z]+(-[0-9]+)?").fullmatch
_jump = re.compile(rf'-A (\S+)( -m comment --comment "?{JUMP_COMMENT}"? -j NATC-[A-Z]+)')
_target = re.compile(r" -[jg] (NATC-[A-Z]+(?:-[0-9]+)?)(?: |$)")

TABLES = ("mangle", "nat")
"""The tables that natc writes to, in the order in which packets meet them."""


class Jump(Record):
    """A rule of a built-in chain that leads to natc's.

    Attributes:
        text: the rule after `-A CHAIN`, from a blank on.
        places: those that it stands at: a chain may hold nothing else.
    """

    chain: str
    text: str
    places: frozenset[Place]

    @property
    def place(self) -> Place | None:
        """The one that it stands at; None where it stands in the middle, or alone."""
        return next(iter(self.places)) if len(self.places) == 1 else None


class Part(Record):
    """natc's part of one table.

    Attributes:
        chains: name to rules, each the text after `-A CHAIN`, from a blank on.
        held: natc's chains that rules of others lead to; the kernel does not let them go.
    """

    chains: Mapping[str, tuple[str, ...]] = {}
    jumps: tuple[Jump, ...] = ()
    held: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.chains or self.jumps)

    def is_as(self, other: "Part", place: Place | None) -> bool:
        """Whether the rules are those of `other`, with each jump once, and at `place` if given.

        An empty chain that only rules of others lead to does not count.
        """
        return (
            _counting(self, other) == _counting(other, self)
            and sorted((jump.chain, jump.text) for jump in self.jumps)
            == sorted((jump.chain, jump.text) for jump in other.jumps)
            and (place is None or all(place in jump.places for jump in self.jumps))
        )

    def shape(self) -> "Part":
        """Return the part with nothing of a rule but that it is there."""
        chains = {name: ("",) * len(rules) for name, rules in self.chains.items()}
        return replace(self, chains=chains)


def _counting(part: Part, other: Part) -> Mapping[str, tuple[str, ...]]:
    return {
        name: rules
        for name, rules in part.chains.items()
        if rules or name in other.chains or name not in part.held
    }


Parts = Mapping[str, Part]
"""Table to natc's part of it; tables without one are not in it."""


def parts(dump: str) -> Parts:
    """Return natc's part of what iptables-save printed, with or without counters."""
    return dict(_parts(dump))


def _parts(dump: str) -> Iterator[tuple[str, Part]]:
    for table, lines in _tables(dump):
        chains: dict[str, list[str]] = {}
        jumps: list[tuple[str, str, int]] = []
        held: set[str] = set()
        sizes: dict[str, int] = {}
        for line in lines:
            if line[0] == ":":
                name = line[1:].split(" ", 1)[0]
                if _is_own(name):
                    chains[name] = []
                continue
            rule = line[line.index("] ") + 2 :] if line[0] == "[" else line
            if not rule.startswith("-A "):
                continue
            name = rule.split(" ", 2)[1]
            if name in chains:
                chains[name].append(rule[len(name) + 3 :])
                continue
            sizes[name] = sizes.get(name, 0) + 1
            if name in BUILT_IN[table] and (own := _jump.fullmatch(rule)):
                jumps.append((name, own[2], sizes[name]))
            elif found := _target.search(rule):
                held.add(found[1])
        found_jumps = tuple(
            Jump(name, text, _places(number, sizes[name])) for name, text, number in jumps
        )
        part = Part(
            {name: tuple(rules) for name, rules in chains.items()}, found_jumps, frozenset(held)
        )
        if part:
            yield table, part


def _places(number: int, size: int) -> frozenset[Place]:
    places = {Place.FIRST} if number == 1 else set()
    return frozenset(places | {Place.LAST} if number == size else places)


def _tables(dump: str) -> Iterator[tuple[str, list[str]]]:
    lines: list[str] = []
    table = ""
    for line in dump.splitlines():
        if line.startswith("*"):
            table, lines = line[1:].strip(), []
        elif line == "COMMIT":
            if table in BUILT_IN:
                yield table, lines
        elif line and line[0] in ":-[":
            lines.append(line)


def wanted_parts(ruleset: Ruleset) -> Parts:
    """Return what natc wants to have of each table."""
    return {table.name: _wanted(table) for table in ruleset.tables}


def _wanted(table: Table) -> Part:
    built_in = BUILT_IN[table.name]
    everywhere = frozenset(Place)
    jumps = tuple(
        Jump(chain.name, text, everywhere)
        for chain in table.chains
        if chain.name in built_in
        for text in _texts(chain)
    )
    chains = {
        chain.name: tuple(_texts(chain)) for chain in table.chains if chain.name not in built_in
    }
    return Part(chains, jumps)


def _texts(chain: Chain) -> Iterator[str]:
    for rule in chain.rules:
        yield rule if isinstance(rule, str) else rule_text(rule)


def ruleset_of(own: Parts, family: Family, routes: tuple[PolicyRoute, ...] = ()) -> Ruleset:
    """Return natc's part of a kernel's rules as a ruleset, with text inside.

    Jumps are to stand where they stand now, first or last.
    """
    tables = tuple(
        Table(
            table,
            (
                *(Chain(jump.chain, (jump.text,), place=jump.place) for jump in own[table].jumps),
                *(Chain(name, rules) for name, rules in own[table].chains.items()),
            ),
        )
        for table in TABLES
        if table in own
    )
    return Ruleset(family, tables, routes)


def change(table: str, before: Part, after: Part, place: Place) -> list[str]:
    """Return the lines of one transaction that makes `after` of `before` in a table.

    It fails, and changes nothing, where a jump of `before` is no longer there.
    """
    gone = [name for name in before.chains if name not in after.chains]
    lines = [f"*{table}"]
    lines += [f":{name} - [0:0]" for name in (*after.chains, *gone)]
    lines += [f"-D {jump.chain}{jump.text}" for jump in before.jumps]
    first = place is Place.FIRST
    lines += [
        f"-I {jump.chain} 1{jump.text}" if first else f"-A {jump.chain}{jump.text}"
        for jump in after.jumps
    ]
    for name, rules in after.chains.items():
        start = f"-A {name}"
        lines += [start + rule for rule in rules]
    lines += [f"-X {name}" for name in gone if name not in before.held]
    lines.append("COMMIT")
    return lines


def spliced(dump: str, after: Parts, place: Place) -> str:
    """Return what iptables-save would print once natc's part of `dump` is `after`.

    Chains that rules of others lead to stay, empty.
    """
    done: list[str] = []
    seen = set()
    before = parts(dump)
    for table, lines in _tables(dump):
        seen.add(table)
        new = after.get(table, Part())
        held = before[table].held if table in before else frozenset()
        stay = {name: () for name in held if name not in new.chains}
        done += _spliced(table, lines, replace(new, chains={**new.chains, **stay}), place)
    for table in (name for name in TABLES if name in after and name not in seen):
        declared = [f":{name} ACCEPT [0:0]" for name in BUILT_IN[table]]
        done += _spliced(table, declared, after[table], place)
    return "".join(f"{line}\n" for line in done)


def _spliced(table: str, lines: list[str], part: Part, place: Place) -> Iterator[str]:
    declared, rules = [], []
    for line in lines:
        if line[0] == ":":
            name = line[1:].split(" ", 1)[0]
            if not _is_own(name):
                declared.append(line)
            continue
        rule = line[line.index("] ") + 2 :] if line[0] == "[" else line
        if not _is_own(rule.split(" ", 2)[1]) and not _jump.fullmatch(rule):
            rules.append(rule)
    jumps = [f"-A {jump.chain}{jump.text}" for jump in part.jumps]
    yield f"*{table}"
    yield from declared
    yield from (f":{name} - [0:0]" for name in part.chains)
    yield from jumps if place is Place.FIRST else ()
    yield from rules
    yield from jumps if place is Place.LAST else ()
    for name, own in part.chains.items():
        yield from (f"-A {name}{rule}" for rule in own)
    yield "COMMIT"
