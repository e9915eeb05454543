"""What is left of a disagreement is what it needs."""

from natc.address import Family
from natc.diagnostics import PolicyError
from natc.dsl.parser import parse
from natc.packet import Packet
from natc.source import Source
from tests.kernel_diff.cases import Dump, Written
from tests.kernel_diff.shrink import smallest

PACKET = Packet(Family.IPV4, 6, 1, 2, 3, 4, "eth0", "eth1", 5)

POLICY = """\
zone wan { interface eth0; address 203.0.113.1; }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/28; }
address server = 192.168.3.2
dnat tcp/{ 80, 443 } from not { 198.51.100.1, 198.51.100.2 } to 203.0.113.1 -> server as web
masquerade out wan
"""

DUMP = """\
*nat
:PREROUTING ACCEPT [0:0]
:D0 - [0:0]
:D1 - [0:0]
-A PREROUTING -p tcp -m mark --mark 0x1 -j D0
-A D0 -s 192.0.2.1 -p tcp -j RETURN
-A D0 -j ACCEPT
COMMIT
"""


def policy(text: str) -> Written:
    return Written("here", parse(Source("p.nat", text)), [PACKET])


def test_a_policy_keeps_what_its_failure_needs() -> None:
    def fails(case: Written) -> bool:
        try:
            return any("443" in text and "DNAT" in text for text in case.texts.values())
        except PolicyError:
            return False

    small = smallest(policy(POLICY), fails)
    assert small.text == "address server = 192.168.3.2\ndnat tcp/{443} -> server\n"


def test_a_packet_loses_what_most_packets_do_without() -> None:
    small = smallest(policy("masquerade out eth0\n"), lambda case: bool(case.packets[0].mark))
    assert small.packets == [Packet(Family.IPV4, 6, 1, 2, 3, 4, "eth0", None, 5)]


def test_a_dump_keeps_the_rules_and_matches_that_its_failure_needs() -> None:
    def fails(case: Dump) -> bool:
        return ":PREROUTING" in case.text and "-A D0 -s 192.0.2.1" in case.text

    assert smallest(Dump("here", DUMP, Family.IPV4, [PACKET]), fails).text == (
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A D0 -s 192.0.2.1\nCOMMIT\n"
    )
