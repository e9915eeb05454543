"""`natc trace` of a policy: what becomes of a packet, and by whose doing."""

from pathlib import Path

import pytest

from tests.cli.program import ROOT, natc
from tests.cli.tracing import INWARD, POLICY, outcomes, story, trace, write_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rules(tmp_path)
    return tmp_path


def test_every_station_stands_in_the_kernels_order_with_whose_doing_it_is(folder: Path) -> None:
    assert story(folder, INWARD) == [
        "nat PREROUTING to 192.168.3.10:8080 p.nat:6 web",
        "routing out eth1 zone lan",
        "filter FORWARD must accept tcp 198.51.100.7:4000 > 192.168.3.10:8080 in eth0 out eth1",
        "nat POSTROUTING no match in 2 rules",
        "leaves tcp 198.51.100.7:4000 > 192.168.3.10:8080 out eth1",
        "reply comes tcp 192.168.3.10:8080 > 198.51.100.7:4000 in eth1",
        "sender sees tcp 203.0.113.2:80 > 198.51.100.7:4000",
    ]


def test_columns_stand_below_each_other(folder: Path) -> None:
    assert trace(folder, "--packet", "icmp 192.168.3.9 > 198.51.100.7 in lan out wan") == (
        "icmp 192.168.3.9 > 198.51.100.7 in eth1 out eth0\n"
        "  nat PREROUTING   no match in 2 rules\n"
        "  routing          out eth0          as the packet says\n"
        "  filter FORWARD   must accept icmp 192.168.3.9 > 198.51.100.7 in eth1 out eth0\n"
        "  nat POSTROUTING  from 203.0.113.2  p.nat:8  share\n"
        "  leaves           icmp 203.0.113.2 > 198.51.100.7 out eth0\n"
        "  reply comes      icmp 198.51.100.7 > 203.0.113.2 in eth0\n"
        "  sender sees      icmp 198.51.100.7 > 192.168.3.9\n"
    )


def test_what_no_rule_touches_is_told_too(folder: Path) -> None:
    assert story(folder, "tcp 198.51.100.7:4000 > 203.0.113.2:81 in wan") == [
        "nat PREROUTING no match in 2 rules",
        "routing to the gateway itself",
        "filter INPUT must accept tcp 198.51.100.7:4000 > 203.0.113.2:81 in eth0",
        "ends here tcp 198.51.100.7:4000 > 203.0.113.2:81",
        "reply tcp 203.0.113.2:81 > 198.51.100.7:4000",
    ]


def test_names_of_zones_and_definitions_stand_in_packets(folder: Path) -> None:
    text = trace(folder, "--packet", "tcp web:4000 > wan:80 in lan")
    assert text.startswith("tcp 192.168.3.10:4000 > 203.0.113.2:80 in eth1\n")


def test_a_packet_that_natc_printed_is_taken_as_it_is(folder: Path) -> None:
    for packet in (
        "tcp 192.168.3.66:40000 > 203.0.113.2:80 in eth0 out eth0 mark 0x1",
        "tcp 192.168.3.66:40000 > 203.0.113.2:80 in local out eth0 mark 0x1 user 13",
        "icmpv6 fd00::1 > fd00::2 in eth9",
        "udp [fd00::1]:53 > [fd00::2]:53 in local",
        "gre 10.0.0.1 > 10.0.0.2 in 6in4-wan out to",
    ):
        assert trace(folder, "--packet", packet).splitlines()[0] == packet


def test_several_packets_and_a_file_of_them(folder: Path) -> None:
    (folder / "packets").write_text(f"# two\n{INWARD}  # the web\n\nicmp web > wan in lan\n")
    text = trace(folder, "--packet", INWARD, "--packets", "packets")
    assert [line for line in text.splitlines() if line and line[0] != " "] == [
        "tcp 198.51.100.7:4000 > 203.0.113.2:80 in eth0",
        "tcp 198.51.100.7:4000 > 203.0.113.2:80 in eth0",
        "icmp 192.168.3.10 > 203.0.113.2 in eth1",
    ]


def test_ports_that_the_kernel_draws_are_a_set(folder: Path) -> None:
    packet = "tcp 192.168.3.9:4000 > 198.18.0.9:443 in lan"
    assert "nat POSTROUTING from 198.18.3.1:20000-29999 p.nat:9 dialled" in story(folder, packet)
    (one,) = outcomes(folder, packet)
    assert one["source"] == {
        "addresses": ["198.18.3.1"],
        "address_of": None,
        "ports": ["20000-29999"],
    }


def test_a_stand_in_for_a_dynamic_address_is_named(folder: Path) -> None:
    packet = "tcp 192.168.3.9:4000 > 198.18.0.9:443 in lan"
    said = "note: 198.18.3.1 stands for the address of dyn, which only the kernel knows"
    assert story(folder, packet)[-1] == said


def test_an_ipset_makes_two_alternatives(folder: Path) -> None:
    lines = story(folder, "udp 192.168.3.9:4000 > 198.51.100.53:53 in lan out wan")
    heads = [i for i, line in enumerate(lines) if line[1:5] == " of "]
    assert [lines[i] for i in heads] == [
        "1 of 2: forwarded to 192.168.3.53:53 from 203.0.113.2:4000",
        "2 of 2: forwarded from 203.0.113.2:4000",
    ]
    assert [lines[i + 1] for i in heads] == [
        "if it is in the ipset blocked (dst)",
        "if it is not in the ipset blocked (dst)",
    ]


def test_what_is_common_to_all_alternatives_comes_first_and_once(folder: Path) -> None:
    (folder / "two.nat").write_text(
        "zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }\n"
        "zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }\n"
        "dnat tcp/80 in lan -> 10.0.0.9 as away\n"
        "masquerade out wan as share\n"
    )
    packet = "tcp 192.168.3.9:4000 > 198.51.100.7:80 in lan"
    assert trace(folder, "--packet", packet, rules="two.nat") == (
        "tcp 192.168.3.9:4000 > 198.51.100.7:80 in eth1\n"
        "  nat PREROUTING   to 10.0.0.9:80         two.nat:3  away\n"
        "\n"
        "  1 of 2: forwarded to 10.0.0.9:80 from 203.0.113.2:4000\n"
        "       if it leaves by eth0\n"
        "    routing          out eth0               zone wan\n"
        "    filter FORWARD   must accept tcp 192.168.3.9:4000 > 10.0.0.9:80 in eth1 out eth0\n"
        "    nat POSTROUTING  from 203.0.113.2:4000  two.nat:4  share\n"
        "                     port 4000 unless another connection has it\n"
        "    leaves           tcp 203.0.113.2:4000 > 10.0.0.9:80 out eth0\n"
        "    reply comes      tcp 10.0.0.9:80 > 203.0.113.2:4000 in eth0\n"
        "    sender sees      tcp 198.51.100.7:80 > 192.168.3.9:4000\n"
        "\n"
        "  2 of 2: forwarded to 10.0.0.9:80\n"
        "       if it leaves by any but eth0\n"
        "    routing          out any but eth0\n"
        "    filter FORWARD   must accept tcp 192.168.3.9:4000 > 10.0.0.9:80 in eth1\n"
        "    nat POSTROUTING  no match in 1 rule\n"
        "    leaves           tcp 192.168.3.9:4000 > 10.0.0.9:80\n"
        "    reply comes      tcp 10.0.0.9:80 > 192.168.3.9:4000\n"
        "    sender sees      tcp 198.51.100.7:80 > 192.168.3.9:4000\n"
        "\n"
        "  note: say where the packet leaves, by `out INTERFACE` in it\n"
    )


def test_set_and_node_hold_for_packets(folder: Path) -> None:
    text = trace(folder, "--set", "web=192.168.3.99", "--packet", "tcp web:4000 > wan:80 in wan")
    assert text.startswith("tcp 192.168.3.99:4000 > ")
    assert "to 192.168.3.99:8080" in text
    (folder / "n.nat").write_text(
        'node "a" { address here = 10.0.0.1 }\nnode "b" { address here = 10.0.0.2 }\n'
        "snat from here out eth0 -> 203.0.113.9\n"
    )
    for node, address in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        text = trace(
            folder, "--node", node, "--packet", "icmp here > 9.9.9.9 in eth1", rules="n.nat"
        )
        assert text.startswith(f"icmp {address} > ")


def test_a_reply_that_goes_past_the_gateway_is_told_so(folder: Path) -> None:
    (folder / "h.nat").write_text(POLICY.replace("tcp/80 on wan", "tcp/80 to 203.0.113.2"))
    packet = "tcp 192.168.3.9:4000 > 203.0.113.2:80 in lan"
    lines = trace(folder, "--packet", packet, rules="h.nat").splitlines()
    assert lines[-3:] == [
        "  leaves           tcp 192.168.3.9:4000 > 192.168.3.10:8080 out eth1",
        "  reply            tcp 192.168.3.10:8080 > 192.168.3.9:4000 past the gateway",
        "  note             lan holds both ends, so the reply goes past the gateway, untranslated",
    ]
    (one,) = outcomes(folder, packet, rules="h.nat")
    assert one["reply"] == {
        "comes": None,
        "sender_sees": "tcp 192.168.3.10:8080 > 192.168.3.9:4000",
    }


def test_every_policy_of_this_project_can_be_traced() -> None:
    for policy in sorted((ROOT / "policies").glob("*.nat")):
        done = natc(
            "trace", policy, "--node", "golden",
            "--packet", "tcp 198.51.100.7:4000 > 203.0.113.2:80 in eth0",
            "--packet", "udp [2001:db8::7]:4000 > [2001:db8::9]:53 in local",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
