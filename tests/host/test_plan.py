"""`natc plan` and `natc apply --dry-run`: what would change, and nothing is changed."""

import json
import sys
from typing import Any

import pytest

from natc.address import Family
from natc.elaborate.context import Context
from natc.elaborate.packet_text import read_packets
from natc.elaborate.scope import Scope
from natc.packet import Packet
from natc.source import NOWHERE, Source, Span
from natc.testlab import Observation
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway

pytestmark = pytest.mark.kernel

ASKS = ["plan", "apply --dry-run"]


@pytest.fixture
def two(gateway: Gateway) -> None:
    """A gateway with the first policy in place, and the second one at hand."""
    gateway.must(FOREIGN)
    gateway.policy("first.nat", FIRST)
    gateway.policy("second.nat", SECOND)
    gateway.natc("apply first.nat")


def planned(gateway: Gateway, arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(gateway.natc(f"plan {arguments} --format json"))
    return made


def packet(text: str) -> Packet:
    source = Source("witness", text)
    (read,) = read_packets([Span(source, 0, len(text))], Context(Scope({}), "", NOWHERE, ()))
    return read


def end(seen: Observation) -> tuple[object, ...]:
    return (
        seen.proxied or seen.verdict,
        seen.source,
        seen.destination,
        seen.destination_port,
    )


@pytest.mark.parametrize("ask", ASKS)
def test_nothing_is_changed_by_asking(gateway: Gateway, ask: str) -> None:
    gateway.must(FOREIGN)
    gateway.policy("first.nat", FIRST)
    gateway.policy("second.nat", SECOND)
    before = gateway.everything()
    gateway.natc(f"{ask} first.nat")
    assert gateway.everything() == before
    assert gateway.run("ls /run/natc").status != 0
    gateway.natc("apply first.nat")
    before = gateway.everything(), gateway.links(), gateway.must("find /run/natc | sort")
    counters = gateway.must("iptables-save -c | grep -v ^#")
    gateway.natc(f"{ask} second.nat")
    assert (gateway.everything(), gateway.links(), gateway.must("find /run/natc | sort")) == before
    assert gateway.must("iptables-save -c | grep -v ^#") == counters


@pytest.mark.usefixtures("two")
def test_a_dry_run_says_that_it_was_one(gateway: Gateway) -> None:
    said = gateway.natc("apply second.nat --dry-run")
    assert "nothing was changed: this was a dry run" in said
    assert "second.nat:5 web" in said


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("place", ["first", "last"])
def test_the_rules_that_change_are_those_that_an_apply_changes(
    gateway: Gateway, place: str
) -> None:
    before = gateway.own()
    plan = planned(gateway, f"second.nat --place {place}")
    gateway.natc(f"apply second.nat --place {place}")
    after = gateway.own()
    for family in Family:
        for table in ("mangle", "nat"):
            old, new = (
                sorted(
                    f"-A {chain}{text}"
                    for chain, texts in (
                        own[family][table].chains if table in own[family] else {}
                    ).items()
                    for text in texts
                )
                for own in (before, after)
            )
            rows = [r for r in plan["rules"] if r["family"] == family and r["table"] == table]
            gone = [row["rule"] for row in rows if row["change"] == "removed"]
            come = [row["rule"] for row in rows if row["change"] == "added"]
            for one in gone:
                old.remove(one)
            assert sorted([*old, *come]) == new
    assert all(row["policy"].startswith(("first.nat:", "second.nat:")) for row in plan["rules"])
    assert planned(gateway, f"second.nat --place {place}")["changes"] is False


@pytest.mark.usefixtures("two")
def test_every_witness_is_treated_differently_by_the_kernel(gateway: Gateway) -> None:
    plan = planned(gateway, "second.nat")
    told = [packet(row["witness"]) for row in plan["packets"]]
    sent = [each for each in told if gateway.lab.obstacle(each) is None]
    assert len(sent) > 5
    before = gateway.lab.probe(sent)
    gateway.natc("apply second.nat")
    for each, old, new in zip(sent, before, gateway.lab.probe(sent), strict=True):
        masqueraded = new.source == old.source and old.source != each.source
        assert end(old) != end(new) or masqueraded, each  # Its address may change, an SNAT's not.


@pytest.mark.usefixtures("two")
def test_packets_of_which_nothing_is_said_are_treated_alike(gateway: Gateway) -> None:
    """The foreign rules are part of what is compared: theirs come first with `--place last`."""
    plan = planned(gateway, "first.nat --place last")
    assert plan["rules"] == []
    assert {row["change"] for row in plan["jumps"]} == {"moved"}
    gateway.must(
        "iptables -t nat -I PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to 192.168.3.99"
    )
    (row,) = planned(gateway, "first.nat")["packets"]
    assert row["now"]["becomes"] == "to 192.168.3.99"
    assert row["then"]["becomes"] == "to 192.168.3.10:80"
    assert row["then"]["rules"][0]["policy"] == "first.nat:5 web"
    assert row["now"]["rules"][0]["policy"] is None
    assert "--to-destination 192.168.3.99" in row["now"]["rules"][0]["rule"]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("damage", "change"),
    [
        ("-D PREROUTING -m comment --comment natc -j NATC-PRE", "added"),
        ("-A PREROUTING -m comment --comment natc -j NATC-PRE", "removed"),
        ("-I PREROUTING -p udp -j ACCEPT", "moved"),
    ],
)
def test_jumps_that_are_put_right_are_told(gateway: Gateway, damage: str, change: str) -> None:
    gateway.must(f"iptables -t nat {damage}")
    plan = planned(gateway, "first.nat")
    assert plan["changes"]
    assert [(row["change"], row["table"]) for row in plan["jumps"]][-1] == (change, "nat")
    assert plan["rules"] == []


@pytest.mark.usefixtures("two")
def test_policy_routing_is_told(gateway: Gateway) -> None:
    rows = planned(gateway, "second.nat")["routing"]
    assert {
        "change": "added",
        "arguments": "-4 rule add fwmark 0x1/0x1 lookup 100 pref 100",
    } in rows
    gateway.natc("apply second.nat")
    assert planned(gateway, "second.nat")["routing"] == []
    rows = planned(gateway, "first.nat")["routing"]
    assert {
        "change": "removed",
        "arguments": "-4 rule add fwmark 0x1/0x1 lookup 100 pref 100",
    } in rows


@pytest.mark.usefixtures("two")
def test_a_policy_that_says_the_same_on_other_lines_changes_no_packet(gateway: Gateway) -> None:
    gateway.policy("first.nat", f"\n# A comment.\n{FIRST}")
    plan = planned(gateway, "first.nat")
    assert plan["changes"]
    assert plan["packets"] == []
    assert plan["connections"] == []
    assert {row["change"] for row in plan["rules"]} == {"renamed"}
    assert {(row["before"], row["policy"]) for row in plan["rules"]} >= {
        ("first.nat:5 web", "first.nat:7 web")
    }


@pytest.mark.usefixtures("two")
def test_the_exit_code_tells_whether_something_would_change(gateway: Gateway) -> None:
    assert gateway.run("natc plan first.nat --exit-code").status == 0
    assert "nothing would change" in gateway.natc("plan first.nat")
    assert gateway.run("natc plan second.nat --exit-code").status == 1
    assert gateway.run("natc plan second.nat").status == 0


@pytest.mark.parametrize("ask", ASKS)
def test_a_rule_that_the_kernel_refuses_is_named(gateway: Gateway, ask: str) -> None:
    gateway.policy("bad.nat", f"{SECOND}dnat tcp/82 set nowhere -> 192.168.3.12 as of-no-set\n")
    done = gateway.run(f"natc {ask} bad.nat")
    assert done.status == 3
    assert "bad.nat:9 of-no-set" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("ask", ASKS)
def test_a_policy_with_mistakes_is_told_before_anything_is_asked(
    gateway: Gateway, ask: str
) -> None:
    gateway.policy("bad.nat", "snat from nobody -> 203.0.113.1\n")
    done = gateway.run(f"natc {ask} bad.nat")
    assert done.status == 1
    assert "NAT001" in done.output


@pytest.mark.usefixtures("two")
def test_rules_of_others_that_lead_to_natcs_chains_are_no_obstacle(gateway: Gateway) -> None:
    gateway.must("iptables -t nat -A DOCKER -p udp -j NATC-PRE")
    text = "zone wan { interface eth0 }\ndnat tcp/1 to 2001:db8:113::1 -> fd00:3::10\n"
    gateway.policy("six.nat", text)
    plan = planned(gateway, "six.nat")
    assert plan["unknown"] == []
    assert {row["change"] for row in plan["rules"] if row["family"] == 4} == {"removed"}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_people_see_all_of_it(gateway: Gateway, form: str) -> None:
    (sent,) = [packet("tcp 198.51.100.7:40000 > 203.0.113.1:8080 in eth0")]
    gateway.lab.probe([sent], keep=True)
    said = gateway.natc(f"plan second.nat --format {form}")
    for words in (
        "now   to 192.168.3.10:80   (first.nat:5 web)",
        "then  unchanged",
        "witness: tcp",
        "# IPv4 nat NATC-PRE",
        "+ -d 203.0.113.1/32 -i eth0 -p tcp -m tcp --dport 8081",
        "- -d 203.0.113.1/32 -i eth0 -p tcp -m tcp --dport 8080",
        "NATC-DIVERT",
        "+ ip -4 rule add fwmark 0x1/0x1 lookup 100 pref 100",
        "warning[NAT508]: 1 connection keeps what the new rules would not give",
        "conntrack -D -p tcp -s 198.51.100.7 -d 203.0.113.1 --sport 40000 --dport 8080",
    ):
        assert words in said


@pytest.mark.usefixtures("two")
def test_without_root_the_reason_is_told(gateway: Gateway) -> None:
    gateway.must("mkdir /run/open; cp first.nat /run/open; chmod -R a+rX /run")
    done = gateway.run(
        f"setpriv --reuid 65534 --clear-groups {sys.executable} -m natc plan /run/open/first.nat"
    )
    assert done.status == 3
    assert "run natc as root" in done.output
    assert "Traceback" not in done.output


def test_what_an_apply_would_refuse_is_said_beside_the_plan(gateway: Gateway) -> None:
    gateway.must("sysctl -qw net.ipv4.ip_forward=0")
    done = gateway.run(f"natc plan {gateway.policy('first.nat', FIRST)}")
    assert done.status == 0
    assert "would change" in done.output
    assert "NAT501" in done.output
    assert "--force" in done.output
