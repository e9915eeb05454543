"""`natc trace`: what becomes of a packet, and by whose doing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import ROOT, Done, natc

POLICY = """\
address web = 192.168.3.10
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone dyn { interface ppp0; address dynamic; subnet 198.18.0.0/24 }

port-forward tcp/80 on wan -> web:8080 as web
dnat udp/53 in lan set blocked dst -> 192.168.3.53 as dns
snat from lan out wan -> 203.0.113.2 as share
masquerade tcp from lan out dyn ports 20000-29999 random as dialled
"""

RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:FORWARDS - [0:0]
:WEB - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j FORWARDS
-A PREROUTING -p tcp -m tcp --dport 25 -j DNAT --to-destination 192.168.3.25
-A FORWARDS -s 10.0.0.0/8 -j RETURN
-A FORWARDS -p tcp -m tcp --dport 80 -g WEB
-A FORWARDS -j LOG
-A WEB -m mac --mac-source 00:00:5e:00:53:01 -j DNAT --to-destination 192.168.3.11
-A WEB -j DNAT --to-destination 192.168.3.10:8080
-A POSTROUTING -o eth0 -m comment --comment "all out" -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 192.168.3.0/24 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -i eth1 -j ACCEPT
COMMIT
"""

INWARD = "tcp 198.51.100.7:4000 > 203.0.113.2:80 in wan"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.nat").write_text(POLICY, encoding="utf-8")
    (tmp_path / "rules.v4").write_text(RULES, encoding="utf-8")
    return tmp_path


def trace(folder: Path, *words: str, rules: str = "p.nat", code: int = 0) -> str:
    """Return what natc prints, which ends with `code`."""
    done = natc("trace", rules, *words, cwd=folder)
    assert done.returncode == code, done.stderr.decode()
    assert not done.stderr or code
    return done.stdout.decode()


def story(folder: Path, packet: str, *words: str, rules: str = "p.nat") -> list[str]:
    """Return the lines of one packet's story, with single blanks; the packet itself left out."""
    text = trace(folder, "--packet", packet, *words, rules=rules)
    lines = [" ".join(line.split()) for line in text.splitlines() if line]
    return lines[2:] if rules != "p.nat" else lines[1:]


def outcomes(folder: Path, packet: str, *words: str, rules: str = "p.nat") -> list[dict[str, Any]]:
    """Return all that can become of a packet, from JSON."""
    said = json.loads(trace(folder, "--packet", packet, "--format", "json", *words, rules=rules))
    assert said["version"] == 1
    (traced,) = said["traces"]
    found: list[dict[str, Any]] = traced["outcomes"]
    return found


# Policies.


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


# Rules of iptables-save.


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


# JSON.


def test_json_has_the_steps_and_exact_sets(folder: Path) -> None:
    (one,) = outcomes(folder, INWARD)
    assert {key: value for key, value in one.items() if key != "steps"} == {
        "verdict": "forwarded",
        "chance": 1.0,
        "if": [],
        "out": {"any_of": ["eth1"], "none_of": []},
        "source": {"addresses": ["198.51.100.7"], "address_of": None, "ports": ["4000"]},
        "destination": {"addresses": ["192.168.3.10"], "address_of": None, "ports": ["8080"]},
        "reply": {
            "comes": "tcp 192.168.3.10:8080 > 198.51.100.7:4000",
            "sender_sees": "tcp 203.0.113.2:80 > 198.51.100.7:4000",
        },
        "notes": [],
    }
    assert [(step["stage"], step["kind"]) for step in one["steps"]] == [
        ("nat PREROUTING", "translated"),
        ("routing", "routed"),
        ("filter FORWARD", "unseen"),
        ("nat POSTROUTING", "unmatched"),
    ]
    assert one["steps"][0]["rule"] == {
        "file": "p.nat",
        "line": 6,
        "name": "web",
        "text": "web",
        "comment": None,
    }


def test_json_says_what_an_outcome_depends_on(folder: Path) -> None:
    found = outcomes(folder, "udp 192.168.3.9:4000 > 9.9.9.9:53 in eth1", rules="rules.v4")
    found.sort(key=lambda one: (one["verdict"], one["source"]["address_of"] is None))
    assert [(one["verdict"], one["if"]) for one in found] == [
        ("delivered", [["9.9.9.9 is the gateway's own address"]]),
        (
            "forwarded",
            [["9.9.9.9 is not the gateway's own address", "it leaves by eth0"]],
        ),
        (
            "forwarded",
            [["9.9.9.9 is not the gateway's own address", "it leaves by any but eth0"]],
        ),
    ]
    assert found[1]["source"]["address_of"] == "eth0"
    assert found[1]["source"]["addresses"] is None
    assert found[2]["out"] == {"any_of": [], "none_of": ["eth0"]}


def test_json_has_chances(folder: Path) -> None:
    (folder / "b.nat").write_text(
        "balance tcp/80 in eth0 to 203.0.113.2 -> { 10.0.0.1 weight 3, 10.0.0.2 }\n"
    )
    found = outcomes(folder, "tcp 1.1.1.1:5 > 203.0.113.2:80 in eth0 out eth1", rules="b.nat")
    assert [(one["destination"]["addresses"], one["chance"]) for one in found] == [
        (["10.0.0.1"], 0.75),
        (["10.0.0.2"], 0.25),
    ]


# Mistakes.


def failed(folder: Path, *words: str, rules: str = "p.nat") -> Done:
    return natc("trace", rules, *words, cwd=folder)


@pytest.mark.parametrize(
    ("packet", "place", "message"),
    [
        ("", "1:1", "error[NAT000]: no packet here"),
        ("nonsense", "1:9", "error[NAT000]: unexpected end of line"),
        ("tcp", "1:4", "error[NAT000]: unexpected end of line"),
        ("tcp 1.2.3.4 > 5.6.7.8 in wan", "1:5", "error[NAT020]: a tcp packet has one port on each"),
        ("icmp 1.2.3.4:5 > 5.6.7.8:6 in wan", "1:6", "error[NAT020]: `icmp` has no ports"),
        ("tcp 1.2.3.4:5 > [fd00::1]:6 in wan", "1:17", "error[NAT008]: no IPv4 address"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in lam", "1:30", "error[NAT001]: no zone or network is named"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6", "1:1", "error[NAT020]: a packet from nowhere"),
        ("tcp 1.2.3.4:5 > wbe:6 in wan", "1:17", "error[NAT001]: no address, zone or network"),
        ("tcp 1.2.3.4:5 > lan/24 in wan", "1:17", "error[NAT017]: expected a set of addresses"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan user root", "1:34", "error[NAT209]"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan; expect dropped", "1:33", "error[NAT000]: `;`"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan }", "1:34", "error[NAT000]: `}` in a packet"),
        ("expect unchanged", "1:1", "error[NAT000]: not a packet"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in \x1b[1m", "1:30", "error[NAT014]"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in 6in4 mark 0x1/0x1/0x1", "1:47", "error[NAT000]"),
    ],
)
def test_a_wrong_packet_is_shown_where_it_is_wrong(
    packet: str, place: str, message: str, folder: Path
) -> None:
    done = failed(folder, "--packet", packet, "--format", "concise")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"<packet>:{place}: {message}")


def test_a_wrong_packet_of_a_file_is_shown_in_the_file(folder: Path) -> None:
    (folder / "packets").write_text(f"{INWARD}\n  tcp 1.2.3.4 > 5.6.7.8 in wan\nwhat\n")
    done = failed(folder, "--packets", "packets", "--format", "concise")
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()
    assert [line.split(" ")[0] for line in said] == ["packets:2:7:", "packets:3:5:"]


def test_the_problem_is_shown_under_the_packet(folder: Path) -> None:
    done = failed(folder, "--packet", "tcp 1.2.3.4:5 > 5.6.7.8:6 in lam")
    assert done.stderr.decode() == (
        "error[NAT001]: no zone or network is named `lam`\n"
        "  --> <packet>:1:30\n"
        "   |\n"
        " 1 | tcp 1.2.3.4:5 > 5.6.7.8:6 in lam\n"
        "   |                              ^^^\n"
        "   |\n"
        '   = help: did you mean `lan`? for an interface of that name write `"lam"`\n'
    )


def test_a_wrong_policy_comes_before_its_packets(folder: Path) -> None:
    (folder / "wrong.nat").write_text("masquerade in eth0\n")
    done = failed(folder, "--packet", "what", "--format", "concise", rules="wrong.nat")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("wrong.nat:1:12: error[NAT202]")


def test_what_iptables_cannot_say_becomes_of_no_packet(folder: Path) -> None:
    (folder / "t.nat").write_text("snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    done = failed(folder, "--packet", "icmp 1.1.1.1 > 2.2.2.2 in eth1 out eth0", rules="t.nat")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"NAT210" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--packet", INWARD, "--own", "203.0.113.2"),
        ("--packet", INWARD, "--family", "4"),
        ("--packet", INWARD, "--from", "nft"),
        ("--packet", INWARD, "--from", "iptables-save", "--own", "eth0"),
        ("--packets", "nothing"),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...], folder: Path) -> None:
    (folder / "nothing").write_text("# nothing\n")
    assert failed(folder, *words).returncode == 2


def test_what_cannot_be_read_ends_with_3(folder: Path) -> None:
    assert failed(folder, "--packet", INWARD, rules="nowhere").returncode == 3
    assert failed(folder, "--packets", "nowhere").returncode == 3


def test_every_policy_of_this_project_can_be_traced() -> None:
    for policy in sorted((ROOT / "policies").glob("*.nat")):
        done = natc(
            "trace", policy, "--node", "golden",
            "--packet", "tcp 198.51.100.7:4000 > 203.0.113.2:80 in eth0",
            "--packet", "udp [2001:db8::7]:4000 > [2001:db8::9]:53 in local",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
