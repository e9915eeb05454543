"""What is said of the values of a translation, and what is not."""

import pytest

from natc.address import Family
from natc.simulate import simulate
from natc.simulate.site import Site
from tests.lint.dumps import found, lines_of, subject

PROXY = "-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128"


def test_the_witness_of_a_range_that_is_not_shifted_goes_to_its_first_port():
    rule = "-A PREROUTING -p tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.1:8005-8015"
    linted = subject(rule)
    (finding,) = found(linted, "NAT301")
    assert finding.witness is not None
    ports = {
        outcome.destination_ports.first
        for outcome in simulate(linted.policy, finding.witness, Site()).outcomes
        if outcome.destination_ports is not None
    }
    assert ports == {8005}
    assert finding.witness.destination_port in range(8000, 8005)


@pytest.mark.parametrize(
    "matched",
    [
        "--dport 8005:8010",  # All of it is kept.
        "--dport 80",
        "--sport 1024:65535",
    ],
)
def test_a_range_of_ports_that_nothing_is_lost_of_is_not_reported(matched: str):
    rule = f"-A PREROUTING -p tcp {matched} -j DNAT --to-destination 10.0.0.1:8000-8010"
    assert found(subject(rule), "NAT301") == []


def test_nothing_is_said_of_the_values_of_a_rule_that_no_packet_reaches():
    rules = (
        "-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE",
        "-A POSTROUTING -s 10.0.0.0/24 -j SNAT --to-source 203.0.113.1-203.0.113.9",
    )
    assert lines_of(subject(*rules), "NAT305") == []
    assert lines_of(subject(rules[1], rules[0]), "NAT305") == [rules[1]]


def test_a_source_in_its_pool_stays_but_a_destination_does_not():
    pools = (
        "-A POSTROUTING -s 203.0.113.1 -j SNAT --to-source 203.0.113.1-203.0.113.9",
        "-A PREROUTING -d 203.0.113.1 -j DNAT --to-destination 203.0.113.1-203.0.113.9",
    )
    assert lines_of(subject(*pools), "NAT308") == [pools[0]]


@pytest.mark.parametrize(
    "above",
    [
        "-A OUTPUT -m owner --uid-owner 13 -j ACCEPT",
        "-A OUTPUT -m owner --gid-owner 13 -j RETURN",
        "-A OUTPUT -m mark --mark 0x1 -j RETURN",
        "-A OUTPUT -d 198.51.100.7 -j RETURN",
        "-A OUTPUT -o tun0 -j ACCEPT",
        "-A OUTPUT -m cgroup --path proxy -j ACCEPT",
    ],
)
def test_a_proxy_that_something_tells_apart_does_not_ask_itself(above: str):
    assert lines_of(subject(PROXY), "NAT307") == [PROXY]
    assert lines_of(subject(above, PROXY), "NAT307") == []


@pytest.mark.parametrize(
    "above",
    [
        "-A OUTPUT -d 127.0.0.0/8 -j RETURN",
        "-A OUTPUT -o lo -j ACCEPT",
        "-A OUTPUT -m addrtype --dst-type LOCAL -j ACCEPT",
        "-A OUTPUT -p udp -m owner --uid-owner 13 -j ACCEPT",
    ],
)
def test_what_is_exempt_but_not_for_the_proxy_does_not_help(above: str):
    assert lines_of(subject(above, PROXY), "NAT307") == [PROXY]


def test_a_value_of_the_other_family_s_form_is_read_in_its_own():
    good = (
        "-A PREROUTING -p tcp -j DNAT --to-destination [fd00::1]:80",
        "-A PREROUTING -p tcp -j DNAT --to-destination fd00::1-fd00::9",
        "-A POSTROUTING -s fd00::/64 -j SNAT --to-source 2001:db8::1",
    )
    bad = (
        "-A PREROUTING -p tcp -j DNAT --to-destination fd00::9-fd00::1",
        "-A PREROUTING -p tcp -j DNAT --to-destination [ff02::1]:80",
        "-A POSTROUTING -s fd00::/129 -j MASQUERADE",
    )
    linted = subject(*good, *bad, family=Family.IPV6)
    assert lines_of(linted, "NAT206") == list(bad)
    (first, *_) = found(linted, "NAT206")
    assert first.message == "the range fd00::9-fd00::1 is reversed"  # `fd00` is no host's name.


def test_names_and_masks_with_holes_are_no_bad_values():
    rules = (
        "-A POSTROUTING -s gateway.example -j MASQUERADE",
        "-A POSTROUTING -s 10.0.0.0/255.0.255.0 -j MASQUERADE",
        "-A PREROUTING -p tcp --dport gopher -j ACCEPT",
    )
    assert found(subject(*rules), "NAT206") == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("::1", ["NAT307"]),  # No port stands after one of several colons.
        ("[::1]:3128", ["NAT307"]),
        (":8080", []),  # A port without an address, which the kernel takes.
        (":99999", ["NAT206"]),
    ],
)
def test_an_ipv6_address_may_begin_with_a_colon_as_a_port_does(target: str, said: list[str]):
    rule = f"-A OUTPUT -p tcp --dport 443 -j DNAT --to-destination {target}"
    linted = subject(rule, family=Family.IPV6)
    assert [finding.code for finding in found(linted, "NAT206", "NAT307")] == said
