"""Kernel facts that the lab stands on."""

import socket

import pytest

from natc.address import Family
from natc.record import replace
from natc.testlab import Flavour, Lab, Listener, Observation, conntrack, frames, restore
from natc.testlab.links import Ports
from natc.testlab.probe import Prober
from tests.kernel.site import Site, packet, restore_text, topology
from tests.kernel.worker import inside

pytestmark = pytest.mark.kernel

PROBE = "tcp 192.168.3.77 5000 198.51.100.7 443 eth1"


def test_1_1_the_frame_on_the_wire_agrees_with_the_connection() -> None:
    """The lab reads connections, not frames: here are both."""
    probe = packet(Family.IPV4, PROBE)
    rule = "POST -o eth0 -p tcp -j SNAT --to-source 203.0.113.1:7777"

    def task(ports: Ports) -> tuple[Observation, bytes]:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.bind(("natc-peer0", 0x0800))
        restore.load(Flavour.NFT, Family.IPV4, restore_text(rule))
        observation = Prober(topology(), ports, ((0, 0),)).probe(probe)
        wire.settimeout(5)
        return observation, wire.recv(2048)

    observation, frame = inside(topology(), task)
    sent = replace(probe, source=observation.source, source_port=observation.source_port)
    assert observation.out_interface == "eth0"
    assert observation.source_port == 7777
    header = frame[14:34]
    assert header[12:20] == frames.datagram(sent)[12:20]
    assert frame[34:] == frames.datagram(sent)[20:]
    assert header[8] == 63  # time to live: it was forwarded, once


def test_1_1_sending_is_synchronous_and_the_fence_comes_after_what_was_sent_before() -> None:
    def task(ports: Ports) -> list[bool]:
        table = conntrack.Table()
        seen = []
        for port in range(1, 200):
            probe = replace(packet(Family.IPV4, PROBE), source_port=port)
            ports.inject("eth1", frames.frame(probe), 0)
            ports.fence()
            seen.append(table.new() is not None)
        return seen

    assert all(inside(topology(), task))


def test_1_5_nothing_is_tracked_until_a_rule_asks_for_it() -> None:
    def task(ports: Ports) -> bool:
        table = conntrack.Table()
        ports.inject("eth1", frames.frame(packet(Family.IPV4, PROBE)), 0)
        ports.fence()
        return table.new() is not None

    assert not inside(topology(), task, with_oracle=False)
    assert inside(topology(), task, with_oracle=True)


def test_2_1_a_second_packet_of_a_connection_announces_nothing(site: Site) -> None:
    probe = "udp inside 5000 remote 53 eth1"
    assert site.end(probe, keep=True) == "forwarded inside 5000 remote 53 eth0"
    assert site.end(probe).startswith("dropped")


def test_2_5_udplite_is_checked_by_the_checksum_of_udp(family: Family) -> None:
    """So what is a valid packet from outside counts as invalid, and is not translated."""
    with Lab(topology()) as lab:
        site = Site(lab, family, Flavour.NFT)
        assert "invalid" in (lab.obstacle(site.packet("udplite inside - remote - eth1")) or "")
        assert site.end("udplite wan - remote - local") == "forwarded wan - remote - eth0"

    def task(ports: Ports) -> bool:
        table = conntrack.Table()
        udplite = frames.frame(site.packet("udplite inside - remote - eth1"))
        ports.inject("eth1", udplite, 0)
        ports.fence()
        return table.new() is not None

    assert not inside(topology(), task)


def test_2_6_a_pool_chooses_by_address_and_not_by_port(site: Site) -> None:
    pool = ("10.5.0.1", "10.5.0.99") if site.family is Family.IPV4 else ("fd00:5::1", "fd00:5::99")
    site.load(f"POST -o eth0 -j SNAT --to-source {pool[0]}-{pool[1]}")
    ends = site.send(*(f"tcp inside {port} remote 443 eth1" for port in range(1, 50)))
    assert len({end.source for end in ends}) == 1


def test_2_9_a_range_to_a_range_is_not_shifted_without_a_base_port(site: Site) -> None:
    plain, shifted = site.at("server", "9000-9010"), site.at("server", "9000-9010/8000")
    site.load(
        f"PRE -p tcp --dport 8000:8010 -j DNAT --to-destination {plain}",
        f"PRE -p udp --dport 8000:8010 -j DNAT --to-destination {shifted}",
    )
    for protocol, port in (("tcp", 9000), ("udp", 9005)):
        expected = f"forwarded remote 7 server {port} eth1"
        assert site.end(f"{protocol} remote 7 wan 8005 eth0") == expected


def test_2_12_redirect_by_an_interface_without_address_drops(
    flavour: Flavour, family: Family
) -> None:
    known = topology()
    bare = tuple(
        replace(interface, addresses=()) if interface.name == "eth1" else interface
        for interface in known.interfaces
    )
    with Lab(topology(interfaces=bare), flavour) as lab:
        site = Site(lab, family, flavour)
        site.load("PRE -p tcp --dport 80 -j REDIRECT --to-ports 3128")
        assert site.end("tcp inside 5 remote 80 eth1") == "dropped inside 5 remote 80"


@pytest.mark.parametrize("has_listener", [True, False])
def test_2_14_tproxy_drops_where_nobody_listens(
    flavour: Flavour, family: Family, has_listener: bool
) -> None:
    port = 8443 if has_listener else 8444
    listener = Listener(family, 6, None, port, 1, 1)
    with Lab(topology(listeners=(listener,)), flavour) as lab:
        site = Site(lab, family, flavour)
        site.load(
            "PRE -i eth1 -p tcp -j TPROXY --on-port 8443 --tproxy-mark 0x1/0x1", table="mangle"
        )
        (end,) = site.send("tcp inside 5 remote 80 eth1")
        assert (end.verdict, end.proxied) == (
            ("delivered", True) if has_listener else ("dropped", False)
        )


@pytest.mark.parametrize("allowed", [True, False])
def test_2_15_dnat_to_loopback_needs_route_localnet(flavour: Flavour, allowed: bool) -> None:
    with Lab(topology(has_loopback_target=allowed), flavour) as lab:
        site = Site(lab, Family.IPV4, flavour)
        site.load("PRE -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1")
        expected = "delivered remote 5 0x7f000001 80" if allowed else "dropped remote 5 wan 80"
        assert site.end("tcp remote 5 wan 80 eth0") == expected


def test_a_destination_that_stays_the_same_is_no_translation(site: Site) -> None:
    site.load(
        f"PRE -p tcp --dport 80:81 -j DNAT --to-destination {site.at('server', 80)}",
        "POST -m conntrack --ctstate DNAT -j MASQUERADE",
    )
    assert site.end("tcp remote 5 server 80 eth0") == "forwarded remote 5 server 80 eth1"
    assert site.end("tcp remote 5 server 81 eth0") == "forwarded lan 5 server 80 eth1"
