"""Proxied packets, and those that lo brings back, in the kernel and in the model of the same rules.

Rules that count tell which chains a packet met, and with which mark; the model must name the same
ones.  Source: Linux 6.18, net/netfilter/xt_TPROXY.c, drivers/net/loopback.c,
net/netfilter/nf_conntrack_core.c, nf_nat_core.c.
"""

from collections.abc import Iterator

import pytest

from natc.address import Family
from natc.cli.trace_rules import of_rules
from natc.record import replace
from natc.simulate.story import tell
from natc.source import Source, Span
from natc.testlab import Flavour, Lab, Listener
from tests.kernel.site import Site, topology
from tests.kernel.told import is_told

pytestmark = pytest.mark.kernel

CHAINS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}

MARKS = ("0x0", "0x1", "0x2", "0x3")


@pytest.fixture
def proxy(flavour: Flavour, family: Family) -> Iterator[Site]:
    """Return a gateway with a transparent listener on port 8443, found by mark 1."""
    listener = Listener(family, 6, None, 8443, 1, 1)
    with Lab(topology(has_bridge=False, listeners=(listener,)), flavour) as lab:
        yield Site(lab, family, flavour)


def text(site: Site, rules: tuple[str, ...]) -> str:
    """Return rules, each begun with its table, behind one in every chain that counts a mark.

    To count, and to be seen in a trace, it jumps to a chain that is empty but for RETURN.
    """
    names = {name: getattr(site.names, name) for name in site.names.FIELDS}
    lines = []
    for table, chains in CHAINS.items():
        lines += [f"*{table}", *(f":{chain} ACCEPT [0:0]" for chain in chains), ":SEEN - [0:0]"]
        lines += [
            f"-A {chain} -m mark --mark {mark} -m comment --comment {table}.{chain}.{mark} -j SEEN"
            for chain in chains
            for mark in MARKS
        ]
        lines += [
            f"-A {rule.format(**names)}" for own, _, rule in map(split, rules) if own == table
        ]
        lines += ["-A SEEN -j RETURN", "COMMIT", ""]
    return "\n".join(lines)


def split(rule: str) -> tuple[str, str, str]:
    return rule.partition(" ")


def agreed(site: Site, packet: str, *rules: str) -> tuple[str, list[str]]:
    """Send a packet through rules and return its end and the counters, which the model shares."""
    written = text(site, rules)
    done = site.restored(written, "")
    assert done.status == 0, done.output
    one = site.packet(packet)
    own = [getattr(site.names, name) for name in ("wan", "lan", "guest")]
    place = Source("<packet>", str(one))
    here = of_rules(Source("rules", written), site.family, own, [Span(place, 0, len(place.text))])
    (told,) = tell(here.policy, one, here.site, here.layout).alternatives
    by_routing = one.out_interface == "lo"
    (seen,) = site.lab.probe([replace(one, out_interface=None) if by_routing else one])
    assert is_told(told, seen), f"{seen}: {told.ending}"
    counted = list(site.hits(*CHAINS))
    met = [event.comment for event in told.events if event.comment]
    assert sorted(met) == sorted(counted)
    return site.told(seen), met


TPROXY = "mangle PREROUTING -p tcp --dport 80 -j TPROXY --on-port 8443 --tproxy-mark 0x1/0x1"
ARRIVING = "tcp inside 5 remote 80 eth1"
ITSELF = "tcp wan 5 wan 80 local"
AWAY = "tcp wan 5 remote 80 local"

DIVERTED = [
    "raw.PREROUTING.0x0",
    "mangle.PREROUTING.0x0",
    "nat.PREROUTING.0x1",
    "mangle.INPUT.0x1",
    "filter.INPUT.0x1",
    "nat.INPUT.0x1",
]
LEAVING = [
    "raw.OUTPUT.0x0",
    "mangle.OUTPUT.0x0",
    "nat.OUTPUT.0x0",
    "filter.OUTPUT.0x0",
    "mangle.POSTROUTING.0x0",
    "nat.POSTROUTING.0x0",
]
RETURNING = ["raw.PREROUTING.0x0", "mangle.PREROUTING.0x0", "mangle.INPUT.0x0", "filter.INPUT.0x0"]


def test_what_tproxy_takes_meets_nat_and_input_with_its_mark(proxy: Site) -> None:
    assert agreed(proxy, ARRIVING, TPROXY) == ("delivered inside 5 remote 80", DIVERTED)


@pytest.mark.parametrize(
    "drop",
    [
        "mangle INPUT -i eth1 -j DROP",
        "filter INPUT -i eth1 -d {remote} -m mark --mark 0x1 -j DROP",
    ],
)
def test_what_tproxy_takes_can_be_dropped_in_input(proxy: Site, drop: str) -> None:
    end, _ = agreed(proxy, ARRIVING, TPROXY, drop)
    assert end == "dropped inside 5 remote 80"


def test_what_tproxy_takes_is_not_dropped_in_forward(proxy: Site) -> None:
    _, met = agreed(proxy, ARRIVING, TPROXY, "filter FORWARD -j DROP", "filter INPUT -i lo -j DROP")
    assert met == DIVERTED


def test_what_tproxy_takes_gets_another_source_in_nat_input(proxy: Site) -> None:
    end, met = agreed(proxy, ARRIVING, TPROXY, "nat INPUT -p tcp -j SNAT --to-source {other}")
    assert (end, met) == ("delivered other 5 remote 80", DIVERTED)


def test_what_the_gateway_sends_itself_comes_back_but_for_nat(site: Site) -> None:
    end, met = agreed(site, ITSELF)
    assert (end, met) == ("delivered wan 5 wan 80", LEAVING + RETURNING)


@pytest.mark.parametrize(
    ("drop", "returned"),
    [
        ("raw PREROUTING -i lo -j DROP", 1),
        ("mangle PREROUTING -i lo -j DROP", 2),
        ("mangle INPUT -i lo -j DROP", 3),
        ("filter INPUT -i lo -s {wan} -d {wan} -j DROP", 4),
    ],
)
def test_what_the_gateway_sends_itself_can_be_dropped_as_it_comes_back(
    site: Site, drop: str, returned: int
) -> None:
    end, met = agreed(site, ITSELF, drop)
    assert (end, met) == ("dropped wan 5 wan 80", LEAVING + RETURNING[:returned])


def test_what_the_gateway_sends_itself_is_not_dropped_by_rules_for_others(site: Site) -> None:
    others = ("filter INPUT -i eth0 -j DROP", "filter FORWARD -j DROP")
    assert agreed(site, ITSELF, *others)[0] == "delivered wan 5 wan 80"


def test_lo_keeps_the_mark(site: Site) -> None:
    marking = (
        "mangle OUTPUT -j MARK --or-mark 0x1",
        "mangle POSTROUTING -j MARK --or-mark 0x2",
    )
    _, met = agreed(site, ITSELF, *marking)
    assert met[-4:] == [name.replace("0x0", "0x3") for name in RETURNING]


def test_translation_is_decided_before_lo(site: Site) -> None:
    late = (
        "nat PREROUTING -j DNAT --to-destination {server}",
        "nat INPUT -j SNAT --to-source {other}",
    )
    end, met = agreed(site, ITSELF, *late)
    assert (end, met) == ("delivered wan 5 wan 80", LEAVING + RETURNING)


def test_input_sees_what_output_and_postrouting_made_of_a_packet(site: Site) -> None:
    turning = (
        "nat OUTPUT -p tcp -d {remote} -j DNAT --to-destination {lan}",
        "nat POSTROUTING -o lo -p tcp -j SNAT --to-source {guest}",
    )
    assert agreed(site, AWAY, *turning)[0] == "delivered guest 5 lan 80"
    drop = "filter INPUT -i lo -s {guest} -d {lan} -j DROP"
    assert agreed(site, AWAY, *turning, drop)[0] == "dropped wan 5 remote 80"


def test_tproxy_takes_what_lo_brings_back(proxy: Site) -> None:
    end, met = agreed(proxy, ITSELF, TPROXY)
    after = [name.replace("INPUT.0x0", "INPUT.0x1") for name in RETURNING]
    assert (end, met) == ("delivered wan 5 wan 80", LEAVING + after)
    (seen,) = proxy.send(ITSELF)
    assert seen.proxied
    drop = "filter INPUT -i lo -m mark --mark 0x1 -j DROP"
    assert agreed(proxy, ITSELF, TPROXY, drop)[0] == "dropped wan 5 wan 80"


def test_a_mark_set_as_a_packet_comes_back_does_not_route_it(proxy: Site) -> None:
    """Mark 1 is the one that leads to the listener; a packet keeps the route by which it left."""
    marking = ("mangle PREROUTING -i lo -j MARK --set-mark 0x1", "filter FORWARD -j DROP")
    assert agreed(proxy, ITSELF, *marking)[0] == "delivered wan 5 wan 80"


def test_what_is_tracked_as_it_leaves_is_tracked_when_it_comes_back(site: Site) -> None:
    late = (
        "raw PREROUTING -i lo -j CT --notrack",
        "filter INPUT -m conntrack --ctstate UNTRACKED -j DROP",
    )
    assert agreed(site, ITSELF, *late)[0] == "delivered wan 5 wan 80"


def test_a_mark_may_route_packets_for_others_over_lo_to_a_proxy(proxy: Site) -> None:
    """The model is told that it leaves by lo, as it knows no policy routing."""
    end, met = agreed(
        proxy, f"{AWAY} lo", TPROXY, "mangle OUTPUT -p tcp --dport 80 -j MARK --set-mark 0x1"
    )
    assert end == "delivered wan 5 remote 80"
    assert met[-4:] == [name.replace("0x0", "0x1") for name in RETURNING]
