"""The examples of a host finding's page, as cases.

A case is a ```` ```nat ```` block (the policy), ```` ```host ```` (interfaces, routing, sysctls),
```` ```iptables FLAVOUR ```` (what its save program prints), ```` ```saved PATH UNIT ```` (a file
that is loaded at boot) and ```` ```applied ```` (what the kernel printed after an apply), as many
of them as stand there.  It ends where a policy comes, or a kind that the case has already; a second
host block is a case with the policy of the first.

`# error: [slug]` and so on announces a finding: at the end of its line, on the line above it in
rules.  All that is announced must be found, and nothing else of the page's own slug.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module

from natc import pipeline
from natc.address import Family, parse
from natc.host.doctor.examination import examined
from natc.host.doctor.facts import SYSCTLS, Current, Dump, Facts, Link, Loading, Route, RoutingRule
from natc.host.doctor.patient import Patient
from natc.ir.intervals import IntervalSet, interval
from natc.lint.catalogue import ENTRIES, ON_A_GATEWAY
from natc.record import Record
from natc.source import Source
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import wanted_parts
from natc.testlab import Flavour

_BLOCK = re.compile(r"^```(?P<head>[a-z][^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_ANNOUNCED = re.compile(r"\s*# (?P<level>error|warning|note): \[(?P<slug>[a-z0-9-]+)\][ \t]*$")

FINDINGS = tuple(entry for entry in ENTRIES if entry.by in ON_A_GATEWAY)
PAGES = {entry.slug: import_module(entry.module).__doc__ or "" for entry in FINDINGS}

_FOLDER = "/var/lib/natc/generations/1"
_KINDS = ("nat", "host", "iptables", "saved", "applied")

Said = tuple[str, int, str, str]
"""The text's name, the line, the level and the slug."""


class Block(Record):
    kind: str
    words: tuple[str, ...]
    body: str


Case = tuple[Block, ...]


def blocks(page: str) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(page):
        kind, *words = match["head"].split()
        if kind in _KINDS:
            found.append(Block(kind, tuple(words), match["body"]))
    return found


def cases(page: str) -> Iterator[Case]:
    """Yield the cases of a page."""
    case: list[Block] = []
    for block in blocks(page):
        key = block.kind, block.words[:1]
        is_again = any((one.kind, one.words[:1]) == key for one in case)
        if is_again or (case and block.kind == "nat"):
            yield tuple(case)
            is_again = block.kind == "host" and case[0].kind == "nat"
            case = case[:1] if is_again else []
        case.append(block)
    yield tuple(case)


CASES = [
    (entry, number, case)
    for entry in FINDINGS
    for number, case in enumerate(cases(PAGES[entry.slug]), 1)
    if case
]


def announced(case: Case) -> set[Said]:
    """Return what a case announces."""
    return {said for block in case for said in _announced(block)}


def _announced(block: Block) -> Iterator[Said]:
    is_below = block.kind in ("iptables", "saved", "applied")
    for number, line in enumerate(block.body.split("\n"), 1):
        if found := _ANNOUNCED.search(line):
            where = (number + is_below) if block.kind != "host" else 1
            yield name_of(block, line), where, found["level"], found["slug"]


def name_of(block: Block, line: str = "") -> str:
    """Return the name of a block's text in findings."""
    match block.kind:
        case "nat":
            return "policy.nat"
        case "host":
            return line.split(" ", maxsplit=1)[0]
        case "iptables":
            return Dump(Flavour(block.words[0]), _family(block), "").source.name
        case "saved":
            return block.words[0]
        case _:
            return f"{_FOLDER}/saved.v4"


def patient_of(case: Case) -> Patient:
    """Return the gateway, and the policy, of a case."""
    facts: dict[str, object] = {"flavour": Flavour.NFT, "version": "iptables v1.8.9 (nf_tables)"}
    policy = tree = None
    wanted = {}
    dumps, loadings = [], []
    for block in case:
        match block.kind:
            case "nat":
                source = Source("policy.nat", block.body)
                tree, policy = pipeline.understand_whole(source, _no_files)
                wanted = {
                    family: wanted_parts(ruleset)
                    for family, ruleset in pipeline.compile_rules(source, _no_files).items()
                }
            case "host":
                facts |= _host(block.body)
            case "iptables":
                dumps.append(Dump(Flavour(block.words[0]), _family(block), block.body))
            case "saved":
                path, by, *options = block.words
                keeps = "--noflush" in options
                loadings.append(Loading(_family(block), path, block.body, by, keeps))
            case "applied":
                saved = {Family.IPV4: block.body}
                facts["current"] = Current("policy.nat", "restore", Place.FIRST, saved, _FOLDER)
    for family in Family:
        if not any(dump.family is family and dump.flavour is facts["flavour"] for dump in dumps):
            dumps.append(Dump(facts["flavour"], family, ""))  # type: ignore[arg-type]
    made = Facts(**facts, dumps=tuple(dumps), loadings=tuple(loadings))  # type: ignore[arg-type]
    return Patient(made, policy, tree, wanted)


def found(case: Case) -> set[Said]:
    """Return what the doctor finds."""
    return {
        (d.primary.span.source.name, d.primary.span.line, str(d.severity), d.slug)
        for d in examined(patient_of(case))
    }


def _family(block: Block) -> Family:
    return Family.IPV6 if "family=6" in block.words else Family.IPV4


def _host(body: str) -> Mapping[str, object]:
    """Read the lines of a host block: see the pages for their forms."""
    settings, links, rules, routes = {}, [], [], []
    flavour = Flavour.NFT
    for line in body.splitlines():
        words = _ANNOUNCED.sub("", line).split()
        match words:
            case ["iptables", "=", name]:
                flavour = Flavour(name)
            case [path, "=", value] if path.startswith(SYSCTLS):
                settings[path] = value
            case [("link" | "bridge") as kind, name, *addresses]:
                links.append(Link(name, tuple(map(parse, addresses)), kind == "bridge"))
            case ["rule", priority, table]:
                rules.append(RoutingRule(Family.IPV4, int(priority), table))
            case ["rule", priority, table, "mark", mark]:
                value, mask = (int(part, 16) for part in mark.split("/"))
                rules.append(RoutingRule(Family.IPV4, int(priority), table, value, mask))
            case [("route" | "local") as kind, table, network, *devices]:
                kind = "local" if kind == "local" else "unicast"
                routes.append(Route(Family.IPV4, table, kind, _network(network), tuple(devices)))
            case _:
                raise AssertionError(line)
    return {
        "flavour": flavour,
        "settings": settings,
        "links": tuple(links),
        "rules": tuple(rules),
        "routes": tuple(routes),
    }


def _network(text: str) -> IntervalSet:
    if text == "default":
        return interval(0, Family.IPV4.last)
    address, _, length = text.partition("/")
    _, low = parse(address)
    return interval(low, low | (1 << 32 - int(length)) - 1)


def _no_files(name: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", name)
