"""Which zones lie outside, by what a policy says of them."""

import pytest

from natc import pipeline
from natc.address import Family
from natc.lint.sides import sides
from natc.lint.subject import Subject
from natc.source import Source

PUBLIC = "zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }\n"
BARE = "zone wan { interface eth0; address 203.0.113.2 }\n"
PRIVATE = "zone wan { interface eth0; address 192.168.2.2; subnet 192.168.2.0/24 }\n"
DYNAMIC = "zone dsl { interface ppp+; address dynamic }\n"
LAN = "zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }\n"
DMZ = "zone dmz { interface eth2; address 192.168.4.1; subnet 192.168.4.0/24 }\n"
SERVERS = "zone servers { interface eth3; address 198.51.100.1; subnet 198.51.100.0/28 }\n"
GUESTS = "network guests { bridge br0; subnet 192.168.122.0/24; forward nat }\n"


def subject(text: str) -> Subject:
    tree, meaning = pipeline.understand_whole(Source("policy.nat", text), lambda name: name)
    return Subject(meaning, tree)


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        pytest.param(PUBLIC + LAN + "snat from lan out wan -> 203.0.113.2", {"wan"}, id="rules say so"),
        pytest.param(PUBLIC + LAN + "snat out wan -> 203.0.113.2", {"wan"}, id="for everybody"),
        pytest.param(PUBLIC + SERVERS + LAN + "snat from lan out wan -> 203.0.113.2", {"wan"}, id="public servers are inside"),
        pytest.param(PUBLIC + DYNAMIC + LAN + "masquerade from lan out { wan, dsl }", {"wan", "dsl"}, id="two lines"),
        pytest.param(PUBLIC + DYNAMIC + LAN + "masquerade out { wan, dsl }", {"wan", "dsl"}, id="two lines, for everybody"),
        pytest.param(PUBLIC + LAN + "masquerade out { wan, lan }", {"wan"}, id="for everybody, the lan too"),
        pytest.param(LAN + DMZ + "masquerade out { lan, dmz }", set(), id="two neighbours, for everybody"),
        pytest.param(PUBLIC + LAN + "snat from 192.168.1.0/24 out wan -> 203.0.113.2", {"wan"}, id="for a network that is not declared"),
        pytest.param(PUBLIC + LAN + "snat from 192.168.1.0/24 out lan -> 192.168.3.1", set(), id="to the inside, for such a network"),
        pytest.param(PUBLIC + LAN + GUESTS, {"wan"}, id="a network says so"),
        pytest.param(PUBLIC + LAN + "dnat tcp/80 on wan -> 192.168.3.10", set(), id="nothing says so"),
        pytest.param(BARE + LAN + "dnat tcp/80 on wan -> 192.168.3.10", {"wan"}, id="the only one without a subnet"),
        pytest.param(BARE + LAN + DMZ + "snat from dmz out lan -> 192.168.3.1", {"wan"}, id="neighbours do not count beside it"),
        pytest.param(PRIVATE + LAN + "snat from lan out wan -> 192.168.2.2", {"wan"}, id="behind another gateway"),
        pytest.param(LAN + DMZ + "snat from dmz out lan -> 192.168.3.1\nsnat from lan out dmz -> 192.168.4.1", set(), id="two neighbours"),
        pytest.param(PUBLIC + PRIVATE.replace("wan", "vpn").replace("eth0", "tun0") + LAN + "snat from lan out vpn -> 192.168.2.2\nsnat from lan out wan -> 203.0.113.2", {"wan"}, id="a vpn is a neighbour"),
        pytest.param(PUBLIC + LAN + "snat from lan to 192.168.2.0/24 out wan -> 203.0.113.2", set(), id="not to everywhere"),
        pytest.param(PUBLIC + LAN + "masquerade from wan out lan", set(), id="the other way round"),
    ],
)  # fmt: skip
def test_a_zone_is_outside_when_the_internet_lies_behind_it(text: str, outside: set[str]):
    known = sides(subject(text))[Family.IPV4]
    assert {side.name for side in known.outside} == outside


def test_each_family_has_its_own_outside():
    text = BARE + LAN + "masquerade from lan out wan\nmasquerade ipv6 from fd00:3::/64 out wan"
    known = sides(subject(text))
    assert [side.name for side in known[Family.IPV4].outside] == ["wan"]
    assert known[Family.IPV6].outside == ()


def test_a_dump_has_no_sides():
    _, meaning = pipeline.understand_whole(Source("p.nat", BARE + "masquerade out wan"), str)
    assert sides(Subject(meaning)) == {}
