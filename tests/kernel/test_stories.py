"""What docs/traces.md tells of packets is what both kernels do with them, replies included."""

import itertools
import shlex
from collections.abc import Iterator

import pytest

from natc.address import Family
from natc.cli.trace_rules import Traced, of_policy, of_rules, places
from natc.ir.fields import interface_number
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Expectation, Test
from natc.packet import PROTOCOLS, Packet
from natc.pipeline import rulesets
from natc.record import replace
from natc.simulate.story import Alternative, Story, tell
from natc.source import Source
from natc.targets.iptables.write import write
from natc.testlab import Flavour, Lab, frames, plan
from tests.cli.program import ROOT
from tests.kernel import raw
from tests.kernel.site import Site, ipv4_only
from tests.kernel.told import is_told
from tests.spec.consoles import consoles

pytestmark = pytest.mark.kernel

DOCUMENT = ROOT / "docs" / "traces.md"


def shown() -> dict[str, list[str]]:
    """Return the packets of the document by the policy that they are traced in."""
    found: dict[str, list[str]] = {}
    for console in consoles(DOCUMENT):
        words = shlex.split(console.command)
        if "|" not in words:
            packets = found.setdefault(words[2], [])
            packets += [after for word, after in itertools.pairwise(words) if word == "--packet"]
    return found


def traced(policy: str) -> Traced:
    """Return a policy with its packets from the document."""
    source = Source(policy, (ROOT / policy).read_text(encoding="utf-8"))
    packets = dict.fromkeys(shown()[policy])
    return of_policy(source, str(ROOT / policy), "", {}, places(packets, None))


def lab_of(here: Traced, flavour: Flavour) -> Lab:
    """Return a lab for the policy's gateway, on which the packets make sense."""
    expected = Expectation("unchanged")
    tests = tuple(Test("", packet, expected) for packet in here.packets)
    return Lab(plan(replace(here.policy, tests=tests)), flavour)


@pytest.mark.parametrize("policy", shown())
def test_packets_end_as_their_story_tells(policy: str, flavour: Flavour) -> None:
    here = traced(policy)
    with lab_of(here, flavour) as lab:
        if any(packet.user for packet in here.packets) and not lab.has_all_users:
            pytest.skip("packets of a user need a lab that root makes")
        for family, ruleset in rulesets(here.policy).items():
            lab.load(write(ruleset), family)
        for packet, seen in zip(here.packets, lab.probe(here.packets), strict=True):
            story = tell(here.policy, packet)
            assert story.is_whole
            assert any(is_told(each, seen) for each in story.alternatives), f"{packet}: {seen}"


@pytest.mark.parametrize("policy", shown())
def test_replies_come_back_as_their_story_tells(policy: str, flavour: Flavour) -> None:
    here = traced(policy)
    packets = [packet for packet in here.packets if packet.in_interface is not None]
    stories = [(packet, told) for packet in packets for told in single(tell(here.policy, packet))]
    with lab_of(here, flavour) as lab:
        for family, ruleset in rulesets(here.policy).items():
            lab.load(write(ruleset), family)
        for packet, told in stories:
            sent = [(str(packet.in_interface), frames.datagram(packet))]
            sent += list(answers(packet, told))
            *_, left = lab.exchange(sent)
            ((by, data),) = left
            assert by == packet.in_interface
            family, *seen = raw.ends(data)
            assert family is packet.family
            expected = [packet.destination, packet.destination_port]
            expected += [packet.source, packet.source_port]
            if packet.source_port is None:  # A ping's identifier counts as its source port.
                expected = [packet.destination, seen[1], packet.source, seen[3]]
            assert seen == expected, f"{packet}: the reply"


def single(story: Story) -> Iterator[Alternative]:
    """Yield what becomes of a packet if that is certain, and the packet leaves."""
    if len(story.alternatives) == 1 and story.alternatives[0].ending.verdict == "forwarded":
        yield story.alternatives[0]


def answers(packet: Packet, told: Alternative) -> Iterator[tuple[str, bytes]]:
    """Yield the reply as the story has it come to the gateway."""
    end = told.ending
    assert end.out is not None
    reply = Packet(
        packet.family,
        packet.protocol,
        end.destination.addresses.first,
        first(end.destination.ports),
        end.source.addresses.first,
        first(end.source.ports),
    )
    make: raw.Maker = frames.datagram
    if packet.protocol == PROTOCOLS["tcp"]:
        make = raw.flags("SA")
    if packet.protocol == PROTOCOLS["icmp"]:
        _, identifier, *_ = raw.ends(frames.datagram(packet))[1:]
        make = raw.echo(identifier, is_answer=True)
    (out,) = [name for name in ("eth0", "eth1") if interface_number(name) in end.out]
    yield out, make(reply)


def first(values: IntervalSet | None) -> int | None:
    return None if values is None else values.first


def test_the_document_has_packets_for_the_kernel() -> None:
    assert sum(map(len, shown().values())) >= 10
    assert all(packet.family is Family.IPV4 for name in shown() for packet in traced(name).packets)


CHAINS = """\
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 198.51.100.8 -m comment --comment m1 -j MARK --set-xmark 0x1/0x1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
:C - [0:0]
-A PREROUTING -i eth0 -m comment --comment p1 -j A
-A PREROUTING -p tcp -m tcp --dport 80 -m comment --comment p2 -j DNAT --to-destination 192.168.3.10
-A A -p udp -m comment --comment a1 -j RETURN
-A A -m comment --comment a2 -g B
-A A -m comment --comment a3 -j DNAT --to-destination 192.168.3.99
-A B -m mark --mark 0x1/0x1 -m comment --comment b1 -j C
-A B -p tcp -m tcp --dport 81 -m comment --comment b2 -j DNAT --to-destination 192.168.3.11:8080
-A C -m comment --comment c1 -j RETURN
-A OUTPUT -p tcp -m tcp --dport 82 -m comment --comment o1 -j REDIRECT --to-ports 3128
-A POSTROUTING -d 192.168.3.10 -m comment --comment s1 -j ACCEPT
-A POSTROUTING -o eth1 -p tcp -m comment --comment s2 -j SNAT --to-source 192.168.3.1:2000-2999
-A POSTROUTING -o eth0 -m comment --comment s3 -j SNAT --to-source 203.0.113.16-203.0.113.23
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:F - [0:0]
-A FORWARD -o eth1 -m comment --comment f1 -j F
-A FORWARD -i eth1 -m comment --comment f2 -j ACCEPT
-A F -p tcp -m tcp --syn -m comment --comment f3 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 83 -m comment --comment i1 -j DROP
COMMIT
"""

ADDRESSES = ("203.0.113.1", "192.168.3.1", "192.168.50.1")
"""The gateway's own, on the site that most kernel tests use."""


@pytest.mark.parametrize(
    "packet",
    [
        "tcp 198.51.100.7:5 > 203.0.113.1:80 in eth0 out eth1",
        "tcp 198.51.100.7:5 > 203.0.113.1:81 in eth0 out eth1",
        "tcp 198.51.100.8:5 > 203.0.113.1:81 in eth0 out eth1",
        "tcp 198.51.100.8:5 > 203.0.113.1:80 in eth0 out eth1",
        "tcp 198.51.100.8:5 > 203.0.113.1:82 in eth0",
        "tcp 198.51.100.8:5 > 203.0.113.1:83 in eth0",
        "udp 198.51.100.7:5 > 203.0.113.1:81 in eth0",
        "udp 198.51.100.7:5 > 192.168.3.9:81 in eth0 out eth1",
        "udp 192.168.3.9:5 > 198.51.100.7:53 in eth1 out eth0",
        "icmp 192.168.3.9 > 198.51.100.8 in eth1 out eth0",
        "tcp 192.168.3.9:5 > 192.168.3.10:80 in eth1 out eth1",
        "tcp 203.0.113.1:5 > 198.51.100.7:82 in local",
        "tcp 203.0.113.1:5 > 198.51.100.7:99 in local out eth0",
    ],
)
@ipv4_only
def test_the_rules_of_a_story_are_those_that_the_kernel_counts(packet: str, site: Site) -> None:
    done = site.restored(CHAINS, "")
    assert done.status == 0, done.output
    source = Source("rules.v4", CHAINS)
    here = of_rules(source, Family.IPV4, ADDRESSES, places([packet], None))
    (one,) = here.packets
    (told,) = tell(here.policy, one, here.site, here.layout).alternatives
    (seen,) = site.lab.probe([one])
    assert is_told(told, seen), f"{seen}: {told.ending}"
    counted = site.hits("mangle", "nat", "filter")
    assert {event.comment for event in told.events if event.comment} == set(counted)
