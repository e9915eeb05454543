"""Kernel facts: which address of a pool the kernel takes."""

import random
from collections.abc import Iterator
from typing import Literal

import pytest

from natc.address import Family, parse, text_of
from natc.ir.actions import PortChoice
from natc.ir.intervals import interval
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.pool import chosen, is_kept
from natc.testlab import Observation
from tests.kernel.site import Site, ipv6_only

pytestmark = pytest.mark.kernel

POOLS = 40
PROBES = 800


class Pool(Record):
    """A rule for udp to one port; the port is 1000 and the pool's number."""

    low: int
    high: int
    side: Literal["source", "destination"]
    persistent: bool

    def rule(self, family: Family, port: int) -> str:
        if self.side == "source":
            target = "POST -p udp --dport {} -j SNAT --to-source {}-{}{}"
        else:
            target = "PRE -p udp --dport {} -j DNAT --to-destination {}-{}{}"
        ends = (text_of(family, end) for end in (self.low, self.high))
        return target.format(port, *ends, " --persistent" if self.persistent else "")


def address(family: Family, draw: random.Random) -> int:
    """Return an address that the kernel routes."""
    if family is Family.IPV4:
        return draw.randrange(1 << 24, 126 << 24)
    return 0x20010DB8 << 96 | draw.getrandbits(96)


def pools(family: Family, draw: random.Random) -> Iterator[Pool]:
    """Yield pools of all sizes: a few addresses, networks, anything from one to another."""
    for number in range(POOLS):
        low = address(family, draw)
        high = low + draw.choice((1, 2, 3, 7, 15, 99, 255, 1000, 1 << 16))
        match number % 5:
            case 1:
                low, high = sorted((low, address(family, draw)))
            case 2:
                host = (1 << draw.randrange(8, 16 if family is Family.IPV4 else 80)) - 1
                low, high = low & ~host, low | host
            case 3 if family is Family.IPV6:
                low |= 0xFFFF_FFF0  # the last word ends lower than it begins
                high = low + 0x20
        side = ("source", "destination")[number % 2]
        yield Pool(low, high, side, bool(number // 2 % 2))  # type: ignore[arg-type]


def of_side(pool: Pool, seen: Observation) -> int:
    return seen.source if pool.side == "source" else seen.destination


def test_the_choice_of_a_pool_can_be_foretold(site: Site) -> None:
    """Fact 2.6a."""
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    used = list(pools(site.family, draw))
    site.load(*(pool.rule(site.family, 1000 + number) for number, pool in enumerate(used)))
    probe = site.packet("udp inside 5 remote 53 eth1")
    probes = [
        replace(
            probe,
            source=address(site.family, draw),
            source_port=draw.randrange(1, 1 << 16),
            destination=address(site.family, draw),
            destination_port=1000 + number % POOLS,
        )
        for number in range(PROBES)
    ]
    wrong = []
    for packet, seen in zip(probes, site.lab.probe(probes), strict=True):
        pool = used[(packet.destination_port or 0) - 1000]
        expected = foretold(pool, packet)
        if (seen.verdict, of_side(pool, seen)) != ("forwarded", expected):
            wrong.append((pool, str(packet), seen, text_of(site.family, expected)))
    assert wrong == [], f"seed {seed}"


def foretold(pool: Pool, packet: Packet) -> int:
    addresses = interval(pool.low, pool.high)
    if pool.side == "source" and is_kept(addresses, None, packet.source, packet.source_port):
        return packet.source
    return chosen(
        addresses,
        packet.family,
        packet.source,
        packet.destination,
        persistent=pool.persistent,
        side=pool.side,
    )


def test_a_pool_chooses_by_address_and_not_by_port(site: Site) -> None:
    """Fact 2.6b."""
    pool = site.either("10.5.0.1-10.5.0.99", "fd00:5::1-fd00:5::99")
    site.load(f"POST -o eth0 -j SNAT --to-source {pool}")
    ends = site.send(*(f"tcp inside {port} remote 443 eth1" for port in range(1, 50)))
    assert len({end.source for end in ends}) == 1


def test_the_source_is_chosen_by_the_destination_after_its_translation(site: Site) -> None:
    """Fact 2.6c."""
    text = site.either("10.5.0.1-10.5.3.255", "fd00:5::1-fd00:5::3ff")
    low, high = (parse(end)[1] for end in text.split("-"))
    pool = interval(low, high)
    site.load(
        "PRE -i eth0 -p udp -j DNAT --to-destination {server}", f"POST -j SNAT --to-source {text}"
    )
    server = parse(site.names.server)[1]
    probes = site.neighbours("udp remote 5 wan 53 eth0", 20)
    seen = [end.source for end in site.lab.probe(probes)]
    assert seen == [
        chosen(pool, site.family, packet.source, server, persistent=False, side="source")
        for packet in probes
    ]


def test_a_source_in_the_pool_stays_unless_its_port_is_not_right(site: Site) -> None:
    """Fact 2.6d."""
    near = parse(site.names.inside)[1]
    pool = interval(near - 100, near + 100)
    text = "-".join(text_of(site.family, end) for end in pool.ranges[0])
    ports = site.either(f"{text}:20000-29999", f"[{text}]:20000-29999")
    site.load(
        f"POST -p udp -j SNAT --to-source {text}",
        f"POST -p tcp --dport 1 -j SNAT --to-source {text} --random",
        f"POST -p tcp --dport 2 -j SNAT --to-source {text} --random-fully",
        f"POST -p tcp --dport 3 -j SNAT --to-source {ports}",
        f"PRE -p sctp -j DNAT --to-destination {text}",
    )
    range_of_ports = interval(20000, 29999)
    cases = (
        ("udp inside 5 remote 53 eth1", None, PortChoice.KEEP, True),
        ("tcp inside 5 remote 1 eth1", None, PortChoice.RANDOM, False),
        ("tcp inside 5 remote 2 eth1", None, PortChoice.FULLY, False),
        ("tcp inside 5 remote 3 eth1", range_of_ports, PortChoice.KEEP, False),
        ("tcp inside 20005 remote 3 eth1", range_of_ports, PortChoice.KEEP, True),
    )
    for text, allowed, choice, is_left in cases:
        packet = site.packet(text)
        assert is_kept(pool, allowed, packet.source, packet.source_port, choice) == is_left
        hashed = chosen(
            pool, site.family, packet.source, packet.destination, persistent=False, side="source"
        )
        assert hashed != packet.source
        (seen,) = site.lab.probe([packet])
        assert seen.source == (packet.source if is_left else hashed), text
    packet = site.packet("sctp remote 5 inside 53 eth0")
    hashed = chosen(
        pool, site.family, packet.source, packet.destination, persistent=False, side="destination"
    )
    (seen,) = site.lab.probe([packet])
    assert seen.destination == hashed != packet.destination


def test_a_socket_keeps_its_translation_towards_other_hosts(site: Site) -> None:
    """Fact 2.6e."""
    pool = site.either("10.5.0.1-10.5.0.99", "fd00:5::1-fd00:5::99")
    site.load(f"POST -p udp -j SNAT --to-source {pool}")
    probe = site.packet("udp inside 5 remote 53 eth1")
    others = [replace(probe, destination=probe.destination + host) for host in range(20)]
    alone = {end.source for end in site.lab.probe(others)}
    assert len(alone) > 1
    together = {end.source for end in site.lab.probe(others, keep=True)}
    assert len(together) == 1
    another_port = {end.source for end in site.lab.probe(replace(p, source_port=6) for p in others)}
    assert another_port == alone


@ipv6_only
def test_of_a_network_of_ipv6_the_first_open_word_stays_0(site: Site) -> None:
    """Fact 2.6f."""
    low = parse("fd00:5::")[1]
    site.load(
        "POST -p udp -j SNAT --to-source fd00:5::-fd00:5::ffff:ffff:ffff:ffff",
        "POST -p tcp -j SNAT --to-source fd00:5::-fd00:5::ffff:ffff",
    )
    of_64, of_96 = (
        {
            end.source - low
            for end in site.lab.probe(site.neighbours(f"{protocol} inside 5 remote 53 eth1", 50))
        }
        for protocol in ("udp", "tcp")
    )
    assert len(of_64) > 40
    assert max(of_64) < 1 << 32
    assert of_96 == {0}


@ipv6_only
def test_in_ipv6_the_choice_may_lie_outside_a_range_across_words(site: Site) -> None:
    """Fact 2.6g."""
    low, high = (parse(text)[1] for text in ("fd00:5::ffff:fff0", "fd00:5::1:0:10"))
    site.load("POST -p udp -j SNAT --to-source fd00:5::ffff:fff0-fd00:5::1:0:10")
    probes = site.neighbours("udp inside 5 remote 53 eth1", 50)
    seen = {end.source for end in site.lab.probe(probes)}
    assert [source for source in seen if not low <= source <= high]
