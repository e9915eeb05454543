"""Random small policies: what is found about the way of packets is so, and nothing else is.

Every packet that the statements can tell apart is followed by the simulator, which knows nothing of
lint rules; a finding must be there if and only if some packet, or none, does what it says.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import product
from random import Random

from natc.address import Family, parse_ipv4
from natc.diagnostics import PolicyError
from natc.ir.actions import Accept, Hook
from natc.ir.intervals import point
from natc.lint.sides import sides
from natc.lint.subject import Subject
from natc.lint.unreached import unreached
from natc.packet import Packet
from natc.simulate import Simulator
from natc.simulate.trace import Outcome
from tests.lint.test_paths import found
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60"))
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

HOME = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/28 }
zone dmz { interface eth2; address 192.168.4.1; subnet 192.168.4.0/28 }
snat icmp from lan out wan -> 203.0.113.2
"""
WEB, MAIL, OTHER = "192.168.3.10", "192.168.4.10", "192.168.3.12"
ABROAD, FRIEND = "198.51.100.7", "192.0.2.9"
PUBLIC = "203.0.113.2"

SERVICES = ("", "tcp ", "tcp/80 ", "tcp/{80,8080} ", "udp ")
SOURCES = ("", "from lan ", "from dmz ", "from not lan ", "from 192.168.3.12 ", "from 192.0.2.9 ")
WAYS_IN = ("", "in wan ", "in lan ", "in { wan, lan } ")
WAYS_OUT = ("", "out wan ", "out lan ", "out { wan, dmz } ")
ASKED = ("to 203.0.113.2 ", "to { 203.0.113.2, 192.0.2.9 } ", "")
LEAVING_TO = ("", f"to {WEB} ", "to not 192.0.2.9 ", "to dmz ")


def statement(random: Random) -> str:
    def one(*choices: tuple[str, ...]) -> str:
        return "".join(random.choice(words) for words in choices)

    match random.randrange(4):
        case 0 | 1:
            port = random.choice(("", ":8080"))
            service = random.choice(SERVICES[1:] if port else SERVICES)
            hairpin = random.choice(("", " hairpin"))
            where = one(ASKED[:2] if hairpin else ASKED, WAYS_IN, SOURCES[:2])
            return f"dnat {service}{where}-> {random.choice((WEB, MAIL))}{port}{hairpin}"
        case 2:
            return f"snat {one(SERVICES, SOURCES, LEAVING_TO, WAYS_OUT)}-> {PUBLIC}"
        case _:
            return f"exempt {one(SERVICES, SOURCES, LEAVING_TO[:2], random.choice((WAYS_IN, WAYS_OUT)))}"


def policies() -> Iterator[tuple[str, Subject]]:
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        text = HOME + "\n".join(statement(random) for _ in range(random.randrange(1, 5)))
        with suppress(PolicyError):  # Such as `hairpin` whose `from` holds no client.
            yield text, subject(text)


def packet(
    source: str, to: str, service: tuple[int, int | None], came_by: str, out: str | None = None
) -> Packet:
    protocol, port = service
    sent = parse_ipv4(source), None if port is None else 40000
    return Packet(Family.IPV4, protocol, *sent, parse_ipv4(to), port, came_by, out)


EVERY_SERVICE: tuple[tuple[int, int | None], ...] = (*product((6, 17), (80, 8080, 443)), (47, None))
"""Protocols and ports that rules can tell apart."""

HOSTS = {"lan": (WEB, OTHER, "192.168.3.5"), "dmz": (MAIL, "192.168.4.5")}
INTERFACES = {"wan": "eth0", "lan": "eth1", "dmz": "eth2"}


@lru_cache(maxsize=4)
def simulator(subject: Subject) -> Simulator:
    return Simulator(subject.policy)


def outcome(subject: Subject, packet: Packet) -> Outcome:
    return simulator(subject)(packet).outcome


def is_exempt(outcome: Outcome, hook: Hook) -> bool:
    kept = (step.rule for step in outcome.steps if step.hook is hook and step.rule is not None)
    return any(isinstance(rule.action, Accept) for rule in kept)


def test_an_address_leaks_when_some_packet_leaves_with_it():
    seen = set()
    for text, policy in policies():
        if [side.name for side in sides(policy)[Family.IPV4].outside] != ["wan"]:
            continue
        expected = set()
        for place, hosts in HOSTS.items():
            for host, to, service in product(hosts, (ABROAD, FRIEND), (*EVERY_SERVICE,)):
                sent = packet(host, to, service, INTERFACES[place], "eth0")
                end = outcome(policy, sent)
                is_same = end.source == point(sent.source) and end.destination == point(
                    sent.destination
                )
                if is_same and not is_exempt(end, Hook.POSTROUTING):
                    expected.add(place)
        told = {finding.primary.span.text[5:8] for finding in found(policy, "private-leak")}
        assert told == expected, text
        seen.add(bool(told))
    assert seen == {False, True}


def answered(policy: Subject, sent: Packet) -> bool:
    """Whether a client in the lan that asks for the public address has what it wants, or is meant."""
    end = outcome(policy, sent)
    if end.destination == point(sent.destination):
        return is_exempt(end, Hook.PREROUTING)
    return end.destination != point(parse_ipv4(WEB)) or end.source != point(sent.source)


def test_clients_are_left_out_when_none_of_their_packets_is_answered():
    seen = set()
    for text, policy in policies():
        told = {finding.primary.span.text for finding in found(policy, "hairpin-missing")}
        lines = [line for line in text.splitlines() if f"-> {WEB}" in line]
        for line in lines:
            is_public = PUBLIC in line and "in lan" not in line
            clients = [
                sent
                for host, service in product(HOSTS["lan"], EVERY_SERVICE)
                if takes(line, sent := packet(host, PUBLIC, service, "eth1"))
            ]
            is_left_out = not any(answered(policy, sent) for sent in clients)
            is_in_force = line not in dead_in(Hook.PREROUTING, policy)
            expected = is_public and is_in_force and bool(clients) and is_left_out
            assert (line in told) == expected or lines.count(line) > 1, f"{text}\n\n{line}"
            seen.add(expected)
    assert seen == {False, True}


def dead_in(hook: Hook, policy: Subject) -> set[str]:
    """Return the statements of which no packet reaches what they do in a hook."""
    return {each.rule.origin.text for each in unreached(policy).values() if each.rule.hook is hook}


def takes(line: str, sent: Packet) -> bool:
    """Whether a `dnat` is for such a packet, wherever it comes from."""
    service = line.split()[1]
    protocols = {"tcp": (6,), "udp": (17,)}.get(service[:3], (6, 17, 47))
    ports = {"tcp/80": (80,), "tcp/{80,8080}": (80, 8080)}.get(service, (80, 8080, 443, None))
    return sent.protocol in protocols and sent.destination_port in ports


def test_clients_are_hidden_when_some_packet_from_outside_gets_another_source():
    seen = set()
    for text, policy in policies():
        if [side.name for side in sides(policy)[Family.IPV4].outside] != ["wan"]:
            continue
        expected = set()
        for source, to, service in product(
            (ABROAD, FRIEND), (PUBLIC, FRIEND, ABROAD), EVERY_SERVICE
        ):
            if source == to:
                continue
            end = outcome(policy, packet(source, to, service, "eth0"))
            if end.destination.first in map(parse_ipv4, (WEB, MAIL)) and end.source != point(
                parse_ipv4(source)
            ):
                expected.add(end.steps[-1].rule.origin.text)
        told = {finding.primary.span.text for finding in found(policy, "hides-client")}
        assert told == expected, text
        seen.add(bool(told))
    assert seen == {False, True}


def test_every_witness_does_what_its_finding_says():
    meeting = ("destination-not-owned", "source-not-owned", "unscoped-dnat", "unscoped-masquerade")
    count = 0
    for text, policy in policies():
        for slug in (*meeting, "hides-client", "snat-on-dynamic", "backend-unreachable"):
            for finding in found(policy, slug):
                assert finding.witness is not None
                met = {
                    step.rule.origin
                    for one in simulator(policy)(finding.witness).outcomes
                    for step in one.steps
                    if step.rule is not None
                }
                assert finding.primary.span in met, f"{text}\n{slug} {finding.witness}"
                count += 1
    assert count
