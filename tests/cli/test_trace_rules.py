"""`natc trace` of what iptables-save printed: chains, and what natc cannot know."""

from pathlib import Path

import pytest

from tests.cli.program import natc
from tests.cli.tracing import RULES, outcomes, story, trace, write_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rules(tmp_path)
    return tmp_path


def test_chains_are_entered_and_left_with_the_lines_of_the_text(folder: Path) -> None:
    packet = "tcp 198.51.100.7:4000 > 203.0.113.2:81 in eth0 out eth1"
    assert story(folder, packet, "--own", "203.0.113.9", rules="rules.v4") == [
        "nat PREROUTING no verdict in 2 rules policy ACCEPT",
        "routing out eth1 as the packet says",
        "filter FORWARD dropped line 16 policy DROP",
        "ends dropped",
        "note: taken for a SYN, as tcp connections begin",
    ]
    packet = "udp 10.0.0.7:4000 > 203.0.113.2:81 in eth1"
    assert story(folder, packet, "--own", "203.0.113.2", rules="rules.v4") == [
        "nat PREROUTING into FORWARDS line 6 -m addrtype --dst-type LOCAL -j FORWARDS",
        "FORWARDS back line 8 -s 10.0.0.0/8 -j RETURN",
        "nat PREROUTING no verdict in 2 rules policy ACCEPT",
        "routing to the gateway itself",
        "filter INPUT no rules",
        "ends here udp 10.0.0.7:4000 > 203.0.113.2:81",
        "reply udp 203.0.113.2:81 > 10.0.0.7:4000",
    ]
    packet = "udp 198.51.100.7:4000 > 203.0.113.2:81 in eth1"
    assert story(folder, packet, "--own", "203.0.113.2", rules="rules.v4")[:2] == [
        (
            "nat PREROUTING through FORWARDS: no verdict in 3 rules"
            " line 6 -m addrtype --dst-type LOCAL -j FORWARDS"
        ),
        "no verdict in 2 rules policy ACCEPT",
    ]


def test_goto_and_an_unknown_match(folder: Path) -> None:
    packet = "tcp 198.51.100.7:4000 > 203.0.113.2:80 in eth0 out eth1"
    lines = story(folder, packet, "--own", "203.0.113.2", rules="rules.v4")
    assert lines == [
        "nat PREROUTING into FORWARDS line 6 -m addrtype --dst-type LOCAL -j FORWARDS",
        "FORWARDS on to WEB line 9 -p tcp -m tcp --dport 80 -g WEB",
        "1 of 2: forwarded to 192.168.3.11:80",
        "if mac --mac-source 00:00:5e:00:53:01",
        (
            "WEB to 192.168.3.11:80"
            " line 11 -m mac --mac-source 00:00:5e:00:53:01 -j DNAT --to-destination …"
        ),
        "routing out eth1 as the packet says",
        (
            "filter FORWARD accepted"
            " line 17 -d 192.168.3.0/24 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN…"
        ),
        "nat POSTROUTING no verdict in 1 rule policy ACCEPT",
        "leaves tcp 198.51.100.7:4000 > 192.168.3.11:80 out eth1",
        "reply comes tcp 192.168.3.11:80 > 198.51.100.7:4000 in eth1",
        "sender sees tcp 203.0.113.2:80 > 198.51.100.7:4000",
        "2 of 2: forwarded to 192.168.3.10:8080",
        "if not: mac --mac-source 00:00:5e:00:53:01",
        "WEB to 192.168.3.10:8080 line 12 -j DNAT --to-destination 192.168.3.10:8080",
        *[
            line.replace(".11:80", ".10:8080")
            for line in (
                "routing out eth1 as the packet says",
                (
                    "filter FORWARD accepted"
                    " line 17 -d 192.168.3.0/24 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN…"
                ),
                "nat POSTROUTING no verdict in 1 rule policy ACCEPT",
                "leaves tcp 198.51.100.7:4000 > 192.168.3.11:80 out eth1",
                "reply comes tcp 192.168.3.11:80 > 198.51.100.7:4000 in eth1",
                "sender sees tcp 203.0.113.2:80 > 198.51.100.7:4000",
            )
        ],
        "note: taken for a SYN, as tcp connections begin",
    ]


def test_nothing_is_known_of_the_gateway_until_it_is_said(folder: Path) -> None:
    packet = "udp 192.168.3.9:4000 > 203.0.113.2:53 in eth1"
    text = trace(folder, "--packet", packet, rules="rules.v4")
    said = " ".join(text.split())
    assert "delivered as it is if 203.0.113.2 is the gateway's own address" in said
    assert "if 203.0.113.2 is not the gateway's own address and it leaves by eth0" in said
    assert "from (address of eth0):4000 line 13 -j MASQUERADE" not in said
    assert "from (address of eth0):4000 line 13 -o eth0 -j MASQUERADE # all out" in said
    assert "`--own ADDRESS`" in said
    assert "`out INTERFACE`" in said
    known = trace(
        folder, "--packet", f"{packet} out eth0", "--own", "203.0.113.9", rules="rules.v4"
    )
    assert " of " not in known.replace("address of", "")
    assert "--own" not in known


def test_the_family_is_seen_by_the_addresses_or_said(folder: Path) -> None:
    (folder / "any").write_text("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n")
    packet = "icmpv6 fd00::1 > fd00::2 in eth1 out eth0"
    assert "(address of eth0)" in trace(folder, "--packet", packet, rules="any")
    done = natc("trace", "any", "--family", "4", "--packet", packet, cwd=folder)
    assert done.returncode == 1
    assert "a packet of IPv6, for rules of IPv4" in done.stderr.decode()


def test_rules_come_from_a_pipe_and_have_a_name(folder: Path) -> None:
    done = natc(
        "trace", "-", "--from", "iptables-save", "--stdin-filename", "saved",
        "--packet", "icmp 10.0.0.1 > 10.0.0.2 in eth1 out eth0",
        cwd=folder, stdin=RULES.encode(),
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith(b"saved\n\nicmp 10.0.0.1 > ")


@pytest.mark.parametrize(
    ("match", "is_met"),
    [
        ("-p tcp --syn", True),
        ("-p tcp ! --syn", False),
        ("-p tcp --tcp-flags FIN,SYN,RST,ACK SYN", True),
        ("-p tcp --tcp-flags SYN,ACK SYN,ACK", False),
        ("-p tcp --tcp-flags ALL NONE", False),
        ("-p tcp ! --tcp-flags ALL NONE", True),
        ("-p tcp --tcp-flags RST RST --dport 80", False),
        ("-p icmp --icmp-type 8", True),
        ("-p icmp --icmp-type echo-request", True),
        ("-p icmp --icmp-type any", True),
        ("-p icmp --icmp-type echo-reply", False),
        ("-p icmp ! --icmp-type 8", False),
    ],
)
def test_a_connection_begins_with_a_syn_or_an_echo_request(
    match: str, is_met: bool, folder: Path
) -> None:
    (folder / "f").write_text(
        f"*nat\n-A PREROUTING {match} -j DNAT --to-destination 10.0.0.1\nCOMMIT\n"
    )
    packet = (
        "tcp 1.1.1.1:5 > 2.2.2.2:80 in eth0" if "tcp" in match else "icmp 1.1.1.1 > 2.2.2.2 in eth0"
    )
    found = outcomes(folder, f"{packet} out eth1", rules="f")
    assert [one["destination"]["addresses"] for one in found] == [
        ["10.0.0.1" if is_met else "2.2.2.2"]
    ]


def test_what_is_not_tracked_and_what_natc_does_not_know(folder: Path) -> None:
    (folder / "raw").write_text(
        "*raw\n-A PREROUTING -i eth0 -j CT --notrack\nCOMMIT\n"
        "*mangle\n-A PREROUTING -i eth2 -j NFQUEUE\nCOMMIT\n"
        "*nat\n-A PREROUTING -j DNAT --to-destination 10.0.0.1\nCOMMIT\n"
    )
    lines = story(folder, "icmp 1.1.1.1 > 2.2.2.2 in eth0 out eth1", rules="raw")
    assert "raw PREROUTING not tracked from here on line 2 -i eth0 -j CT --notrack" in lines
    assert "nat PREROUTING not asked the packet is not tracked" in lines
    assert lines[-1] == "reply icmp 2.2.2.2 > 1.1.1.1 in eth1"
    found = outcomes(folder, "icmp 1.1.1.1 > 2.2.2.2 in eth2 out eth1", rules="raw")
    assert [one["verdict"] for one in found] == ["unknown", "forwarded"]


def test_a_packet_turned_to_loopback_stays_there_whatever_is_known(folder: Path) -> None:
    (folder / "r").write_text("*nat\n-A OUTPUT -p tcp -j REDIRECT --to-ports 3128\nCOMMIT\n")
    lines = story(folder, "tcp 1.1.1.1:5 > 2.2.2.2:80 in local out eth0", rules="r")
    assert "routing to the gateway itself, over lo" in lines
    assert "filter INPUT must accept tcp 1.1.1.1:5 > 127.0.0.1:3128 in lo" in lines
