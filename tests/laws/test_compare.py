"""`compare` is exact: a packet lies in a difference if and only if the two policies treat it apart."""

from dataclasses import replace as with_features

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from natc.address import Family
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Policy
from natc.ir.space import Box
from natc.pipeline import rulesets
from natc.record import replace
from natc.simulate import Site, site_of
from natc.simulate.compare import Fates, compare, treatments
from natc.simulate.single import box_of
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.strategies import INTERFACES, SMALL, packets, policies

PLAIN = with_features(SMALL, opaque=())
"""Without kernel sets, so that a packet alone has one fate."""


def meaning(policy: ast.Policy) -> Policy:
    text = write_policy(policy)
    note(text)
    return lower(parse(Source("law.nat", text)))


@st.composite
def changed(draw: st.DrawFn, policy: Policy) -> Policy:
    """Return the policy with rules left out, moved or taken twice."""
    rules = draw(st.lists(st.sampled_from(policy.rules), max_size=len(policy.rules) + 2))
    return replace(policy, rules=tuple(rules))


def fates(policy: Policy, packet: Box, family: Family, site: Site) -> Fates:
    """Return what becomes of one packet."""
    (part,) = treatments(policy, family, site, [packet])
    return part.fates


@given(st.data())
def test_a_packet_is_in_a_difference_if_and_only_if_its_fates_differ(data: st.DataObject) -> None:
    policy = data.draw(policies(PLAIN))
    left = meaning(policy)
    right = data.draw(changed(left))
    for packet in data.draw(st.lists(packets(policy), min_size=4, max_size=8)):
        family = packet.family
        # A packet for the gateway itself has no way out.
        is_local = data.draw(st.booleans())
        unknown = Box.of({Field.LOCAL_DESTINATION: point(int(is_local))})
        out = packet.out_interface or data.draw(st.sampled_from(INTERFACES)).replace("+", "0")
        box = box_of(replace(packet, out_interface=out))
        ends_here = box.having(Field.OUT_INTERFACE, point(0)) if is_local else box
        for site, alone in ((site_of(left, family), box), (Site(), ends_here & unknown)):
            assert alone is not None
            here = [d for d in compare(left, right, family, site) if d.packets & alone is not None]
            differ = fates(left, alone, family, site) != fates(right, alone, family, site)
            assert differ == bool(here), f"{packet}: {here}"
            assert len(here) <= 1


@given(policies(SMALL))
def test_a_policy_is_no_different_from_itself(policy: ast.Policy) -> None:
    same = meaning(policy)
    for family in same.families:
        assert compare(same, same, family, Site()) == []


@pytest.mark.parametrize(
    "text",
    [
        # A pool that holds the address that was asked for: some stay where they are.
        "port-forward tcp/80 -> 203.0.113.32-203.0.113.34\nmasquerade to 203.0.113.32\n",
        # A rule that tells addresses of one pool apart, for some ports only.
        (
            "dnat tcp/{80,7010} to 203.0.113.0 in eth0 -> 203.0.113.32-203.0.113.33\n"
            "masquerade tcp sport 80 to 203.0.113.32 ports 1024-65535\n"
        ),
        # What is for the gateway itself, by its address and by what it is.
        (
            "zone ppp { interface ppp+; address dynamic }\n"
            "dnat tcp/8000-8010 on ppp -> 192.168.3.2\nexempt to 203.0.113.1\n"
        ),
    ],
    ids=["kept", "told-apart", "own"],
)
def test_rules_read_back_are_no_different(text: str) -> None:
    policy = lower(parse(Source("law.nat", text)))
    for family, ruleset in rulesets(policy).items():
        again = lift("dump", read(Source("dump", write(ruleset, Form.INSTALL)), family))
        for site in (Site(), site_of(policy, family)):
            assert compare(policy, again, family, site) == []
            assert compare(again, policy, family, site) == []
