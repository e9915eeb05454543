"""Servers that strangers reach without a forward, and answers that leave by another zone."""

import pytest

from natc import pipeline
from natc.address import Family
from natc.diagnostics import Diagnostic
from natc.lint.catalogue import BY_CODE
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read

WAN = "zone wan { interface eth0; address 203.0.113.2 }\n"
DSL = "zone dsl { interface ppp0; address 198.51.100.2 }\n"
LAN = "zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }\n"
OUT = "snat from lan out wan -> 203.0.113.2\n"
OUT_BY_DSL = "snat from lan out dsl -> 198.51.100.2\n"
FORWARD = "port-forward tcp/80 on wan -> 192.168.3.10\n"


def found(text: str, code: str) -> list[Diagnostic]:
    tree, meaning = pipeline.understand_whole(Source("p.nat", text), str)
    return lint(Subject(meaning, tree), [BY_CODE[code]])


def witnesses(text: str, code: str) -> list[str]:
    return [str(finding.witness) for finding in found(text, code)]


# NAT414


def test_a_neighbour_of_the_gateway_reaches_a_server_by_its_own_address():
    near = WAN.replace("address 203.0.113.2", "address 203.0.113.2; subnet 203.0.113.0/24")
    straight = "tcp 203.0.113.7:40000 > 192.168.3.10:8080 in eth0"
    forward = FORWARD.replace("3.10", "3.10:8080")
    assert witnesses(near + LAN + OUT + forward, "NAT414") == [straight]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WAN + LAN + OUT + FORWARD + "dnat in wan to lan -> 192.168.3.10\n", id="taken"),
        pytest.param(WAN + LAN + OUT + FORWARD + "transparent-proxy tcp/80 in wan -> :3128\n", id="to a proxy"),
        pytest.param(WAN + LAN + OUT + "port-forward tcp/80 on wan -> 192.168.4.10\n", id="lives nowhere"),
        pytest.param(WAN + LAN + OUT + "dnat tcp/80 in lan -> 192.168.3.10\n", id="for others"),
        pytest.param(WAN + LAN + OUT + "dnat tcp/80 on wan -> 203.0.113.2:8080\n", id="the gateway itself"),
        pytest.param(WAN + LAN.replace("192.168", "198.51") + OUT + "dnat tcp/80 on wan -> 198.51.3.10\n", id="a public server"),
        pytest.param(WAN + "network v { bridge virbr0; subnet 192.168.3.0/24; forward nat; owner libvirt }\n" + "masquerade from v out wan\n" + FORWARD, id="guarded by libvirt"),
    ],
)  # fmt: skip
def test_a_server_that_strangers_do_not_reach_is_not_reported(text: str):
    assert witnesses(text, "NAT414") == []


def test_each_outside_zone_is_told_of_once():
    forwards = FORWARD + FORWARD.replace("80", "81") + FORWARD.replace("wan", "dsl")
    straight = [
        "tcp 198.51.100.7:40000 > 192.168.3.10:80 in eth0",
        "tcp 203.0.113.7:40000 > 192.168.3.10:80 in ppp0",
    ]
    said = witnesses(WAN + DSL + LAN + OUT + OUT_BY_DSL + forwards, "NAT414")
    assert sorted(line.split(" > ")[1] for line in said) == [
        line.split(" > ")[1] for line in straight
    ]


NAT_RULES = """\
*nat
-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10:8080
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j MASQUERADE
COMMIT
"""

TO_THE_SERVER = "-d 192.168.3.10 -p tcp --dport 8080"


@pytest.mark.parametrize(
    ("policy", "forward", "is_open"),
    [
        ("ACCEPT", "", True),
        ("DROP", f"-A FORWARD {TO_THE_SERVER} -j ACCEPT", True),
        ("DROP", f"-A FORWARD -i eth0 -o eth1 {TO_THE_SERVER} -j ACCEPT", True),
        ("DROP", f"-A FORWARD {TO_THE_SERVER} -m limit --limit 9/s -j ACCEPT", False),
        ("DROP", f"-A FORWARD {TO_THE_SERVER} -m set --match-set known src -j ACCEPT", False),
        ("DROP", "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT", False),
        ("DROP", f"-A FORWARD {TO_THE_SERVER} -m conntrack --ctorigdst 203.0.113.2 -j ACCEPT", False),
        ("DROP", "", False),  # The forward itself is dropped, which is another finding.
        ("ACCEPT", "-A FORWARD -i eth0 -m conntrack ! --ctstate DNAT,ESTABLISHED,RELATED -j DROP", False),
        ("ACCEPT", "-A FORWARD -i eth0 -o eth1 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP", False),
        ("ACCEPT", "-A FORWARD -i eth2 -j DROP", True),
        ("ACCEPT", f"-A FORWARD {TO_THE_SERVER} -m set --match-set known src -j ACCEPT", True),
        ("ACCEPT", "-A FORWARD -j NFQUEUE", False),  # A target that natc does not know.
    ],
)  # fmt: skip
def test_the_filter_table_counts(policy: str, forward: str, is_open: bool):
    filter_table = f"*filter\n:FORWARD {policy} [0:0]\n{forward}\nCOMMIT\n"
    (found_, straight) = (_in_dump(NAT_RULES + filter_table), "192.168.3.10:8080 in eth0")
    assert [str(finding.witness).split(" > ")[1] for finding in found_] == [straight] * is_open


@pytest.mark.parametrize(("way", "count"), [("", 1), ("! -i docker0", 1), ("-i eth1", 0)])
def test_a_forward_counts_when_packets_from_outside_come_to_it(way: str, count: int):
    rules = NAT_RULES.replace("-i eth0", way)
    assert len(_in_dump(f"{rules}*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")) == count


def test_what_another_forward_takes_is_not_passed_by():
    other = "-A PREROUTING -d 192.168.3.10 -j DNAT --to-destination 198.51.100.99\nCOMMIT"
    rules = NAT_RULES.replace("COMMIT", other)
    assert _in_dump(f"{rules}*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n") == []


def test_without_the_filter_table_or_a_way_out_nothing_is_known():
    filter_table = "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
    assert _in_dump(NAT_RULES) == []
    for way_out in ("-o eth1", "-d 10.0.0.0/8 -o eth0", ""):
        other = NAT_RULES.replace("-s 192.168.3.0/24 -o eth0", way_out)
        assert _in_dump(other + filter_table) == []


def _in_dump(text: str) -> list[Diagnostic]:
    ruleset = read(Source("rules", text), Family.IPV4)
    return lint(Subject(lift("rules", ruleset), rulesets=(ruleset,)), [BY_CODE["NAT414"]])


# NAT408


def test_forwards_on_two_ways_out_are_told_at_the_second():
    text = WAN + DSL + LAN + OUT + OUT_BY_DSL + FORWARD + FORWARD.replace("wan", "dsl")
    (finding,) = found(text, "NAT408")
    assert finding.primary.span.text == FORWARD.replace("wan", "dsl").strip()
    assert [label.span.text for label in finding.related] == [FORWARD.strip()]
    assert str(finding.witness).endswith(" > 198.51.100.2:80 in ppp0")


def test_one_rule_for_both_is_one_finding():
    forward = FORWARD.replace("wan", "{ wan, dsl }")
    assert len(found(WAN + DSL + LAN + OUT + OUT_BY_DSL + forward, "NAT408")) == 1


@pytest.mark.parametrize(
    "forward",
    [
        "port-forward tcp/80 on dsl from 192.0.2.0/24 -> 192.168.3.10\n",
        "port-forward tcp/81 on wan -> 192.168.3.10\n",
        "transparent-proxy tcp/80 in dsl -> :3128\n",
        "exempt in dsl\nport-forward tcp/80 on dsl -> 192.168.3.10\n",
    ],
)
def test_one_way_in_for_strangers_is_in_order(forward: str):
    assert found(WAN + DSL + LAN + OUT + OUT_BY_DSL + FORWARD + forward, "NAT408") == []
