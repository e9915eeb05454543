"""Defects of rule sets as a search through their lines finds them, which knows nothing of natc.

It sees less than there is, and now and then something that is none: a lower bound, and a witness
that is not of natc's kind.
"""

import re
from collections.abc import Callable, Iterator

from natc.record import Record

BUILT_IN = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})

_DECIDING = frozenset("ACCEPT DROP RETURN DNAT SNAT MASQUERADE REDIRECT NETMAP".split())
_PLACES = frozenset("-i -s -d --in-interface --source --destination --src-type --dst-type".split())
_FICKLE = ("statistic", "limit", "recent", "mark")
_TARGET = re.compile(r" (?:-[jg]|--jump|--goto) (\S+)")
_CHAIN = re.compile(r"(?::|-N )(\S+)")
_RULE = re.compile(r"(?:\[\d+:\d+\] *)?-[AI] (\S+)( .*)?$")
_MATCH = re.compile(r"(?:! )?--?[a-z-]+(?: (?:! )?[^-! ]\S*)*")


class Line(Record):
    """A rule of a table.

    Attributes:
        matches: what stands before the target, without `-m tcp` and `-m udp`.
        text: without counters.
    """

    number: int
    table: str
    chain: str
    matches: tuple[str, ...]
    target: str
    text: str


class Declared(Record):
    """A chain of a table."""

    number: int
    table: str
    name: str


def lines(text: str) -> Iterator[Line | Declared]:
    """Yield the rules and the chains of a text, in order."""
    table = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith("*"):
            table = line[1:].split()[0]
        elif declared := _CHAIN.match(line):
            yield Declared(number, table, declared[1])
        elif rule := _RULE.match(line):
            rest = rule[2] or ""
            target = _TARGET.search(rest)
            before = rest[: target.start()] if target else rest
            matches = tuple(each for each in _MATCH.findall(before) if not _is_plain(each))
            text = line[line.index("-") :]
            yield Line(number, table, rule[1], matches, target[1] if target else "", text)


def _is_plain(match: str) -> bool:
    return match in {"-m tcp", "-m udp"}


Search = Callable[[str], set[int]]
"""From a text to the numbers of the lines with a defect."""


def rules(text: str, table: str | None = "nat") -> list[Line]:
    """Return the rules of one table, or of all."""
    every = (line for line in lines(text) if isinstance(line, Line))
    return [line for line in every if table in {None, line.table}]


def unscoped_dnat(text: str) -> set[int]:
    """Find DNAT in PREROUTING with no interface, source or destination."""
    return {
        line.number
        for line in rules(text)
        if (line.chain, line.target) == ("PREROUTING", "DNAT")
        and not any(_PLACES & set(match.split()) for match in line.matches)
    }


def duplicates(text: str) -> set[int]:
    """Find rules that stand above, word for word."""
    seen: set[str] = set()
    found = set()
    for line in rules(text):
        if line.text in seen:
            found.add(line.number)
        seen.add(line.text)
    return found


def masquerade_of_everything(text: str) -> set[int]:
    """Find MASQUERADE without conditions."""
    return {line.number for line in _masquerades(text) if not line.matches}


def masquerade_with_only_a_source(text: str) -> set[int]:
    """Find MASQUERADE with a source, and no interface or destination."""
    return {
        line.number
        for line in _masquerades(text)
        if len(line.matches) == 1 and line.matches[0].startswith("-s ")
    }


def _masquerades(text: str) -> Iterator[Line]:
    for line in rules(text):
        if (line.chain, line.target) == ("POSTROUTING", "MASQUERADE"):
            yield line


def unreferenced_chains(text: str) -> set[int]:
    """Find chains of table nat that no rule jumps to."""
    targets = {line.target for line in rules(text)}
    return {
        line.number
        for line in lines(text)
        if isinstance(line, Declared)
        and line.table == "nat"
        and line.name not in targets | BUILT_IN
        and not text.split("\n")[line.number - 1].strip().startswith("-N")
    }


def shadowed(text: str) -> set[int]:
    """Find rules that a rule above, of some of their conditions, keeps every packet from."""
    above: dict[str, list[frozenset[str]]] = {}
    found = set()
    for line in rules(text):
        mine = frozenset(line.matches)
        if line.text.startswith("-I"):
            continue  # It stands above.
        if any(other <= mine for other in above.get(line.chain, ())):
            found.add(line.number)
        if line.target in _DECIDING and not any(word in line.text for word in _FICKLE):
            above.setdefault(line.chain, []).append(mine)
    return found


def redirects_without_exemption(text: str) -> set[int]:
    """Find REDIRECT in OUTPUT where no user's packets are left out, nor any above."""
    found: set[int] = set()
    for line in rules(text):
        if line.chain == "OUTPUT":
            if line.target in {"RETURN", "ACCEPT"} or "owner" in line.text:
                break
            if line.target == "REDIRECT":
                found.add(line.number)
    return found


def jumps_to_built_in_chains(text: str) -> set[int]:
    """Find them in all tables."""
    return {line.number for line in rules(text, None) if line.target in BUILT_IN}


def jumps_to_undeclared_chains(text: str) -> set[int]:
    """Find jumps to names that no target has, in all tables; targets are in capitals."""
    declared = {(line.table, line.name) for line in lines(text) if isinstance(line, Declared)}
    return {
        line.number
        for line in rules(text, None)
        if line.target
        and line.target != line.target.upper()
        and (line.table, line.target) not in declared
    }
