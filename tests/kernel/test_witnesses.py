"""The packets that findings show end in the kernel as natc's simulator says."""

import os
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from natc import pipeline
from natc.address import text_of
from natc.diagnostics import PolicyError
from natc.ir.policy import EndpointSet, Expectation, Policy, Test
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.record import replace
from natc.simulate import Simulator
from natc.simulate.trace import Outcome
from natc.source import Source
from natc.targets.iptables.write import write
from natc.testlab import Flavour, run_tests
from natc.testlab.compare import check
from tests.kernel_diff import seeds
from tests.kernel_diff.cases import Written
from tests.kernel_diff.rig import Rig
from tests.lint.pages import EXAMPLES, LINTED, subject_of

pytestmark = pytest.mark.kernel

COUNT = 2 * int(os.environ.get("NATC_KERNEL_EXAMPLES", "40"))
"""Random policies whose findings are looked at."""

ANYTHING = Expectation("unchanged")
"""Stands where what the simulator says is held against the kernel afterwards."""


def witnesses(subject: Subject) -> tuple[Packet, ...]:
    """Return the packets of all findings that a lab forwards, each once."""
    found = (finding.witness for finding in lint(subject, LINTED))
    return tuple(
        dict.fromkeys(packet for packet in found if packet is not None and is_for_one(packet))
    )


def is_for_one(packet: Packet) -> bool:
    """Say whether a packet has one receiver: a lab has no routing for many."""
    return not ip_address(text_of(packet.family, packet.destination)).is_multicast


def shown_on_pages() -> Iterator[tuple[str, Policy, tuple[Packet, ...]]]:
    """Yield the policies among the examples of the pages, with the witnesses of their findings."""
    for entry, number, example in EXAMPLES:
        if example.kind == "nat":
            try:
                subject = subject_of(example)
                pipeline.rulesets(subject.policy)
            except PolicyError:  # What the page is about.
                continue
            if packets := witnesses(subject):
                yield f"{entry.slug}-{number}", subject.policy, packets


def expectation(outcome: Outcome) -> Expectation:
    """Return what a test would expect of a packet that ends like this."""
    to = (EndpointSet(outcome.destination, outcome.destination_ports),)
    if outcome.proxied:
        return Expectation("proxied", destination=to)
    if outcome.verdict == "dropped":
        return Expectation("dropped")
    source = (EndpointSet(outcome.source, outcome.source_ports),)
    return Expectation("rewritten", source=source, destination=to)


def disagreements(policy: Policy, packets: tuple[Packet, ...], flavour: Flavour) -> list[str]:
    """Return what the kernel does otherwise than the simulator says, or cannot be asked."""
    simulate = Simulator(policy)
    texts = {family: write(rules) for family, rules in pipeline.rulesets(policy).items()}
    tests = tuple(Test("", packet, ANYTHING) for packet in packets)
    found = []
    for result in run_tests(replace(policy, tests=tests), texts, flavour):
        if result.observation is None:
            found.append(f"{result.test.packet}: {result.problem}")
            continue
        ways = [expectation(outcome) for outcome in simulate(result.test.packet).outcomes]
        wrong = [check(replace(result.test, expected=way), result.observation) for way in ways]
        if None not in wrong:
            found.append(f"{result.test.packet}: {wrong[0]}")
    return found


def test_witnesses_of_the_pages_end_as_the_simulator_says(flavour: Flavour) -> None:
    replayed = 0
    for name, policy, packets in shown_on_pages():
        assert disagreements(policy, packets, flavour) == [], name
        replayed += len(packets)
    assert replayed > 80


def test_witnesses_of_random_policies_end_as_the_simulator_says() -> None:
    """The tree and the text that natc writes are asked, too; see `tests.kernel_diff`."""
    first = int(os.environ["NATC_KERNEL_SEED"])
    probes = 0
    with Rig(tuple(Flavour)) as plain, Rig(tuple(Flavour), listeners=True) as proxying:
        for seed in range(first, first + COUNT):
            made = seeds.case("policies", seed, packets=0)
            tree, meaning = pipeline.understand_whole(Source("policy.nat", made.text), str)
            case = Written(made.name, tree, witnesses(Subject(meaning, tree)))
            verdict = (proxying if case.has_listeners else plain).judge(case)
            assert not verdict.refusals, f"{case.name}: {verdict.refusals[0]}\n{case.text}"
            assert not verdict.complaints, f"{case.name}: {verdict.complaints[0]}\n{case.text}"
            probes += verdict.probes
    assert probes > COUNT
