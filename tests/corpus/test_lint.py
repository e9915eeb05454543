"""Real rule sets are linted: without a crash, without false alarms, and what is known is found."""

from functools import cache

import pytest

from natc.diagnostics import Diagnostic, Severity
from natc.lint.catalogue import ENTRIES
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from tests.cli.program import natc
from tests.corpus import crude
from tests.corpus.dumps import CORPUS, Dump, dumps

pytestmark = pytest.mark.skipif(
    not (CORPUS / "INDEX.tsv").exists(), reason=f"the collection of rule sets is not at {CORPUS}"
)

LINTED = tuple(entry for entry in ENTRIES if entry.by == "lint")
DUMPS = tuple(dumps(noisy=False))
PRODUCED = [pytest.param(each, id=each.name) for each in DUMPS if each.name.startswith("produced/")]


@cache
def findings(dump: Dump) -> tuple[Diagnostic, ...]:
    """Return all that natc finds, the rules that are off by default included."""
    ruleset = read(Source(dump.name, dump.text), dump.family)
    return tuple(lint(Subject(lift("rules", ruleset), rulesets=(ruleset,)), LINTED))


def lines_with(dump: Dump, *codes: str) -> set[int]:
    return {found.primary.span.line for found in findings(dump) if found.code in codes}


@pytest.mark.parametrize("dump", [pytest.param(each, id=each.name) for each in DUMPS])
def test_a_rule_set_is_linted_and_every_finding_has_its_place(dump: Dump) -> None:
    for found in findings(dump):
        assert found.primary.span.source.name == dump.name
        assert found.primary.span.text.strip()
        assert found.message


def test_the_program_lints_them_all_the_damaged_ones_too() -> None:
    every = [*DUMPS, *dumps(noisy=True)]
    done = natc("lint", "--select", "all", *(each.path for each in every), seconds=120)
    assert done.returncode == 1, done.stderr.decode()
    assert b"Traceback" not in done.stderr


RIGHT = {
    "produced/firehol__started.legacy.iptables-save": {
        "NAT101": {16, 17},  # Two `snat` below a `masquerade` of the same interface.
        "NAT303": {18},  # Its balancer counts to 3 twice, so that the shares are 3 : 2 : 4.
    },
    "produced/shorewall__started.legacy.iptables-save": {
        "NAT101": {18, 19},  # Lines of its snat file below a MASQUERADE of their whole network.
    },
    "produced/ufw__enabled.legacy.iptables-save": {
        "NAT411": {8, 9},  # Forwards in before.rules, for which no `ufw route allow` was said.
    },
}
"""Errors in what programs write, all of them real; docs/lint.md says more."""


@pytest.mark.parametrize("dump", PRODUCED)
def test_what_programs_write_has_no_errors_but_those_that_are_real(dump: Dump) -> None:
    told: dict[str, set[int]] = {}
    for found in findings(dump):
        if found.severity is Severity.ERROR:
            told.setdefault(found.code, set()).add(found.primary.span.line)
    assert told == RIGHT.get(dump.name, {})


QUBES = "tool-golden/QubesOS+qubes-core-agent-linux__network__ip6tables-enabled"
TEMPLATE = "wild/julienvaslet+friend-private-network__iptables.conf"
TOR = "wild/crashangelbr+ArchTorify__etc__iptables__iptables.rules"

NONE = {
    (QUBES, 11),  # Rules above leave what goes to the machines inside, and over lo, alone.
    (TEMPLATE, 6),  # The network is `10.20.[ID].0/24`: which one that is, nobody knows.
    (TOR, 6), (TOR, 7),  # To addresses of the loopback alone, where Tor itself sends nothing.
}  # fmt: skip
"""What the search takes for a defect and is none."""

PARTS_OF_UFW = "__etc__ufw__before.rules"
"""Texts that are loaded with `--noflush`: the chains are there, made by others of ufw's files."""

UNREACHED = ("NAT101", "NAT102", "NAT106", "NAT108", "NAT111")

KNOWN = [
    pytest.param(crude.unscoped_dnat, ("NAT405",), 12, id="DNAT of everything"),
    pytest.param(crude.duplicates, ("NAT106",), 18, id="duplicates"),
    pytest.param(crude.masquerade_of_everything, ("NAT406",), 1, id="masquerade of everything"),
    pytest.param(crude.masquerade_with_only_a_source, ("NAT406",), 0, id="only a source"),
    pytest.param(crude.unreferenced_chains, ("NAT002",), 10, id="unreferenced chains"),
    pytest.param(crude.shadowed, UNREACHED, 20, id="shadowed"),
    pytest.param(crude.redirects_without_exemption, ("NAT307",), 0, id="redirects in OUTPUT"),
    pytest.param(crude.jumps_to_built_in_chains, ("NAT201",), 1, id="jumps to built-in chains"),
    pytest.param(crude.jumps_to_undeclared_chains, ("NAT904",), 0, id="jumps to nowhere"),
]
"""A search, what natc calls what it finds, and how many the collection at hand has at least."""


@pytest.mark.parametrize(("search", "codes", "least"), KNOWN)
def test_what_a_search_finds_natc_finds(
    search: crude.Search, codes: tuple[str, ...], least: int
) -> None:
    count = 0
    for dump in DUMPS:
        if codes == ("NAT904",) and dump.name.endswith(PARTS_OF_UFW):
            continue
        defects = {line for line in search(dump.text) if (dump.name, line) not in NONE}
        assert defects <= lines_with(dump, *codes), dump.name
        count += len(defects)
    assert count >= least
