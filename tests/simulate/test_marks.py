"""Marks that rules set to what is not known: each setter's own, and only in the bits that it sets."""

import pytest

from natc.address import Family
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.record import replace
from natc.simulate import Site, simulate
from natc.simulate.compare import compare
from natc.simulate.single import box_of
from natc.simulate.story import tell
from tests.kernel.site import packet as probe
from tests.simulate.rules import rules

PACKET = "tcp 192.168.3.9 5 198.51.100.7 80 eth1 eth0"


def packet(mark: int = 0) -> Packet:
    return replace(probe(Family.IPV4, PACKET), mark=mark)


def verdicts(policy: Policy, mark: int = 0) -> set[str]:
    """Return how a packet may end."""
    return {outcome.verdict for outcome in simulate(policy, packet(mark), Site()).outcomes}


def differences(left: Policy, right: Policy) -> list[object]:
    return [found.packets for found in compare(left, right, Family.IPV4, Site())]


RESTORE = "mangle PREROUTING -j CONNMARK --restore-mark"
AGAIN = "mangle FORWARD -j CONNMARK --restore-mark"


def test_what_one_rule_made_of_a_mark_is_not_what_another_made_of_it() -> None:
    """The connection's mark may change between two rules that restore it."""
    twice = rules(
        RESTORE,
        "mangle PREROUTING -m mark ! --mark 0x1/0x1 -j DROP",
        AGAIN,
        "filter FORWARD -m mark --mark 0x1/0x1 -j DROP",
    )
    assert verdicts(twice) == {"dropped", "accepted"}


def test_two_rules_of_one_hook_are_told_apart() -> None:
    twice = rules(
        RESTORE,
        "mangle PREROUTING -m mark ! --mark 0x1/0x1 -j DROP",
        RESTORE,
        "filter FORWARD -m mark --mark 0x1/0x1 -j DROP",
    )
    assert verdicts(twice) == {"dropped", "accepted"}


def test_what_one_rule_made_of_a_mark_is_the_same_wherever_it_is_asked_for() -> None:
    once = rules(
        RESTORE,
        "mangle PREROUTING -m mark ! --mark 0x1/0x1 -j DROP",
        "filter FORWARD -m mark --mark 0x1/0x1 -j DROP",
    )
    assert verdicts(once) == {"dropped"}


def test_bits_of_an_unknown_mark_that_a_rule_inverts_are_still_those_of_its_setter() -> None:
    inverted = rules(
        RESTORE,
        "mangle PREROUTING -m mark --mark 0x1/0x1 -j DROP",
        "mangle PREROUTING -j MARK --xor-mark 0x1",
        "filter FORWARD -m mark --mark 0x1/0x1 -j DROP",
    )
    assert verdicts(inverted) == {"dropped"}


PART = "mangle PREROUTING -j CONNMARK --restore-mark --nfmask 0xff00 --ctmask 0xff00"


@pytest.mark.parametrize(("mark", "expected"), [(0x1, "dropped"), (0x2, "accepted")])
def test_bits_that_no_unknown_value_reaches_stay_known(mark: int, expected: str) -> None:
    partly = rules(PART, "filter FORWARD -m mark --mark 0x1/0xff -j DROP")
    assert verdicts(partly, mark) == {expected}


def test_bits_that_the_connection_inverts_are_unknown_too() -> None:
    inverted = rules(
        "mangle PREROUTING -j CONNMARK --restore-mark --nfmask 0x0 --ctmask 0xff",
        "filter FORWARD -m mark --mark 0x1/0x1 -j DROP",
    )
    assert verdicts(inverted, 0x1) == {"dropped", "accepted"}


def test_a_value_set_over_an_unknown_one_is_known() -> None:
    over = rules(
        RESTORE,
        "mangle PREROUTING -j MARK --set-xmark 0x1/0xff",
        "filter FORWARD -m mark --mark 0x1/0xff -j DROP",
    )
    assert verdicts(over) == {"dropped"}


@pytest.mark.parametrize(
    ("mark", "expected"), [(0x1, {"dropped", "accepted"}), (0x2, {"accepted"})]
)
def test_a_rule_that_asks_for_known_and_unknown_bits_takes_no_packet_whose_known_bits_differ(
    mark: int, expected: set[str]
) -> None:
    both = rules(PART, "filter FORWARD -m mark --mark 0x101/0x1ff -j DROP")
    assert verdicts(both, mark) == expected


@pytest.mark.parametrize(("mark", "expected"), [(0x1, {"dropped", "accepted"}), (0x2, {"dropped"})])
def test_a_rule_that_refuses_known_and_unknown_bits_takes_every_packet_whose_known_bits_differ(
    mark: int, expected: set[str]
) -> None:
    neither = rules(PART, "filter FORWARD -m mark ! --mark 0x101/0x1ff -j DROP")
    assert verdicts(neither, mark) == expected


def test_known_bits_are_told_apart_among_many_packets() -> None:
    """Of all packets, those whose known bits are as asked for are the ones that may be taken."""
    asking = rules(PART, "filter FORWARD -m mark --mark 0x101/0x1ff -j DROP")
    found = differences(asking, rules(PART))
    for mark, is_there in ((0x1, True), (0x2, False), (0x101, True)):
        assert is_there == any(box_of(packet(mark)) & box is not None for box in found), mark


@pytest.mark.parametrize(
    "lines",
    [
        (RESTORE, AGAIN, "filter FORWARD -m mark --mark 0x1/0x1 -j DROP"),
        (RESTORE, RESTORE, "nat PREROUTING -m mark --mark 0x1/0x1 -j DNAT --to 10.0.0.1"),
        (PART, "filter FORWARD -m mark ! --mark 0x101/0x1ff -j DROP"),
    ],
)
def test_rules_are_no_different_from_themselves(lines: tuple[str, ...]) -> None:
    assert differences(rules(*lines), rules(*lines)) == []


def test_rules_that_have_nothing_to_do_with_a_mark_do_not_make_it_another() -> None:
    """Neither their number nor the setters for other packets above it."""
    asking = "filter FORWARD -m mark --mark 0x1/0x1 -j DROP"
    one = "mangle PREROUTING -i eth1 -j CONNMARK --restore-mark"
    other = "mangle PREROUTING -i eth0 -j CONNMARK --restore-mark"
    accepted = "mangle PREROUTING -i eth2 -j ACCEPT"
    left, right = rules(accepted, one, other, asking), rules(other, one, asking)
    assert differences(left, right) == []


def test_a_mark_that_only_one_side_restores_is_a_difference() -> None:
    (found,) = compare(rules(RESTORE), rules(AGAIN), Family.IPV4, Site())[:1]
    assert found.left.fates != found.right.fates


def test_a_story_says_where_the_unknown_mark_was_set() -> None:
    asking = rules(PART, "filter FORWARD -m mark --mark 0x100/0x100 -j DROP")
    told = tell(asking, packet(), Site())
    cases = {text for each in told.alternatives for case in each.cases for text in case}
    assert "mark 0x100/0x100, set in mangle PREROUTING with mask 0xff00" in cases
    assert "not: mark 0x100/0x100, set in mangle PREROUTING with mask 0xff00" in cases
    events = [event.words for each in told.alternatives for event in each.events]
    assert "mark 0x0, not known in 0xff00" in events
