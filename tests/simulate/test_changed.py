"""Which packets two rule sets can treat differently, found without a look at every pair of rules."""

import time

import pytest

from natc.address import Family
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.policy import Policy
from natc.simulate import site_of
from natc.simulate.changed import worth_comparing
from natc.simulate.compare import compare
from natc.simulate.single import box_of
from natc.source import Source
from tests.kernel.site import packet
from tests.simulate.rules import rules

GATEWAY = "zone wan { interface eth0; address 203.0.113.1 }\n"


def forwards(count: int, first: int) -> Policy:
    """Return a forward for each of `count` ports from `first`."""
    lines = (
        f"port-forward tcp/{first + index} on wan -> 10.{index // 250}.0.{1 + index % 250}:80\n"
        for index in range(count)
    )
    return lower(parse(Source("forwards.nat", GATEWAY + "".join(lines))))


def seconds(count: int) -> float:
    """Return the time to compare forwards that have nothing in common."""
    one, other = forwards(count, 1000), forwards(count, 30000)
    began = time.process_time()
    found = compare(one, other, Family.IPV4, site_of(one, Family.IPV4))
    assert len(found) == 2 * count
    return time.process_time() - began


def test_the_work_grows_with_the_rules_and_not_with_their_pairs() -> None:
    """Eight times the rules would be 64 times the pairs."""
    small = min(seconds(150) for _ in range(3))
    assert seconds(1200) < 24 * small


RULES = [
    "nat PREROUTING -d 10.0.0.0/8 -p tcp -j DNAT --to-destination 10.9.9.9",
    "nat PREROUTING -d 10.0.0.0/16 -j ACCEPT",
    "nat PREROUTING -d 10.0.0.5 -p tcp --dport 80 -j DNAT --to-destination 10.9.9.9",
    "nat PREROUTING -s 10.0.0.0/8 -p udp -j ACCEPT",
    "nat POSTROUTING -d 10.9.9.9 -j SNAT --to-source 10.9.9.1",
    "filter INPUT -i lo -p tcp -j DROP",
    "filter FORWARD -d 10.9.9.9 -p tcp --dport 80 -j DROP",
]


@pytest.mark.parametrize("count", range(1, len(RULES) + 1))
def test_the_packets_worth_comparing_come_in_boxes_that_do_not_meet(count: int) -> None:
    boxes = worth_comparing(rules(*RULES[:count]), rules(), Family.IPV4)
    assert not any(a.meets(b) for index, a in enumerate(boxes) for b in boxes[:index])


@pytest.mark.parametrize(
    "text",
    [
        "tcp 1.2.3.4 5 10.0.0.5 80 eth0",
        "tcp 1.2.3.4 5 10.9.9.9 80 eth0",
        "udp 10.0.0.1 5 1.2.3.4 53 eth1",
        "tcp 203.0.113.1 5 203.0.113.1 80 local",
        "tcp 203.0.113.1 5 10.9.9.9 80 local",
    ],
)
def test_every_packet_that_a_rule_can_decide_is_worth_comparing(text: str) -> None:
    boxes = worth_comparing(rules(*RULES), rules(), Family.IPV4)
    assert any(box & box_of(packet(Family.IPV4, text)) is not None for box in boxes)
