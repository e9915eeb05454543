"""Random policies and packets: four witnesses agree on what becomes of each packet.

The oracle reads the syntax tree, natc's model follows the IR, the same model follows what it reads
back from the text that natc writes, and the kernel does it.  `test_fuzz` has rule sets that no policy
stands behind.

`NATC_KERNEL_EXAMPLES` sets how many rule sets each test tries in each flavour.
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from natc.address import Family, text_of
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.policy import Policy
from natc.pipeline import rulesets
from natc.record import replace
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from natc.testlab import Flavour, Lab
from tests.kernel_diff import bench
from tests.kernel_diff.witnesses import Model
from tests.oracle import Oracle
from tests.strategies import DIVERSIONS, HAIRPINS, KERNEL, Shape, packets, policies, universe

pytestmark = pytest.mark.kernel

EXAMPLES = int(os.environ.get("NATC_KERNEL_EXAMPLES", "40"))
PACKETS = 16
"""Packets for each policy: policies cost much, packets little."""

DIVERTING = dataclasses.replace(DIVERSIONS, opaque=(), marks=False, logins=False)
TURNING = dataclasses.replace(HAIRPINS, opaque=(Family.IPV4,), logins=False)

EVERYTHING = Shape(opaque=(Family.IPV4,), promises=False)
"""What a kernel can load; its login names must exist."""


@pytest.fixture(scope="module", params=Flavour, ids=str)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a gateway whose sets hold what the oracle thinks they hold."""
    with Lab(bench.topology(), request.param) as made:
        for name, members in universe.LISTED.items():
            texts = [text_of(family, value) for family, value in members if family is Family.IPV4]
            made.ipset(name, texts)
        yield made


def meaning_of(policy: ast.Policy) -> Policy:
    """Return the meaning of a policy, by way of its text."""
    text = write_policy(policy)
    note(text)
    return lower(parse(Source("kernel.nat", text)))


def read_back(rules: Mapping[Family, Ruleset]) -> Policy:
    """Return the meaning of the text that natc writes."""
    texts = {family: write(ruleset) for family, ruleset in rules.items()}
    dumps = (read(Source("dump", text), family) for family, text in texts.items())
    return lift("dump", *dumps)


def run(lab: Lab, policy: ast.Policy, data: st.DataObject, *, marks: bool = True) -> None:
    """Send packets through `policy` in the kernel and hold the oracle's answer against it."""
    meaning = meaning_of(policy)
    rules = rulesets(meaning)
    drawn = data.draw(
        st.lists(
            packets(policy, logins=False, marks=marks, multicast=False),
            min_size=PACKETS,
            max_size=PACKETS,
        )
    )
    probes = [bench.at_home(packet) for packet in drawn]
    # One of each: a proxy's half-open connection takes the next packet that begins the same one.
    by_connection = {
        replace(packet, in_interface=None, out_interface=None): packet for packet in probes
    }
    probes = [packet for packet in by_connection.values() if bench.can_be_judged(lab, packet)]
    oracle = Oracle(policy, bench.WORLD, "original")
    models = {"IR": Model(meaning), "text read back": Model(read_back(rules))}
    with bench.loaded(lab, rules):
        for packet, seen in zip(probes, lab.probe(probes), strict=True):
            wrong = bench.complaint(oracle, packet, seen)
            assert wrong is None, f"{packet}: {wrong}"
            for name, model in models.items():
                wrong = model.complaint(packet, seen)
                assert wrong is None, f"{packet}, by the {name}: {wrong}"


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_the_kernel_does_what_the_policy_says(lab: Lab, data: st.DataObject) -> None:
    run(lab, data.draw(policies(KERNEL)), data)


@settings(max_examples=EXAMPLES // 2)
@given(st.data())
def test_the_kernel_turns_hairpins_as_the_policy_says(lab: Lab, data: st.DataObject) -> None:
    run(lab, data.draw(policies(TURNING)), data)


@pytest.mark.parametrize("flavour", Flavour, ids=str)
@settings(max_examples=EXAMPLES // 2)
@given(data=st.data())
def test_the_kernel_diverts_what_the_policy_says(flavour: Flavour, data: st.DataObject) -> None:
    # A lab each time: the proxy's half-open connections would take the next packet of their kind.
    with Lab(bench.topology(listeners=True), flavour) as lab:
        run(lab, data.draw(policies(DIVERTING)), data, marks=False)


@settings(max_examples=EXAMPLES // 2)
@given(policies(EVERYTHING))
def test_every_form_of_every_text_loads(lab: Lab, policy: ast.Policy) -> None:
    rules = rulesets(meaning_of(policy))
    forms = (Form.INSTALL, Form.REPLACE, Form.REPLACE, Form.REMOVE, Form.STANDALONE, Form.REMOVE)
    with bench.loaded(lab, {}):
        for family, ruleset in rules.items():
            for form in forms:
                lab.load(write(ruleset, form), family)
