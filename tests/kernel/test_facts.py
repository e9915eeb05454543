"""Kernel facts that the lab stands on, and the document that lists all of them."""

import ast
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from natc.address import Family
from natc.record import replace
from natc.testlab import Flavour, Observation, conntrack, frames, restore
from natc.testlab.links import Ports
from natc.testlab.probe import Prober
from tests.kernel.site import packet, restore_text, topology
from tests.kernel.worker import inside

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "kernel.md"
PROBE = "tcp 192.168.3.77 5000 198.51.100.7 443 eth1"


def in_the_document() -> Iterator[tuple[str, str]]:
    """Yield fact and test for each test that the document names."""
    fact = ""
    text = DOCUMENT.read_text(encoding="utf-8")
    for number, test in re.findall(r"^- \*\*(.*?)\*\*|`(test_\w+)`", text, re.MULTILINE):
        fact = number or fact
        if test:
            yield fact, test


def in_the_tests() -> Iterator[tuple[str, str]]:
    """Yield fact and test for each test whose docstring names a fact."""
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                named = re.match(r"Facts? ([\w. ,]+)[.:]", ast.get_docstring(node) or "")
                for fact in re.findall(r"\d\.\d+[a-z]?", named[1] if named else ""):
                    yield fact, node.name


def test_every_fact_that_is_listed_has_its_tests_and_every_tested_fact_is_listed() -> None:
    assert sorted(in_the_document()) == sorted(in_the_tests())


def test_facts_are_listed_once() -> None:
    numbers = re.findall(r"^- \*\*(.*?)\*\*", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == {fact for fact, _ in in_the_document()}


@pytest.mark.kernel
def test_the_frame_on_the_wire_agrees_with_the_connection() -> None:
    """Fact 1.1a: the lab reads connections, not frames; here are both."""
    probe = packet(Family.IPV4, PROBE)
    rule = "POST -o eth0 -p tcp -j SNAT --to-source 203.0.113.1:7777"

    def task(ports: Ports) -> tuple[Observation, bytes]:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.bind(("natc-peer0", 0x0800))
        restore.load(Flavour.NFT, Family.IPV4, restore_text(rule))
        observation = Prober(topology(), ports, ((0, 0),)).probe(probe)
        wire.settimeout(5)
        return observation, wire.recv(2048)

    observation, frame = inside(topology(has_bridge=False), task)
    sent = replace(probe, source=observation.source, source_port=observation.source_port)
    assert observation.out_interface == "eth0"
    assert observation.source_port == 7777
    header = frame[14:34]
    assert header[12:20] == frames.datagram(sent)[12:20]
    assert frame[34:] == frames.datagram(sent)[20:]
    assert header[8] == 63  # time to live: it was forwarded, once


def is_tracked(ports: Ports, table: conntrack.Table, port: int) -> bool:
    """Say whether the kernel announces a connection when a packet comes."""
    ports.inject("eth1", frames.frame(replace(packet(Family.IPV4, PROBE), source_port=port)), 0)
    ports.fence()
    return table.new() is not None


@pytest.mark.kernel
def test_sending_is_synchronous_and_the_fence_comes_after_what_was_sent_before() -> None:
    """Fact 1.1b."""

    def task(ports: Ports) -> list[bool]:
        table = conntrack.Table()
        return [is_tracked(ports, table, port) for port in range(1, 200)]

    assert all(inside(topology(has_bridge=False), task))


@pytest.mark.kernel
def test_nothing_is_tracked_until_a_rule_asks_for_it() -> None:
    """Fact 1.5a."""

    def task(ports: Ports) -> bool:
        return is_tracked(ports, conntrack.Table(), 1)

    assert not inside(topology(has_bridge=False), task, with_oracle=False)
    assert inside(topology(has_bridge=False), task, with_oracle=True)


@pytest.mark.kernel
def test_a_nat_chain_without_rules_does_not_ask_not_even_to_drop(flavour: Flavour) -> None:
    """Fact 1.5b."""

    def task(ports: Ports) -> list[bool]:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.bind(("natc-peer0", 0x0800))
        wire.settimeout(5)
        table = conntrack.Table()
        restore.load(flavour, Family.IPV4, "*nat\n:PREROUTING DROP [0:0]\nCOMMIT\n")
        seen = [is_tracked(ports, table, 1), bool(wire.recv(2048))]
        restore.load(flavour, Family.IPV4, "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n")
        seen.append(is_tracked(ports, table, 2))
        wire.setblocking(False)
        with pytest.raises(BlockingIOError):
            wire.recv(2048)
        return seen

    assert inside(topology(has_bridge=False), task, with_oracle=False) == [False, True, False]
