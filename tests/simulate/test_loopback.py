"""What a transparent proxy takes, and what the gateway sends itself, passes INPUT.

Each expectation is what `tests/kernel/test_simulated_input.py` finds in the kernel.
"""

import itertools

import pytest

from natc.address import Family
from natc.cli.trace_rules import of_rules, places
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.pipeline import rulesets
from natc.simulate import Outcome, Site, simulate, site_of
from natc.simulate.compare import compare, treatments
from natc.simulate.single import box_of
from natc.simulate.story import tell
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from natc.targets.iptables.write import write
from tests.kernel.site import packet as probe
from tests.simulate.rules import OWN, rules, text

PROXY = "mangle PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8443 --tproxy-mark 0x1/0x1"
ARRIVING = "tcp 192.168.3.9 5 198.51.100.7 80 eth1"
ITSELF = "tcp 203.0.113.1 5 203.0.113.1 80 local"
AWAY = "tcp 203.0.113.1 5 198.51.100.7 80 local"


def packet(words: str) -> Packet:
    return probe(Family.IPV4, words)


def end(policy: Policy, words: str, site: Site = OWN) -> Outcome:
    """Return what becomes of a packet, which is certain."""
    (outcome,) = simulate(policy, packet(words), site).outcomes
    return outcome


def hooks(outcome: Outcome) -> list[str]:
    return [step.hook.value for step in outcome.steps if step.rule is not None]


@pytest.mark.parametrize(
    "drop",
    [
        "mangle INPUT -j DROP",
        "filter INPUT -i eth1 -j DROP",
        "filter INPUT -m mark --mark 0x1/0x1 -j DROP",
        "filter INPUT -d 198.51.100.7 -j DROP",
    ],
)
def test_what_a_proxy_takes_can_still_be_dropped_in_input(drop: str) -> None:
    assert end(rules(PROXY), ARRIVING).proxied
    assert end(rules(PROXY, drop), ARRIVING).verdict == "dropped"


def test_rules_for_other_interfaces_and_marks_let_it_pass() -> None:
    others = (
        "filter INPUT -i lo -j DROP",
        "filter INPUT -m mark ! --mark 0x1/0x1 -j DROP",
        "filter FORWARD -j DROP",
        "nat POSTROUTING -j SNAT --to-source 203.0.113.9",
    )
    outcome = end(rules(PROXY, *others), ARRIVING)
    assert (outcome.verdict, outcome.proxied) == ("accepted", True)


def test_what_a_proxy_takes_is_translated_all_the_same() -> None:
    """Fact 2.14d; the filter sees the new destination."""
    turned = (PROXY, "nat PREROUTING -p tcp -j DNAT --to-destination 192.168.3.10")
    assert end(rules(*turned), ARRIVING).proxied
    dropped = end(rules(*turned, "filter INPUT -d 192.168.3.10 -j DROP"), ARRIVING)
    assert dropped.verdict == "dropped"


def test_nat_input_gives_what_a_proxy_takes_another_source() -> None:
    outcome = end(rules(PROXY, "nat INPUT -j SNAT --to-source 198.51.100.8"), ARRIVING)
    assert outcome.proxied
    assert outcome.source == point(packet("tcp 198.51.100.8 1 198.51.100.8 1 eth1").source)


@pytest.mark.parametrize(
    "drop",
    [
        "raw PREROUTING -i lo -j DROP",
        "mangle PREROUTING -i lo -j DROP",
        "mangle INPUT -i lo -j DROP",
        "filter INPUT -i lo -s 203.0.113.1 -d 203.0.113.1 -p tcp -j DROP",
    ],
)
def test_what_the_gateway_sends_itself_comes_in_by_lo(drop: str) -> None:
    policy = rules(drop)
    assert end(policy, ITSELF).verdict == "dropped"
    assert end(policy, f"{AWAY} eth0").verdict == "accepted"


def test_it_came_by_no_other_interface_and_has_no_way_out_anymore() -> None:
    others = ("filter INPUT -i eth0 -j DROP", "filter FORWARD -j DROP")
    assert end(rules(*others), ITSELF).verdict == "accepted"


def test_its_mark_stays() -> None:
    marked = (
        "mangle OUTPUT -j MARK --set-xmark 0x2/0x2",
        "mangle POSTROUTING -j MARK --set-xmark 0x4/0x4",
        "filter INPUT -m mark --mark 0x6 -j DROP",
    )
    assert end(rules(*marked), ITSELF).verdict == "dropped"


def test_translation_is_not_asked_again() -> None:
    turning = (
        "nat PREROUTING -j DNAT --to-destination 192.168.3.10",
        "nat INPUT -j SNAT --to-source 198.51.100.8",
    )
    outcome = end(rules(*turning, "filter INPUT -i eth0 -j DROP"), ITSELF)
    assert hooks(outcome) == []
    assert outcome.destination == point(packet(ITSELF).destination)


def test_input_sees_what_output_and_postrouting_made_of_it() -> None:
    turning = (
        "nat OUTPUT -d 198.51.100.7 -j DNAT --to-destination 192.168.3.1",
        "nat POSTROUTING -o lo -j SNAT --to-source 203.0.113.9",
        "filter INPUT -s 203.0.113.9 -d 192.168.3.1 -m conntrack --ctstate DNAT -j DROP",
    )
    assert end(rules(*turning), AWAY).verdict == "dropped"


def test_a_proxy_takes_it_from_lo() -> None:
    outcome = end(rules(PROXY), ITSELF)
    assert outcome.proxied
    assert outcome.destination == point(packet("tcp 127.0.0.1 1 127.0.0.1 1 lo").source)
    assert end(rules(PROXY, "filter INPUT -m mark --mark 0x1 -j DROP"), ITSELF).verdict == "dropped"


def test_a_mark_set_as_it_comes_back_leads_nowhere_else() -> None:
    """It keeps the route by which it left."""
    marked = ("mangle PREROUTING -i lo -j MARK --set-xmark 0x1/0x1", "filter FORWARD -j DROP")
    assert end(rules(*marked), ITSELF).verdict == "accepted"


def test_what_is_tracked_as_it_leaves_stays_tracked() -> None:
    """xt_CT does nothing to a packet with a connection."""
    late = (
        "raw PREROUTING -j CT --notrack",
        "filter INPUT -m conntrack --ctstate UNTRACKED -j DROP",
    )
    assert end(rules(*late), ITSELF).verdict == "accepted"
    early = ("raw OUTPUT -j CT --notrack", late[1])
    assert end(rules(*early), ITSELF).verdict == "dropped"


def test_a_mark_may_send_packets_for_others_over_lo() -> None:
    """Whoever says `out lo` of such a packet has policy routing in mind: a proxy's trick."""
    assert end(rules(PROXY), f"{AWAY} lo").proxied
    assert end(rules(PROXY), f"{AWAY} lo", Site()).proxied
    assert not end(rules(PROXY), f"{AWAY} eth0").proxied


def test_addresses_that_are_not_known_are_said() -> None:
    outcomes = simulate(rules("filter INPUT -i lo -j DROP"), packet(ITSELF), Site()).outcomes
    assert {outcome.verdict for outcome in outcomes} == {"accepted", "dropped"}
    assert all(outcome.undecided for outcome in outcomes)


SETS = [
    (),
    (PROXY,),
    ("filter INPUT -i lo -j DROP",),
    ("filter INPUT -s 203.0.113.9 -j DROP",),
    ("filter INPUT -d 192.168.3.1 -p tcp -j DROP",),
    ("raw PREROUTING -i lo -p tcp -j DROP",),
    ("mangle INPUT ! -i eth1 -m mark --mark 0x1/0x1 -j DROP",),
    (PROXY, "filter INPUT -s 203.0.113.9 -j DROP"),
]
TURNING = (
    "nat OUTPUT -d 198.51.100.7 -j DNAT --to-destination 192.168.3.1",
    "nat POSTROUTING -p tcp -j SNAT --to-source 203.0.113.9",
)


@pytest.mark.parametrize("common", [(), TURNING], ids=["plain", "turned"])
@pytest.mark.parametrize(("left", "right"), [*itertools.combinations(SETS, 2)])
def test_packets_are_in_a_difference_if_and_only_if_their_fates_differ(
    left: tuple[str, ...], right: tuple[str, ...], common: tuple[str, ...]
) -> None:
    one, other = rules(*common, *left), rules(*common, *right)
    found = compare(one, other, Family.IPV4, OWN)
    for words in (ARRIVING, ITSELF, AWAY, f"{AWAY} lo", "udp 192.168.3.1 5 203.0.113.1 80 local"):
        box = box_of(packet(words))
        if box.get(Field.OUT_INTERFACE) is None:
            box = box.having(
                Field.OUT_INTERFACE, box_of(packet(f"{AWAY} eth0")).get(Field.OUT_INTERFACE)
            )
        fates = [treatments(policy, Family.IPV4, OWN, [box])[0].fates for policy in (one, other)]
        here = [difference for difference in found if difference.packets & box is not None]
        assert (fates[0] != fates[1]) == bool(here), words


def stages(lines: tuple[str, ...], packet_: str) -> list[str]:
    """Return what `natc trace` tells of a packet in rules that exist."""
    own = ("203.0.113.1", "192.168.3.1", "192.168.50.1")
    here = of_rules(Source("rules", text(*lines)), Family.IPV4, own, places([packet_], None))
    (told,) = tell(here.policy, here.packets[0], here.site, here.layout).alternatives
    return [f"{event.stage}: {event.words}" for event in told.events]


TOLD_ITSELF = "tcp 203.0.113.1:5 > 203.0.113.1:80 in local"
TOLD_ARRIVING = "tcp 192.168.3.9:5 > 198.51.100.7:80 in eth1"


def test_a_story_follows_a_packet_over_lo() -> None:
    assert stages((PROXY, "filter INPUT -m mark --mark 0x2 -j DROP"), TOLD_ITSELF) == [
        "nat OUTPUT: no table nat in these rules",
        "routing: to the gateway itself, over lo",
        "filter OUTPUT: no rules",
        "nat POSTROUTING: no table nat in these rules",
        "mangle PREROUTING: to the proxy on 127.0.0.1:8443",
        "filter INPUT: no verdict in 1 rule",
    ]


def test_a_story_ends_where_lo_brings_a_packet_to_be_dropped() -> None:
    *_, before, last = stages(("filter INPUT -i lo -j DROP",), TOLD_ITSELF)
    assert (before, last) == (
        "nat POSTROUTING: no table nat in these rules",
        "filter INPUT: dropped",
    )


def test_a_story_follows_a_packet_to_its_proxy() -> None:
    turned = (PROXY, "nat PREROUTING -p tcp -j DNAT --to-destination 192.168.3.10")
    assert stages(turned, TOLD_ARRIVING) == [
        "mangle PREROUTING: to the proxy on port 8443",
        "nat PREROUTING: to 192.168.3.10:80",
        "routing: to the gateway itself",
        "filter INPUT: must accept tcp 192.168.3.9:5 > 192.168.3.10:80 in eth1",
    ]


def test_a_translation_to_where_a_packet_goes_is_the_same_whoever_wrote_the_rules() -> None:
    """The gateway's own packets that leave by lo go to itself or not, however they are asked."""
    written_as = """
        zone wan { interface eth0; address 203.0.113.1; subnet 203.0.113.0/28 }
        balance tcp/80 from wan user 0 to 0.0.0.0/0 -> { 192.168.3.2:80, 192.168.3.3:80 }
        transparent-proxy tcp/80 in wan -> 127.0.0.1:8443 tproxy mark 0x1/0x1
    """
    policy = lower(parse(Source("policy", written_as)))
    (ruleset,) = rulesets(policy).values()
    written = lift("dump", read(Source("dump", write(ruleset)), Family.IPV4))
    for site in (Site(), site_of(policy, Family.IPV4)):
        assert compare(policy, written, Family.IPV4, site) == []
        assert compare(written, policy, Family.IPV4, site) == []
