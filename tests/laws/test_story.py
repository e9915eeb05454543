"""A story is true: it ends where the model says, in whatever form the rules come."""

import itertools
from dataclasses import replace as with_features
from fractions import Fraction

from hypothesis import given, note
from hypothesis import strategies as st

from natc.address import Family, text_of
from natc.cli.trace_rules import of_rules
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.elaborate.context import Context
from natc.elaborate.packet_text import read_packet
from natc.elaborate.scope import Scope
from natc.ir.actions import Balance, Dnat, Snat
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.pipeline import rulesets
from natc.record import replace
from natc.simulate import Outcome, Simulator, site_of
from natc.simulate.story import Alternative, Ending, Story, tell
from natc.source import NOWHERE, Source, Span
from natc.targets.iptables.write import write
from tests.strategies import DIVERSIONS, HAIRPINS, SMALL, packets, policies

DRAWN = st.sampled_from(
    [SMALL, HAIRPINS, DIVERSIONS, with_features(SMALL, opaque=())],
).flatmap(policies)


def meaning(policy: ast.Policy) -> Policy:
    text = write_policy(policy)
    note(text)
    return lower(parse(Source("law.nat", text)))


def span_of(packet: Packet) -> Span:
    text = str(packet)
    return Span(Source("<packet>", text), 0, len(text))


@given(st.data())
def test_a_packet_reads_back_as_it_prints(data: st.DataObject) -> None:
    packet = data.draw(packets(data.draw(policies(SMALL))))
    assert read_packet(span_of(packet), Context(Scope({}), "", NOWHERE, ())) == packet


def is_inside(told: Alternative, outcome: Outcome) -> bool:
    """Whether all of `told` is in the model's `outcome`."""
    end = told.ending
    if end.verdict in ("dropped", "unknown") or outcome.verdict != "accepted":
        return end.verdict == outcome.verdict
    if end.verdict == "proxied" or outcome.proxied:
        return (end.verdict == "proxied") is outcome.proxied
    pairs = (
        (end.source.addresses, outcome.source),
        (end.source.ports, outcome.source_ports),
        (end.destination.addresses, outcome.destination),
        (end.destination.ports, outcome.destination_ports),
    )
    return all(
        (mine is None and theirs is None)
        or (mine is not None and theirs is not None and mine <= theirs)
        for mine, theirs in pairs
    )


def has_pools(policy: Policy) -> bool:
    """Whether the kernel has a choice that a story foretells and the model leaves open."""
    actions = [rule.action for rule in policy.rules]
    actions += [b.action for a in actions if isinstance(a, Balance) for b in a.backends]
    return any(isinstance(a, Dnat | Snat) and a.addresses.size > 1 for a in actions)


@given(st.data())
def test_a_story_ends_where_the_model_says_and_nowhere_else(data: st.DataObject) -> None:
    policy = data.draw(DRAWN)
    ir = meaning(policy)
    simulated = Simulator(ir)
    for packet in data.draw(st.lists(packets(policy), min_size=1, max_size=6)):
        note(str(packet))
        story = tell(ir, packet)
        outcomes = simulated(packet).outcomes
        assert story.is_whole
        assert story.alternatives
        for told in story.alternatives:
            # A range of IPv6 may be left by the kernel's arithmetic.
            leaves = any("outside" in line for event in told.events for line in event.details)
            assert leaves or any(is_inside(told, outcome) for outcome in outcomes), told
        if not has_pools(ir):
            for outcome in outcomes:
                assert any(is_inside(told, outcome) for told in story.alternatives), outcome


@given(st.data())
def test_chances_that_are_known_add_up(data: st.DataObject) -> None:
    policy = data.draw(policies(with_features(SMALL, opaque=())))
    ir = meaning(policy)
    for packet in data.draw(st.lists(packets(policy), min_size=1, max_size=6)):
        alternatives = tell(ir, packet).alternatives
        chances = [told.chance for told in alternatives]
        if not any(any(told.cases) for told in alternatives) and None not in chances:
            assert sum(chance for chance in chances if chance is not None) == Fraction(1)


@given(st.data())
def test_the_text_that_natc_writes_has_the_same_stories(data: st.DataObject) -> None:
    policy = data.draw(DRAWN)
    ir = meaning(policy)
    drawn = data.draw(st.lists(packets(policy), min_size=1, max_size=6))
    for family, ruleset in rulesets(ir).items():
        text = Source("rules", write(ruleset))
        mine = [packet for packet in drawn if packet.family is family]
        if not mine:
            continue
        note(text.text)
        here = of_rules(text, family, own_of(ir, family), [span_of(packet) for packet in mine])
        for packet in mine:
            note(str(packet))
            policys = tell(ir, packet, here.site)
            rules = tell(here.policy, packet, here.site, here.layout)
            assert endings(policys) == endings(rules)
            for told in rules.alternatives:
                depths = [event.depth for event in told.events]
                assert all(later - one <= 1 for one, later in itertools.pairwise(depths))


def endings(story: Story) -> set[Ending]:
    """Return where a packet may end; only a policy knows its zones."""
    return {replace(told.ending, shared="") for told in story.alternatives}


def own_of(policy: Policy, family: Family) -> list[str]:
    own = site_of(policy, family).own or IntervalSet()
    return [text_of(family, low) for low, high in own.ranges if low == high] or ["192.0.2.1"]
