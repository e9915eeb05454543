"""Random policies and packets: the story that natc tells of a packet is what the kernel does.

Pools included: of several addresses the story names the one that the kernel takes.
"""

import dataclasses
import os
from collections.abc import Iterator

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.packet import Packet
from natc.pipeline import rulesets
from natc.record import replace
from natc.simulate.site import LOOPBACK_NET
from natc.simulate.story import Alternative, tell
from natc.source import Source
from natc.testlab import Flavour, Lab, Observation
from tests.kernel.told import is_told
from tests.kernel_diff import bench
from tests.kernel_diff.witnesses import site
from tests.strategies import KERNEL, packets, policies

pytestmark = pytest.mark.kernel

EXAMPLES = int(os.environ.get("NATC_KERNEL_EXAMPLES", "40")) // 2
PACKETS = 16
PLAIN = dataclasses.replace(KERNEL, opaque=())
"""Without kernel sets, which a story does not look into."""


@pytest.fixture(scope="module", params=Flavour, ids=str)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(bench.topology(), request.param) as made:
        yield made


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_the_kernel_does_what_the_story_tells(lab: Lab, data: st.DataObject) -> None:
    policy = data.draw(policies(PLAIN))
    text = write_policy(policy)
    note(text)
    meaning = lower(parse(Source("kernel.nat", text)))
    drawn = data.draw(
        st.lists(packets(policy, logins=False, multicast=False), min_size=PACKETS, max_size=PACKETS)
    )
    by_connection = {
        replace(packet, out_interface=None): packet for packet in map(bench.at_home, drawn)
    }
    probes = [packet for packet in by_connection.values() if bench.can_be_judged(lab, packet)]
    with bench.loaded(lab, rulesets(meaning)):
        for packet, seen in zip(probes, lab.probe(probes), strict=True):
            told = tell(meaning, packet, site(packet.family)).alternatives
            if not is_odd(packet, seen, told):
                assert any(is_told(each, seen) for each in told), f"{packet}: {seen}; {told}"


def is_odd(packet: Packet, seen: Observation, told: tuple[Alternative, ...]) -> bool:
    """Whether the destination is one that the kernel treats in a way of its own."""
    family = packet.family
    if (family, seen.destination) in bench.ODD:
        return True
    return seen.verdict == "dropped" and any(
        value in each.ending.destination.addresses
        for each in told
        for kind, value in (*bench.ODD, (family, LOOPBACK_NET[family].first + 1))
        if kind is family
    )
