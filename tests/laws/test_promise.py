"""A promise about all packets is decided: kept means that no packet breaks it, broken that one does."""

from dataclasses import replace as with_features

from hypothesis import given, note, settings
from hypothesis import strategies as st

from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Assertion, EndpointSet, Expectation, Policy
from natc.packet import Packet
from natc.record import replace
from natc.simulate import Outcome, Simulator, site_of
from natc.simulate.expect import difference
from natc.simulate.promise import counterexample
from natc.simulate.single import box_of
from natc.source import Source
from tests.strategies import SMALL, packets, policies

SHAPE = with_features(SMALL, opaque=(), promises=True)


def for_packet(expected: Expectation, packet: Packet, policy: Policy) -> Expectation:
    """Return the expectation of one packet: what an assertion leaves open, the packet says."""
    if expected.destination is None or expected.kind != "rewritten":
        return expected
    own = site_of(policy, packet.family).own
    ports = None if packet.destination_port is None else point(packet.destination_port)
    ends = tuple(
        EndpointSet(own if end.addresses is None else end.addresses, end.ports or ports)
        for end in expected.destination
    )
    return replace(expected, destination=ends)


def breaks(policy: Policy, promise: Assertion, packet: Packet) -> bool:
    """Say whether the simulator lets `packet` end as the promise forbids."""
    expected = for_packet(promise.expected, packet, policy)
    for outcome in Simulator(policy)(packet).outcomes:
        is_met = difference(expected, packet, outcome.certain()) is None
        if promise.quantifier == "all" and not is_met:
            return True
        # Of a choice, one that is forbidden is enough.
        if promise.quantifier == "never" and (is_met or may_meet(expected, packet, outcome)):
            return True
    return False


def may_meet(expected: Expectation, packet: Packet, outcome: Outcome) -> bool:
    """Say whether the kernel may choose ends that a `from … to …` names."""
    if expected.kind != "rewritten" or outcome.verdict == "dropped" or outcome.proxied:
        return False
    sides = (
        (
            expected.source,
            (outcome.source, outcome.source_ports),
            (packet.source, packet.source_port),
        ),
        (
            expected.destination,
            (outcome.destination, outcome.destination_ports),
            (packet.destination, packet.destination_port),
        ),
    )
    for ends, (addresses, ports), (address, port) in sides:
        if ends is None:
            if address not in addresses or (port is not None and ports and port not in ports):
                return False
        elif not any(
            (end.addresses is None or end.addresses & addresses)
            and (end.ports is None or ports is None or end.ports & ports)
            for end in ends
        ):
            return False
    return True


def holds(policy: Policy, promise: Assertion, packet: Packet) -> bool:
    """Say whether `packet` is in the set that the promise speaks of."""
    own = site_of(policy, packet.family).own
    assert own is not None
    local = point(int(packet.destination in own))
    box = box_of(packet).having(Field.LOCAL_DESTINATION, local)
    return any(asked & box for asked in promise.match.boxes)


def is_meant(policy: Policy, promise: Assertion, packet: Packet) -> bool:
    """Say whether the promise speaks of `packet`, wherever it leaves."""
    if packet.family is not promise.family:
        return False
    if not holds(policy, promise, packet):
        return False
    if all(box.get(Field.OUT_INTERFACE) is None for box in promise.match.boxes):
        return True
    # One that the gateway keeps leaves by no interface.
    own = site_of(policy, packet.family).own
    assert own is not None
    outcomes = Simulator(policy)(packet).outcomes
    return not any(outcome.destination & own or outcome.proxied for outcome in outcomes)


@settings(max_examples=2 * settings().max_examples)
@given(st.data())
def test_no_packet_breaks_a_promise_that_is_kept(data: st.DataObject) -> None:
    tree = data.draw(policies(SHAPE).filter(lambda tree: "assert" in write(tree)))
    text = write(tree)
    note(text)
    policy = lower(parse(Source("law.nat", text)))
    drawn = data.draw(st.lists(packets(tree), min_size=4, max_size=12))
    for promise in policy.assertions:
        found = counterexample(policy, promise)
        if found is not None:
            note(f"{promise.origin.text}: {found.packet}")
            assert holds(policy, promise, found.packet)
            assert breaks(policy, promise, found.packet)
            continue
        for packet in drawn:
            if is_meant(policy, promise, packet):
                assert not breaks(policy, promise, packet), f"{promise.origin.text}: {packet}"
