"""All of a policy's tests in one lab."""

import pytest

from natc.address import Family, parse
from natc.ir.actions import Dnat, Hook
from natc.ir.conditions import InSet
from natc.ir.fields import Field, interface
from natc.ir.intervals import interval, point
from natc.ir.policy import AddressSet, EndpointSet, Expectation, Policy, Rule, Test, Zone
from natc.ir.space import Box, Region
from natc.record import replace
from natc.testlab import Flavour, LoadError, run_tests
from tests.kernel.site import packet, restore_text

pytestmark = pytest.mark.kernel

SERVER = parse("192.168.3.10")
WAN, LAN = parse("203.0.113.1"), parse("192.168.3.1")
ZONES = (
    Zone("wan", ("eth0",), (WAN,)),
    Zone("lan", ("eth1",), (LAN,), subnet=AddressSet(interval(LAN[1] - 1, LAN[1] + 254))),
)
WEB = Rule(
    "web",
    Family.IPV4,
    Hook.PREROUTING,
    Region(
        (
            Box.of(
                {
                    Field.IN_INTERFACE: interface("eth0"),
                    Field.PROTOCOL: point(6),
                    Field.DESTINATION_PORT: point(8888),
                },
                (InSet("banned", ("src",), negated=True),),
            ),
        )
    ),
    Dnat(point(SERVER[1]), point(8080)),
)
TEXT = restore_text(
    "PRE -i eth0 -p tcp --dport 8888 -m set ! --match-set banned src"
    " -j DNAT --to-destination 192.168.3.10:8080",
    "POST -o eth0 -j MASQUERADE",
)


def expecting(text: str, expected: Expectation) -> Test:
    return Test("test", packet(Family.IPV4, text), expected)


def to(port: int) -> Expectation:
    ends = EndpointSet(point(SERVER[1]), point(port))
    return Expectation("rewritten", None, None, (ends,))


def test_a_policys_tests_run_in_one_lab(flavour: Flavour) -> None:
    local = expecting("tcp 203.0.113.1 1 198.51.100.7 80 local", Expectation("unchanged"))
    tests = (
        expecting("tcp 198.51.100.7 40000 203.0.113.1 8888 eth0", to(8080)),
        expecting("tcp 198.51.100.7 40000 203.0.113.1 8888 eth0", to(80)),
        replace(local, packet=replace(local.packet, user="no-such-user")),
        expecting("udp 192.168.3.9 5 9.9.9.9 53 eth1", Expectation("translated", "source")),
        expecting("tcp 192.168.3.9 5 203.0.113.1 8888 eth1", Expectation("unchanged")),
    )
    policy = Policy("policy", (WEB,), ZONES, tests=tests)
    results = run_tests(policy, {Family.IPV4: TEXT}, flavour)
    assert [result.test for result in results] == list(tests)
    assert [result.problem for result in results] == [
        None,
        "expected to 192.168.3.10:80, the kernel sent it to 192.168.3.10:8080",
        "not testable: there is no user `no-such-user` on this machine",
        None,
        None,
    ]
    assert results[2].observation is None
    assert results[3].observation is not None
    assert results[3].observation.source == WAN[1]


def test_a_text_that_does_not_load_is_an_error(flavour: Flavour) -> None:
    policy = Policy("policy", (WEB,), ZONES)
    with pytest.raises(LoadError) as caught:
        run_tests(policy, {Family.IPV4: "*nat\n-A PREROUTING -j NOWHERE\nCOMMIT\n"}, flavour)
    assert caught.value.line in {2, 3}


def test_a_policy_without_rules_or_tests_has_no_results(flavour: Flavour) -> None:
    assert run_tests(Policy("empty", ()), {}, flavour) == []
