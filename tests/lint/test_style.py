"""Style: rules without a comment, rules that could be one, addresses without a name, host names."""

from random import Random

import pytest

from natc import pipeline
from natc.address import Family
from natc.diagnostics import Diagnostic
from natc.lint.catalogue import BY_CODE
from natc.lint.fixes import applied, compatible
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.simulate.compare import compare
from natc.simulate.site import site_of
from natc.source import Source
from tests.lint import dumps

ZONES = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
"""


def linted(text: str, code: str) -> tuple[Subject, list[Diagnostic]]:
    tree, meaning = pipeline.understand_whole(Source("p.nat", text), str)
    subject = Subject(meaning, tree)
    return subject, lint(subject, [BY_CODE[code]])


def lines(text: str, code: str) -> list[int]:
    """Return the lines with findings, counted from the first one of `text`, which follows zones."""
    _, found = linted(ZONES + text, code)
    return [finding.primary.span.line - 2 for finding in found]


# NAT701


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("masquerade from lan out wan", [1]),
        ("masquerade from lan out wan  # Everybody.", []),
        ("# Everybody.\nmasquerade from lan out wan", []),
        ("# Everybody.\n\nmasquerade from lan out wan", [3]),
        ("\n# Some.\nsnat tcp out wan -> 203.0.113.2\nsnat udp out wan -> 203.0.113.2", []),
        ("snat tcp out wan -> 203.0.113.2  # Some.\nsnat udp out wan -> 203.0.113.2", [2]),
        ("# Some.\nsnat tcp out wan -> 203.0.113.2\n\nsnat udp out wan -> 203.0.113.2", [4]),
        ("static 192.168.3.8 <-> 203.0.113.8 on wan", [1]),
    ],
)
def test_a_comment_is_beside_a_rule_or_above_those_that_stand_together(text: str, bare: list[int]):
    assert lines(text, "NAT701") == bare


def test_only_a_match_or_a_line_above_is_a_comment_in_a_dump():
    rules = (
        "-A POSTROUTING -o eth0 -j WEB",
        "-A POSTROUTING -o eth0 -j MASQUERADE",
        "# Why.",
        "[0:0] -A POSTROUTING -o eth1 -j MASQUERADE",
        ":WEB - [0:0]",
        "-A WEB -m comment --comment why -o eth2 -j MASQUERADE",
    )
    assert dumps.lines_of(dumps.subject(":WEB - [0:0]", *rules[:4], *rules[5:]), "NAT701") == [
        rules[1]
    ]


# NAT702


@pytest.mark.parametrize(
    "lower",
    [
        "port-forward tcp/82 on wan -> 192.168.3.10",  # Not side by side.
        "port-forward udp/81 on wan -> 192.168.3.10",
        "port-forward tcp/81 on lan -> 192.168.3.10",
        "port-forward tcp/81 on wan -> 192.168.3.11",
        "port-forward tcp/81 on wan -> 192.168.3.10 hairpin",
        "port-forward tcp/81 on wan -> 192.168.3.10 as other",
        "port-forward tcp/81 on wan -> 192.168.3.10  # why",
        "# why\nport-forward tcp/81 on wan -> 192.168.3.10",
        "port-forward { tcp/81 } on wan -> 192.168.3.10",
        "dnat tcp/81 on wan -> 192.168.3.10",
        "exempt from lan out wan\nport-forward tcp/81 on wan -> 192.168.3.10",
    ],
)
def test_what_differs_in_more_than_its_ports_stays(lower: str):
    assert lines(f"port-forward tcp/80 on wan -> 192.168.3.10\n{lower}", "NAT702") == []


def test_ports_stay_where_the_target_says_some_and_clients_stick_to_each_service():
    assert (
        lines("dnat tcp/80 on wan -> 10.0.0.1:81\ndnat tcp/81 on wan -> 10.0.0.1:81", "NAT702")
        == []
    )
    shop = "balance tcp/{} on wan -> {{ 192.168.3.10, 192.168.3.11 }} sticky"
    assert lines(f"{shop.format(80)}\n{shop.format(81)}", "NAT702") == []


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/23"),
        ("10.0.1.0/24", "10.0.0.0/24", "10.0.0.0/23"),
        ("10.0.0.4/32", "10.0.0.5/32", "10.0.0.4/31"),
        ("10.0.1.0/24", "10.0.2.0/24", None),
        ("10.0.0.0/24", "10.0.1.0/25", None),
        (
            "192.0.0.0/24",
            "192.0.1.0/25",
            None,
        ),  # A multiple of the size of both, which is no power.
        ("10.0.0.0/24", "10.0.0.0/25", None),
        ("10.0.0.4", "10.0.0.5", None),
        ("fd00::/64", "fd00:0:0:1::/64", "fd00::/63"),
    ],
)
def test_networks_are_one_where_a_network_holds_just_both(
    first: str, second: str, both: str | None
):
    target = "2001:db8::1" if ":" in first else "203.0.113.2"
    text = "\n".join(f"snat from {one} out eth9 -> {target}" for one in (first, second))
    _, found = linted(text, "NAT702")
    assert [finding.fix and finding.fix.title for finding in found] == [f"write `{both}`"] * bool(
        both
    )


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("-p tcp --dport 80", "-p tcp --dport 81:89", "--dport 80:89"),
        ("-s 10.0.0.0/25", "-s 10.0.0.128/25", "-s 10.0.0.0/24"),
        ("-p tcp --dport 80", "-p udp --dport 81", None),
        ("-p tcp --dport 80", "-p tcp ! --dport 81", None),
        ("-p tcp --dport 80", "-p tcp --sport 81", None),
        ("-s 10.0.0.0/25", "-d 10.0.0.128/25", None),
        ("-i eth0 -s 10.0.0.0/25", "-i eth1 -s 10.0.0.128/25", None),
        ("-s 10.0.0.0/25 -m limit --limit 1/s", "-s 10.0.0.128/25 -m limit --limit 1/s", None),
        ("-s 10.0.0.0/25", '-s 10.0.0.128/25 -m comment --comment "why"', None),
        ("-s 10.0.0.0/25", "-s 10.0.0.128/25 -m socket", None),
    ],
)
def test_rules_of_a_dump_could_be_one_with_an_option_for_both(
    first: str, second: str, both: str | None
):
    rules = [
        f"-A PREROUTING {one} -j DNAT --to-destination 192.168.3.10" for one in (first, second)
    ]
    found = dumps.found(dumps.subject(*rules), "NAT702")
    assert [finding.help for finding in found] == [f"write one rule, with `{both}`"] * bool(both)


def _random_policy(random: Random) -> str:
    verbs = (
        "port-forward tcp/{ports} on wan -> 192.168.3.{host} hairpin",
        "dnat tcp/{ports} to {net} in eth0 -> 192.168.3.{host}",
        "dnat from {net} in { eth0, eth1 } tcp/{ports} -> 192.168.3.{host}",
        "snat from {net} out wan -> 203.0.113.{host}",
        "masquerade tcp/{ports} from {net} out wan",
        "exempt from {net} to 10.8.0.0/16",
        "transparent-proxy tcp/{ports} from {net} in eth1 -> :3128",
    )
    chosen = random.sample(verbs, random.choice((1, 1, 2)))
    made = []
    for _ in range(8):
        start = random.randrange(80, 86)
        values = {
            "{ports}": random.choice((f"{start}", f"{start}-{start + 1}")),
            "{net}": f"10.0.{random.randrange(4)}.0/24",
            "{host}": str(random.choice((10, 10, 11))),
        }
        line = random.choice(chosen)
        for word, value in values.items():
            line = line.replace(word, value)
        made.append(line)
    return ZONES + "\n".join(made) + "\n"


def test_the_repair_of_random_policies_changes_nothing():
    repaired = 0
    for seed in range(100):
        text = _random_policy(Random(seed))
        before, found = linted(text, "NAT702")
        fixes = compatible(finding.fix for finding in found if finding.fix is not None)
        if not fixes:
            continue
        repaired += len(fixes)
        mended = applied(text, (edit for fix in fixes for edit in fix.edits))
        after, _ = linted(mended, "NAT702")
        site = site_of(before.policy, Family.IPV4)
        assert compare(before.policy, after.policy, Family.IPV4, site) == [], f"{text}\n{mended}"
    assert repaired > 20


# NAT703


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dnat tcp/{80,81} to 1.2.3.4 -> 10.0.0.1\ndnat udp to 1.2.3.4 -> 10.0.0.2", []),
        ("dnat tcp to 1.2.3.4 -> 1.2.3.4\ndnat udp to 1.2.3.4 -> 10.0.0.2", []),
        ("dnat tcp -> 10.0.0.1\ndnat udp -> 10.0.0.1:80\nexempt from { lan, 10.0.0.1 }", ["10.0.0.1"]),
        ("exempt tcp from 0.0.0.0/0\nexempt udp from 0.0.0.0/0\nexempt gre from 0.0.0.0/0", []),
        ("exempt tcp from not 10.0.0.0/8\nexempt to 10.0.0.0/8\nsnat from lan except 10.0.0.0/8 out wan -> 203.0.113.2", ["10.0.0.0/8"]),
    ],
)  # fmt: skip
def test_an_address_deserves_a_name_from_three_rules_on(text: str, said: list[str]):
    _, found = linted(ZONES + text, "NAT703")
    assert [finding.message.split("`")[1] for finding in found] == said


def test_a_name_that_there_is_already_is_told():
    text = "address web = 10.0.0.1\ndnat tcp -> web\ndnat udp -> 10.0.0.1\n" + "\n".join(
        f"dnat sctp/{port} -> 10.0.0.1" for port in (1, 2)
    )
    _, found = linted(text, "NAT703")
    assert [(finding.help, len(finding.related)) for finding in found] == [("write `web`", 2)]


# NAT007


@pytest.mark.parametrize(
    ("words", "table", "family", "name"),
    [
        ("-s office.example.com", "nat", Family.IPV4, "office.example.com"),
        ("! -d printer/32", "nat", Family.IPV4, "printer"),
        ("-s 10.0.0.1,printer", "nat", Family.IPV4, "printer"),
        ("-m conntrack --ctorigdst gw.example.com", "nat", Family.IPV4, "gw.example.com"),
        ("-s printer", "filter", Family.IPV4, "printer"),
        ("-s fd00::1/64", "nat", Family.IPV6, None),
        ("-s fd00.example", "nat", Family.IPV6, "fd00.example"),
        ("-s 10.0.0.0/255.0.0.0", "nat", Family.IPV4, None),
        ("-s 0x7f000001", "nat", Family.IPV4, None),
        ("-p tcp --dport ssh", "nat", Family.IPV4, None),
    ],
)
def test_a_name_is_told_from_an_address(words: str, table: str, family: Family, name: str | None):
    chain = "FORWARD" if table == "filter" else "PREROUTING"
    subject = dumps.subject(f"-A {chain} {words} -j ACCEPT", table=table, family=family)
    said = [finding.message for finding in dumps.found(subject, "NAT007")]
    assert said == ([f"the name `{name}` where an address belongs"] if name else [])


def test_netmap_looks_names_up():
    subject = dumps.subject("-A PREROUTING -j NETMAP --to web/24")
    assert len(dumps.found(subject, "NAT007")) == 1


@pytest.mark.parametrize(
    "target", ["DNAT --to-destination web", "DNAT --to-destination web:80", "SNAT --to-source a.b"]
)
def test_where_no_name_is_looked_up_one_is_an_error(target: str):
    chain = "POSTROUTING" if target.startswith("SNAT") else "PREROUTING"
    subject = dumps.subject(f"-A {chain} -j {target}")
    assert [finding.code for finding in dumps.found(subject, "NAT007", "NAT206")] == ["NAT206"]
