"""Witnesses are packets that a gateway may really meet."""

import pytest

from natc.diagnostics import Diagnostic
from natc.lint.catalogue import BY_CODE
from natc.lint.run import lint
from tests.lint import dumps
from tests.lint.test_sides import subject

WAN = "zone wan { interface ppp0; address 203.0.113.2; subnet 203.0.113.0/24 }\n"
LAN = "zone lan { interface br0; address 192.168.3.1; subnet 192.168.3.0/24 }\n"
DMZ = "zone dmz { interface br1; address 192.168.4.1; subnet 192.168.4.0/24 }\n"
SHARE = "snat from { lan, dmz } out wan -> 203.0.113.2\n"


def witnesses(text: str, code: str) -> list[str]:
    """Return the witnesses of the findings of one code."""
    found = [one for one in lint(subject(text)) if one.code == code]
    return [str(one.witness) for one in found]


@pytest.mark.parametrize(
    ("rules", "code", "packet"),
    [
        pytest.param(
            "snat from dmz out wan -> 203.0.113.2\nsnat from 192.168.4.10 out wan -> 203.0.113.9",
            "NAT101",
            "tcp 192.168.4.10:40000 > 198.51.100.8:80 in br1 out ppp0",
            id="a host sends by the interface of its zone",
        ),
        pytest.param(
            "transparent-proxy tcp/80 in lan to not lan -> :3128\nsnat from lan out wan -> 203.0.113.2\n"
            "snat from 192.168.3.7 out wan -> 203.0.113.9",
            "NAT101",
            "tcp 192.168.3.7:40000 > 198.51.100.8:443 in br0 out ppp0",
            id="by another port where a proxy takes the usual one",
        ),
        pytest.param(
            "masquerade from lan\nexempt from lan to 10.9.0.0/16",
            "NAT111",
            "tcp 192.168.3.4:40000 > 10.9.0.2:80 in br0",
            id="wherever it sends to",
        ),
        pytest.param(
            "static 192.168.4.25 <-> 203.0.113.20 on wan\n"
            "static 192.168.4.26 <-> 203.0.113.20 on wan",
            "NAT107",
            "tcp 198.51.100.7:40000 > 203.0.113.20:80 in ppp0",
            id="strangers come from outside",
        ),
        pytest.param(
            "dnat tcp/{80,443} in wan to 203.0.113.2 -> 192.168.4.10\nmasquerade from lan out wan",
            "NAT402",
            "tcp 192.168.4.4:40000 > 198.51.100.8:80 in br1 out ppp0",
            id="what is best known, in place of what is next to a border",
        ),
        pytest.param(
            "dnat tcp/8080 -> 192.168.4.10:80\nmasquerade from lan",
            "NAT406",
            "tcp 192.168.3.4:40000 > 192.168.3.129:80 in br0 out br0",
            id="the usual port where another one is taken",
        ),
        pytest.param(
            "masquerade from lan out wan\nsnat tcp from 192.168.3.0/25 out wan -> 203.0.113.9",
            "NAT101",
            "tcp 192.168.3.4:40000 > 198.51.100.8:80 in br0 out ppp0",
            id="by another interface than it leaves",
        ),
        pytest.param(
            "port-forward tcp/1-65535 in wan -> 192.168.4.10\n"
            "static 192.168.3.5 <-> 203.0.113.4 on wan\nsnat from lan out wan -> 203.0.113.2",
            "NAT403",
            "udp 198.51.100.7:40000 > 203.0.113.4:80 in ppp0",
            id="of another protocol where only port 0 is left",
        ),
        pytest.param(
            "masquerade",
            "NAT406",
            "tcp 192.168.3.4:40000 > 192.168.3.129:80 in br0 out br0",
            id="between hosts inside before those of a public network",
        ),
        pytest.param(
            "masquerade from lan out wan\nassert all from lan to dmz : unchanged",
            "NAT113",
            "tcp 192.168.3.2:40000 > 192.168.4.4:80 in br0 out ppp0",
            id="by the interface of its zone where a promise is broken",
        ),
    ],
)
def test_a_witness_is_an_ordinary_packet(rules: str, code: str, packet: str) -> None:
    assert witnesses(f"{WAN}{LAN}{DMZ}{rules}\n", code)[0] == packet


DSL = """\
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/29 }
zone dsl { interface ppp0; address dynamic }
zone lan { interface eth1; address 192.168.10.1; subnet 192.168.10.0/24 }
zone vpn { interface wg0; address 10.8.0.1; subnet 10.8.0.0/24 }
"""


def test_nobody_has_the_first_address_of_a_network_or_comes_by_another_one() -> None:
    rules = """\
masquerade from lan out { wan, dsl }
exempt from lan to vpn
assert all from lan to vpn : unchanged
"""
    packet = "tcp 192.168.10.2:40000 > 10.8.0.4:80 in eth1 out eth0"
    assert witnesses(DSL + rules, "NAT113") == [packet]


def test_hosts_outside_that_are_alone_do_not_send_to_themselves() -> None:
    packet = "tcp 192.168.10.4:40000 > 192.168.10.129:80 in eth1 out eth1"
    assert witnesses(f"{DSL}masquerade\n", "NAT406") == [packet]


def test_a_dynamic_zone_is_met_at_its_stand_in() -> None:
    rules = """\
masquerade from lan out { wan, dsl }
port-forward tcp/80 on wan -> 192.168.10.8
port-forward tcp/80 on dsl -> 192.168.10.8
"""
    found = [str(one.witness) for one in lint(subject(DSL + rules), [BY_CODE["NAT408"]])]
    assert found == ["tcp 198.51.100.7:40000 > 198.18.2.1:80 in ppp0"]


def test_of_packets_with_port_0_none_is_shown() -> None:
    rules = """\
dnat tcp/1-65535 to 203.0.113.4 in wan -> 192.168.3.8
dnat tcp to 203.0.113.4 in wan -> 192.168.3.9
snat from lan out wan -> 203.0.113.2
"""
    first = "tcp 198.51.100.7:40000 > 203.0.113.4:80 in ppp0"
    assert witnesses(f"{WAN}{LAN}{rules}", "NAT403") == [first, "None"]


def test_what_breaks_a_promise_is_no_packet_of_the_gateway_that_comes_back_to_it() -> None:
    rules = """\
snat from lan out wan -> 203.0.113.2
port-forward tcp/22 on wan -> 192.168.3.10 hairpin
assert never tcp/22 in wan : translated destination
"""
    packet = "tcp 198.51.100.7:40000 > 203.0.113.2:22 in ppp0 out br0"
    assert witnesses(f"{WAN}{LAN}{rules}", "NAT113") == [packet]


def shown(*lines: str) -> list[str]:
    found: list[Diagnostic] = lint(dumps.subject(*lines))
    return [str(one.witness) for one in found if one.witness is not None]


def test_what_a_dump_lets_out_came_by_another_interface() -> None:
    assert shown(
        "-A POSTROUTING -s 192.168.3.0/24 -p tcp -o eth0 -j SNAT --to-source 203.0.113.2",
        "-A POSTROUTING -s 192.168.3.8 -o eth0 -j MASQUERADE",
    ) == ["tcp 192.168.3.8:40000 > 198.51.100.8:80 in eth1 out eth0"]


def test_nobody_sends_to_himself() -> None:
    assert shown(
        "-A POSTROUTING -d 172.16.0.0/26 -j SNAT --to-source 172.16.0.1",
        "-A POSTROUTING -s 172.16.0.0/24 -o br0 -j SNAT --to-source 203.0.113.2",
    ) == ["tcp 172.16.0.2:40000 > 172.16.0.3:80 in eth1 out br0"]


def test_a_single_host_sends_to_one_beside_it() -> None:
    assert shown("-A POSTROUTING -s 172.16.0.5 -j MASQUERADE") == [
        "tcp 172.16.0.5:40000 > 172.16.0.2:80 in eth1"
    ]


def test_an_interface_of_a_dump_is_one_that_exists_somewhere() -> None:
    draw = "-p tcp --dport 8443 -m statistic --mode random --probability 0.33 -j DNAT"
    packets = shown(
        "-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 80 -j DNAT --to 192.168.3.8",
        "-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 81 -j DNAT --to 192.168.3.8",
        *(f"-A PREROUTING {draw} --to 192.168.3.{host}" for host in (11, 12, 13)),
    )
    assert {packet.split(" in ")[1] for packet in packets} == {"eth0", "eth1"}


def test_an_interface_of_a_pattern_has_a_number() -> None:
    assert shown(
        "-A POSTROUTING -s 10.1.0.0/16 -o tap+ -j MASQUERADE",
        "-A POSTROUTING -s 10.1.2.0/24 -p udp -j SNAT --to-source 203.0.113.2",
    ) == ["udp 10.1.2.2:40000 > 198.51.100.8:80 in eth1 out tap0"]
