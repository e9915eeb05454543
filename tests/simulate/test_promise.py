"""Promises about packets for the gateway itself, which it knows by its addresses."""

from natc.address import Family, parse
from natc.dsl.parser import parse as parsed
from natc.elaborate import lower
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Policy
from natc.ir.space import Box, Region
from natc.record import replace
from natc.simulate import site_of
from natc.simulate.promise import counterexample
from natc.source import Source

ZONES = """
zone ppp { interface ppp+; address dynamic }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
"""


def policy(text: str) -> Policy:
    return lower(parsed(Source("promise.nat", ZONES + text)))


def test_what_breaks_a_promise_about_a_dynamic_zone_goes_to_the_gateway() -> None:
    meaning = policy(
        "port-forward tcp/80 in ppp -> 192.168.3.10\nassert all tcp on ppp : to 192.168.3.10\n"
    )
    found = counterexample(meaning, meaning.assertions[0])
    own = site_of(meaning, Family.IPV4).own
    assert found is not None
    assert own is not None
    assert found.packet.destination in own


def test_a_promise_about_a_dynamic_zone_is_broken_at_an_address_that_no_zone_has() -> None:
    meaning = policy(
        "dnat tcp/80 in ppp to not 192.168.3.1 -> 192.168.3.11\n"
        "port-forward tcp/80 on ppp -> 192.168.3.10\n"
        "assert all tcp/80 on ppp : to 192.168.3.10\n"
    )
    found = counterexample(meaning, meaning.assertions[0])
    assert found is not None
    assert found.packet.destination != parse("192.168.3.1")[1]


def test_packets_for_others_break_no_promise_about_those_for_the_gateway() -> None:
    meaning = policy(
        "dnat tcp/80 to 198.51.100.0/24 in ppp -> 192.168.3.10\nassert all : unchanged\n"
    )
    local, passing = (
        replace(
            meaning.assertions[0],
            match=Region((Box.of({Field.LOCAL_DESTINATION: point(number)}),)),
        )
        for number in (1, 0)
    )
    assert counterexample(meaning, local) is None
    assert counterexample(meaning, passing) is not None
