"""Rules about the way of packets, from what they mean: what is found, what is not, and why."""

from collections.abc import Iterator

import pytest

from natc.address import Family
from natc.diagnostics import Diagnostic
from natc.lint.catalogue import entry
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from tests.lint.test_sides import subject

HOME = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone dmz { interface eth2; address 192.168.4.1; subnet 192.168.4.0/24 }
snat icmp out wan -> 203.0.113.2
"""


def dump(text: str, family: Family = Family.IPV4) -> Subject:
    ruleset = read(Source("rules", f"*nat\n{text}\nCOMMIT\n"), family)
    return Subject(lift("rules", ruleset), rulesets=(ruleset,))


def found(subject: Subject, slug: str) -> list[Diagnostic]:
    rule = entry(slug)
    assert rule is not None
    return lint(subject, [rule])


def lines(subject: Subject, slug: str) -> Iterator[str]:
    return (finding.primary.span.text for finding in found(subject, slug))


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param("-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", id="Docker"),
        pytest.param("-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp --dport 80 -j MASQUERADE", id="Docker, a container to itself"),
        pytest.param("-A POSTROUTING -s 192.168.122.0/24 ! -d 192.168.122.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535", id="libvirt"),
        pytest.param(":NETAVARK - [0:0]\n-A POSTROUTING -s 10.88.0.0/16 -j NETAVARK\n-A NETAVARK -d 10.88.0.0/16 -j ACCEPT\n-A NETAVARK ! -d 224.0.0.0/4 -j MASQUERADE", id="podman"),
        pytest.param("-A POSTROUTING -s 192.168.1.0/24 -o eth0 -j MASQUERADE", id="ufw"),
        pytest.param(":POST_public_allow - [0:0]\n-A POSTROUTING -o eth0 -j POST_public_allow\n-A POST_public_allow ! -o lo -j MASQUERADE", id="firewalld"),
        pytest.param("-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.130/32 -p tcp --dport 22 -j SNAT --to-source 192.168.1.1", id="OpenWrt's reflection"),
        pytest.param("-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE", id="kube-proxy"),
        pytest.param("-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE", id="a hairpin for all"),
        pytest.param("-A POSTROUTING -s 192.168.3.25/32 -j SNAT --to-source 203.0.113.5", id="one to one"),
        pytest.param("-A POSTROUTING -o vif+ -j ACCEPT\n-A POSTROUTING -o lo -j ACCEPT\n-A POSTROUTING -j MASQUERADE", id="Qubes"),
        pytest.param("-A POSTROUTING -d 192.168.3.10/32 -p tcp --dport 80 -j MASQUERADE", id="for one server"),
        pytest.param("-A POSTROUTING -d 10.0.0.0/8 -j RETURN\n-A POSTROUTING -d 192.168.0.0/16 -j RETURN\n-A POSTROUTING ! -d 172.16.0.0/12 -j MASQUERADE", id="to the internet"),
    ],
)  # fmt: skip
def test_what_stays_inside_is_left_alone_by_rules_that_say_so(rules: str):
    assert found(dump(rules), "unscoped-masquerade") == []


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param("-A POSTROUTING -j MASQUERADE", id="everything"),
        pytest.param("-A POSTROUTING -p tcp -j SNAT --to-source 203.0.113.2", id="all of one protocol"),
        pytest.param("-A POSTROUTING ! -o lo -j MASQUERADE", id="everything but the loopback"),
        pytest.param("-A POSTROUTING -s 192.168.1.0/24 -j MASQUERADE", id="a source alone"),
        pytest.param("-A POSTROUTING -s 172.16.0.0/16 ! -d 172.168.0.0/16 -j MASQUERADE", id="a typing error"),
        pytest.param(":MASQ - [0:0]\n-A POSTROUTING -s 192.168.1.0/24 -j MASQ\n-A MASQ -j MASQUERADE", id="by way of a chain"),
    ],
)  # fmt: skip
def test_what_stays_inside_is_not_to_be_translated(rules: str):
    assert len(found(dump(rules), "unscoped-masquerade")) == 1


def test_a_static_without_a_zone_is_one_to_one_everywhere():
    text = HOME + "static 192.168.3.25 <-> 203.0.113.2\nsnat from dmz -> 203.0.113.2"
    assert list(lines(subject(text), "unscoped-masquerade")) == ["snat from dmz -> 203.0.113.2"]


@pytest.mark.parametrize(
    ("rules", "count"),
    [
        pytest.param("-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080", 0, id="a server's own port"),
        pytest.param("-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\n-A POSTROUTING -o eth0 -j MASQUERADE", 1, id="the clients' ports as well"),
        pytest.param("-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n:DOCKER - [0:0]\n-A DOCKER ! -i docker0 -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 0, id="Docker"),
        pytest.param(":WEB - [0:0]\n-A PREROUTING -p tcp -j WEB\n-A WEB -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 1, id="by way of a chain"),
        pytest.param(":WEB - [0:0]\n-A PREROUTING -i eth0 -j WEB\n-A WEB -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 0, id="a chain for one interface"),
        pytest.param(":WEB - [0:0]\n-A PREROUTING -j WEB\n-A WEB ! -d 203.0.113.2 -j RETURN\n-A WEB -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 0, id="a chain that returns"),
        pytest.param("-A PREROUTING -m set --match-set here dst -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 0, id="an ipset"),
        pytest.param("-A PREROUTING -p tcp --dport 80 -m statistic --mode random --probability 0.5 -j DNAT --to-destination 172.17.0.2", 1, id="a draw is no place"),
        pytest.param("-A PREROUTING ! -d 203.0.113.2 -j ACCEPT\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2", 0, id="the rest is kept above"),
    ],
)  # fmt: skip
def test_what_passes_by_is_not_taken(rules: str, count: int):
    rules = "\n".join(sorted(rules.split("\n"), key=lambda line: line[0] != ":"))
    assert len(found(dump(rules), "unscoped-dnat")) == count


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("dnat tcp/80 in wan to 203.0.113.2 -> 192.168.3.10", True, id="not seen from inside"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 192.168.3.10", True, id="the answer goes past the gateway"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 192.168.3.10\nsnat from lan to 192.168.3.10 out lan -> 192.168.3.1", False, id="by hand"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 192.168.3.10\nsnat from dmz to 192.168.3.10 out lan -> 192.168.3.1", True, id="for others by hand"),
        pytest.param("dnat tcp/80 in wan to 203.0.113.2 -> 192.168.3.10\ndnat tcp/80 in lan to 203.0.113.2 -> 192.168.4.10", False, id="another server for the inside"),
        pytest.param("exempt in lan to 203.0.113.2\ndnat tcp/80 to 203.0.113.2 -> 192.168.3.10", False, id="kept out on purpose"),
        pytest.param("dnat to 203.0.113.2 -> 192.168.3.10\ndnat tcp/80 to 203.0.113.2 in wan -> 192.168.3.10:8080 hairpin", True, id="answers to another forward, whose port is another"),
        pytest.param("dnat tcp/80 in dmz to 203.0.113.2 -> 192.168.3.10", False, id="for the dmz only"),
        pytest.param("dnat tcp/80 to 203.0.113.2 from not lan -> 192.168.3.10", False, id="not for the lan"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 192.168.3.1", False, id="to the gateway itself"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 198.51.100.10", False, id="to a server abroad"),
    ],
)  # fmt: skip
def test_clients_beside_the_server_want_an_answer(rules: str, is_found: bool):
    assert bool(found(subject(HOME + rules), "hairpin-missing")) is is_found


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("masquerade out lan", True, id="everybody"),
        pytest.param("masquerade tcp from not dmz out lan", True, id="nearly everybody"),
        pytest.param("masquerade udp out lan", False, id="another protocol"),
        pytest.param("masquerade from { lan, dmz } out lan", False, id="the inside"),
        pytest.param("masquerade to 192.168.3.11 out lan", False, id="another server"),
        pytest.param("masquerade tcp/80 out lan", False, id="the port that was asked for"),
        pytest.param("masquerade tcp/8080 out lan", True, id="the server's port"),
        pytest.param("exempt to 192.168.3.10 out lan\nmasquerade out lan", False, id="an exemption above"),
        pytest.param("masquerade out dmz", False, id="another way"),
    ],
)  # fmt: skip
def test_servers_want_to_see_their_clients(rules: str, is_found: bool):
    forward = "dnat tcp/80 on wan -> 192.168.3.10:8080\n"
    findings = found(subject(HOME + forward + rules), "hides-client")
    assert bool(findings) is is_found
    assert all(finding.related[0].span.text == forward.strip() for finding in findings)


def test_all_zones_by_which_a_place_leaks_are_told_at_once():
    two = (
        HOME
        + "zone dsl { interface ppp0; address dynamic }\nmasquerade from dmz out { wan, dsl }\n"
    )
    (finding,) = found(subject(two), "private-leak")
    assert finding.primary.text == "its hosts leave by `wan` and `dsl` untranslated"
    assert len(finding.related) == 2


def test_clients_are_hidden_also_where_a_forward_above_takes_some_of_them():
    hiding = "snat tcp/80 out lan -> 203.0.113.2\n"
    above = "dnat tcp to 203.0.113.2 -> 192.168.4.10\n"
    below = "dnat to { 203.0.113.2, 192.0.2.9 } -> 192.168.3.10"
    (finding,) = found(subject(HOME + hiding + above + below), "hides-client")
    assert finding.related[0].span.text == below


def test_a_door_to_the_gateway_is_enough():
    taking = "dnat tcp in { lan, dmz } to 192.168.3.1 -> 192.168.3.10\n"
    assert found(subject(HOME + taking), "captures-gateway-service") == []
    taking += "dnat tcp in { lan, dmz } to 192.168.4.1 -> 192.168.3.10\n"
    assert len(found(subject(HOME + taking), "captures-gateway-service")) == 1
    spared = "exempt tcp/22 in lan to 192.168.3.1\n" + taking
    assert found(subject(HOME + spared), "captures-gateway-service") == []


def test_a_proxy_for_the_gateways_own_address_is_no_proxy():
    text = HOME + "transparent-proxy tcp/80 in wan to 203.0.113.2 -> :8080"
    assert found(subject(text), "open-proxy") == []
    text = HOME + "transparent-proxy tcp/80 to not lan from { lan, dmz } -> :8080"
    assert found(subject(text), "open-proxy") == []


def test_a_network_that_is_routed_on_purpose_may_leave_as_it_is():
    for way, count in (("route", 0), ("open", 0), ("isolated", 0), ("bridge", 0)):
        text = HOME + f"network n {{ bridge br0; subnet 10.1.0.0/24; forward {way} }}"
        owners = {f.primary.span.text[:9] for f in found(subject(text), "private-leak")}
        assert ("network n" in owners) == bool(count)


NOBODY_INSIDE = (
    "",
    "zone wan { interface eth0; address 203.0.113.2 }\n",
    "zone wan { interface eth0; address 203.0.113.2 }\nzone lan { interface eth1 }\n",
)
"""Policies that do not tell who lives inside."""


@pytest.mark.parametrize("zones", NOBODY_INSIDE, ids=["no zones", "wan alone", "no subnet"])
@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("dnat tcp/80 -> 192.168.3.10", True, id="everything"),
        pytest.param("dnat tcp/80 -> [2001:db8::10]:80", True, id="everything in IPv6"),
        pytest.param("dnat tcp/80 in eth0 -> 192.168.3.10", False, id="one way in"),
        pytest.param("dnat tcp/80 to 203.0.113.2 -> 192.168.3.10", False, id="one address"),
        pytest.param("dnat tcp/80 mark 1 -> 192.168.3.10", False, id="a mark"),
        pytest.param("exempt to not 203.0.113.2\ndnat tcp/80 -> 192.168.3.10", False, id="kept above"),
        pytest.param("transparent-proxy tcp/80 -> :3128", False, id="a proxy for itself"),
    ],
)  # fmt: skip
def test_transit_is_taken_where_nobody_says_who_is_inside(zones: str, rules: str, is_found: bool):
    assert bool(found(subject(zones + rules), "unscoped-dnat")) is is_found


@pytest.mark.parametrize("zones", NOBODY_INSIDE, ids=["no zones", "wan alone", "no subnet"])
def test_no_address_is_called_unreachable_where_nobody_says_who_is_inside(zones: str):
    text = f"{zones}dnat tcp/80 in eth0 -> 192.168.3.10"
    assert found(subject(text), "backend-unreachable") == []


def test_a_side_without_addresses_of_a_family_holds_none_of_its_servers():
    six = "zone six { interface eth7; address fd00::1; subnet fd00::/64 }\n"
    text = f"{HOME}{six}dnat tcp/80 in wan -> 192.168.30.10"
    assert len(found(subject(text), "backend-unreachable")) == 1


def test_static_is_not_told_to_hairpin_which_it_cannot():
    text = f"{HOME}static 192.168.3.9 <-> 203.0.113.2 on wan\n"
    (finding,) = found(subject(text), "hairpin-missing")
    assert finding.help is not None
    assert "`dnat … hairpin`" in finding.help
    above = "dnat tcp/443 to 203.0.113.2 -> 192.168.3.9 hairpin\nstatic"
    assert found(subject(text.replace("static", above)), "hairpin-missing") == []


def test_link_local_addresses_are_the_same_on_all_interfaces():
    text = "masquerade out eth0\n" + "".join(
        f"zone z{i} {{ interface eth{i}; address {{ 10.{i}.0.1, fe80::1 }}; "
        f"subnet {{ 10.{i}.0.0/16, fe80::/64, 169.254.0.0/16 }} }}\n"
        for i in range(2)
    )
    assert found(subject(text), "contradicting-facts") == []
    assert len(found(subject(text.replace("10.0.", "10.1.")), "contradicting-facts")) == 1


def test_facts_that_agree_are_no_finding():
    text = (
        HOME
        + "zone vpn { interface wg0; subnet 10.8.0.0/24 }\nzone dsl { interface ppp0; address dynamic }"
    )
    assert found(subject(text), "contradicting-facts") == []


def test_every_contradiction_is_found_where_it_is():
    text = (
        HOME
        + "network a { bridge br0; subnet 192.168.3.128/25; address 192.168.9.1; forward route }\n"
    )
    text += "zone b { interface eth9; address 192.168.4.1 }\n"
    findings = found(subject(text), "contradicting-facts")
    assert [finding.primary.span.text[:9] for finding in findings] == ["network a", "zone b { "]
    assert [finding.related[0].span.text[:8] for finding in findings] == ["zone lan", "zone dmz"]


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("dnat tcp/80 in wan to 203.0.113.3 -> 192.168.3.10", True, id="no alias"),
        pytest.param("dnat tcp/80 to 203.0.113.3 -> 192.168.3.10", True, id="from everywhere"),
        pytest.param("dnat tcp/80 to { 203.0.113.2, 203.0.113.3 } -> 192.168.3.10", True, id="one of two"),
        pytest.param("dnat tcp/80 in lan to 198.51.100.80 -> 192.168.3.10", False, id="a mirror for the lan"),
        pytest.param("dnat tcp/80 in wan to 192.168.4.10 -> 192.168.3.10", False, id="an address inside"),
        pytest.param("dnat tcp/80 in wan to not 203.0.113.2 -> 192.168.3.10", False, id="nearly all"),
        pytest.param("exempt in wan to 203.0.113.3\ndnat tcp/80 in wan to 203.0.113.3 -> 192.168.3.10", False, id="kept above"),
    ],
)  # fmt: skip
def test_packets_come_for_addresses_that_are_here(rules: str, is_found: bool):
    assert bool(found(subject(HOME + rules), "destination-not-owned")) is is_found


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("snat from lan out wan -> 203.0.113.3", True, id="no alias"),
        pytest.param("snat from lan -> 203.0.113.3", True, id="by every way"),
        pytest.param("snat from lan out wan -> 192.168.3.1", True, id="an address of another side"),
        pytest.param("snat from lan out dmz -> 203.0.113.2", False, id="an outside address inside"),
        pytest.param("static 192.168.3.9 <-> 203.0.113.3 on wan", False, id="NAT403 tells"),
        pytest.param("snat from lan out eth7 -> 203.0.113.3", False, id="nothing is known of it"),
    ],
)  # fmt: skip
def test_answers_come_to_addresses_that_are_here(rules: str, is_found: bool):
    assert bool(found(subject(HOME + rules), "source-not-owned")) is is_found


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("static 192.168.3.9 <-> 203.0.113.2", True, id="one to one everywhere"),
        pytest.param("masquerade from lan out vpn", False, id="the tunnel by name"),
        pytest.param("masquerade from lan out not lan", False, id="every other way"),
        pytest.param("exempt to vpn\nmasquerade from lan", False, id="kept above"),
        pytest.param("masquerade from lan to not lan", False, id="to everywhere else"),
    ],
)  # fmt: skip
def test_a_tunnel_wants_packets_as_they_are(rules: str, is_found: bool):
    tunnel = "zone vpn { interface wg0; address 10.8.0.1; subnet 10.8.0.0/24 }\n"
    assert bool(found(subject(HOME + tunnel + rules), "tunnel-translated")) is is_found


def test_what_is_kept_of_an_isolated_network_is_not_translated():
    lab = "network lab { bridge labbr0; subnet 10.9.0.0/24; forward isolated }\n"
    assert len(found(subject(HOME + lab + "masquerade out wan"), "bridged-match")) == 2
    kept = HOME.replace("snat icmp", "exempt from lab\nsnat icmp")
    assert found(subject(kept + lab + "masquerade out wan"), "bridged-match") == []


def test_bridged_guests_are_left_among_themselves():
    campus = "network campus { bridge br0; subnet 10.9.0.0/24; forward bridge }\n"
    assert found(subject(HOME + campus + "masquerade out wan"), "bridged-match") == []
    assert len(found(subject(HOME + campus + "masquerade tcp out br0"), "bridged-match")) == 1
