"""Random policies and packets by Hypothesis: four witnesses agree on what becomes of each packet.

The oracle reads the syntax tree, natc's model follows the IR, the same model follows what it reads
back from the text that natc writes, and the kernel does it.  `test_fuzz` has many more, from seeds,
and rule sets that no policy stands behind.

`NATC_KERNEL_EXAMPLES` sets how many rule sets each test tries in each flavour.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from natc.address import Family
from natc.dsl import ast
from natc.targets.iptables.write import Form, write
from natc.testlab import Flavour, Lab
from tests.kernel_diff import bench
from tests.kernel_diff.cases import Written
from tests.kernel_diff.seeds import DIVERTING, TURNING
from tests.strategies import KERNEL, Shape, packets, policies

pytestmark = pytest.mark.kernel

EXAMPLES = int(os.environ.get("NATC_KERNEL_EXAMPLES", "40"))
PACKETS = 16
"""Packets for each policy: policies cost much, packets little."""

EVERYTHING = Shape(opaque=(Family.IPV4,), promises=False)
"""What a kernel can load; its login names must exist."""


@pytest.fixture(scope="module", params=Flavour, ids=str)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a gateway whose sets hold what the oracle thinks they hold."""
    with Lab(bench.topology(), request.param) as made:
        bench.fill_sets(made)
        yield made


@pytest.fixture(scope="module", params=Flavour, ids=str)
def proxying(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a gateway with transparent proxies."""
    with Lab(bench.topology(listeners=True), request.param) as made:
        yield made


def run(lab: Lab, policy: ast.Policy, data: st.DataObject, *, marks: bool = True) -> None:
    """Send packets through `policy` in the kernel and hold what the witnesses say against it."""
    shots = packets(policy, logins=False, marks=marks, multicast=False)
    drawn = data.draw(st.lists(shots, min_size=PACKETS, max_size=PACKETS))
    case = Written("hypothesis", policy, drawn)
    note(case.text)
    probes = [
        packet
        for packet in dict.fromkeys(map(bench.at_home, drawn))
        if bench.can_be_judged(lab, packet)
    ]
    with bench.loaded(lab, case.rules):
        for packet, seen in zip(probes, lab.probe(probes), strict=True):
            wrong = case.complaint(packet, seen)
            assert wrong is None, f"{packet}: {wrong}"


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_the_kernel_does_what_the_policy_says(lab: Lab, data: st.DataObject) -> None:
    run(lab, data.draw(policies(KERNEL)), data)


@settings(max_examples=EXAMPLES // 2)
@given(st.data())
def test_the_kernel_turns_hairpins_as_the_policy_says(lab: Lab, data: st.DataObject) -> None:
    run(lab, data.draw(policies(TURNING)), data)


@settings(max_examples=EXAMPLES // 2)
@given(st.data())
def test_the_kernel_diverts_what_the_policy_says(proxying: Lab, data: st.DataObject) -> None:
    run(proxying, data.draw(policies(DIVERTING)), data, marks=False)


@settings(max_examples=EXAMPLES // 2)
@given(policies(EVERYTHING))
def test_every_form_of_every_text_loads(lab: Lab, policy: ast.Policy) -> None:
    case = Written("hypothesis", policy, [])
    note(case.text)
    forms = (Form.INSTALL, Form.REPLACE, Form.REPLACE, Form.REMOVE, Form.STANDALONE, Form.REMOVE)
    with bench.loaded(lab, {}):
        for family, ruleset in case.rules.items():
            for form in forms:
                lab.load(write(ruleset, form), family)
