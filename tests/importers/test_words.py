"""Names that mean something in the language, or nothing at all, are still said as they are."""

import pytest

from natc.address import Family
from natc.dsl.format import format as write_policy
from natc.importers import Imported
from natc.targets.iptables.model import Chain, Jump, Match, Option, Rule, Ruleset, Table
from tests.importers.checks import check_import

DOCKER = Match("addrtype", (Option("--dst-type", ("LOCAL",)),))


def nat(*chains: Chain) -> Ruleset:
    return Ruleset(Family.IPV4, (Table("nat", chains),))


def dnat(*matches: Match, comment: str | None = None) -> Rule:
    return Rule(matches, Jump("DNAT", (Option("--to-destination", ("10.0.0.1",)),)), comment)


def rules_of(imported: Imported) -> list[str]:
    """Return the lines of the rules."""
    lines = write_policy(imported.policy).splitlines()
    return [line for line in lines if line and not line.startswith(("#", "zone "))]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("eth0", "eth0"),
        ("ppp+", "ppp+"),
        ("+", None),
        ("eth0.100", "eth0.100"),
        ("br-8ca2513081b0", "br-8ca2513081b0"),
        ("0lan", '"0lan"'),
        ("in", '"in"'),
        ("not", '"not"'),
        ("local", '"local"'),
        ("dynamic", '"dynamic"'),
        ("tcp", "tcp"),
        ("wan-", "wan-"),
        ("a@b", '"a@b"'),
    ],
)
def test_an_interface_is_quoted_where_it_would_mean_something_else(
    name: str, said: str | None
) -> None:
    ruleset = nat(Chain("PREROUTING", (dnat(Match("", (Option("-i", (name,)),))),)))
    assert rules_of(check_import(ruleset)) == [f"dnat{f' in {said}' if said else ''} -> 10.0.0.1"]


@pytest.mark.parametrize("name", ["gateway", "gatewy", "lan"])
def test_nor_is_it_taken_for_a_zone(name: str) -> None:
    ruleset = nat(
        Chain("PREROUTING", (dnat(DOCKER), dnat(Match("", (Option("-i", (name,)),)), comment="x")))
    )
    imported = check_import(ruleset)
    said = name if name == "lan" else f'"{name}"'
    assert rules_of(imported)[1] == f"dnat in {said} -> 10.0.0.1 as x"


@pytest.mark.parametrize("name", ["proxy", "backup", "in", "not", "www-data", "0", "1000-1999"])
def test_so_is_a_user(name: str) -> None:
    ruleset = nat(Chain("OUTPUT", (dnat(Match("owner", (Option("--uid-owner", (name,)),))),)))
    imported = check_import(ruleset)
    said = '"not"' if name == "not" else name
    assert rules_of(imported) == [f"dnat user {said} -> 10.0.0.1"]


@pytest.mark.parametrize("name", ["allowed", "not", "src", "to", "hash:net", "4you"])
def test_so_is_an_ipset(name: str) -> None:
    matches = Match("set", (Option("--match-set", (name, "dst,src"), True),))
    ruleset = nat(Chain("PREROUTING", (dnat(matches),)))
    imported = check_import(ruleset)
    said = name if name in ("allowed", "src", "to") else f'"{name}"'
    assert rules_of(imported) == [f"dnat set not {said} dst src -> 10.0.0.1"]


@pytest.mark.parametrize(
    "comment", ["#", "!x", "a\tb", "tcp", "snat-3", "x" * 64, "é “quoted” ", "a -> b { }", "a; b"]
)
def test_a_comment_that_is_no_name_stands_above_the_statement(comment: str) -> None:
    ruleset = nat(Chain("PREROUTING", (dnat(comment=comment),)))
    *_, line, rule = write_policy(check_import(ruleset).policy).splitlines()
    assert (line, rule) == (f"# {' '.join(comment.split())}", "dnat -> 10.0.0.1")


@pytest.mark.parametrize("comment", [None, "", " "])
def test_no_comment_says_nothing(comment: str | None) -> None:
    ruleset = nat(Chain("PREROUTING", (dnat(comment=comment),)))
    *_, line, rule = write_policy(check_import(ruleset).policy).splitlines()
    assert (line, rule) == ("", "dnat -> 10.0.0.1")
