"""What the lab sees of each action, in both flavours and families."""

import pytest

from natc.address import Family, parse
from natc.packet import Packet
from natc.record import replace
from natc.testlab import Flavour, Lab, Listener, Topology
from tests.kernel.site import Site, topology

pytestmark = pytest.mark.kernel


@pytest.fixture
def gateway() -> Topology:
    """Return the gateway with its bridge."""
    return topology()


def test_nothing_is_translated_without_rules(site: Site) -> None:
    for protocol in ("tcp", "udp", "sctp"):
        expected = "forwarded inside 5000 remote 443 eth0"
        assert site.end(f"{protocol} inside 5000 remote 443 eth1") == expected
    for protocol in ("icmp" if site.family is Family.IPV4 else "icmpv6", "gre", "esp", "99"):
        expected = "forwarded inside - remote - eth0"
        assert site.end(f"{protocol} inside - remote - eth1") == expected


def test_dnat_changes_the_destination(site: Site) -> None:
    site.load(f"PRE -i eth0 -p tcp --dport 8888 -j DNAT --to-destination {site.at('server', 8080)}")
    assert site.end("tcp remote 40000 wan 8888 eth0") == "forwarded remote 40000 server 8080 eth1"
    assert site.end("tcp remote 40000 wan 8889 eth0") == "delivered remote 40000 wan 8889"
    assert site.end("udp remote 40000 wan 8888 eth0") == "delivered remote 40000 wan 8888"


def test_snat_changes_the_source_and_keeps_the_port(site: Site) -> None:
    """Fact 2.7a."""
    site.load("POST -o eth0 -s {lan_net} -j SNAT --to-source {wan}")
    assert site.end("udp inside 5000 remote 53 eth1") == "forwarded wan 5000 remote 53 eth0"
    assert site.end("udp visitor 5000 remote 53 br0") == "forwarded visitor 5000 remote 53 eth0"


def test_masquerade_takes_the_address_of_the_way_out(site: Site) -> None:
    site.load("POST -o eth0 -j MASQUERADE", "POST -o br0 -j MASQUERADE")
    assert site.end("tcp inside 5000 remote 80 eth1") == "forwarded wan 5000 remote 80 eth0"
    assert site.end("tcp inside 5000 visitor 80 eth1") == "forwarded guest 5000 visitor 80 br0"


def test_masquerade_with_ports_stays_in_the_range(site: Site) -> None:
    site.load("POST -o eth0 -p tcp -j MASQUERADE --to-ports 20000-20999")
    (observation,) = site.send("tcp inside 5000 remote 80 eth1")
    assert observation.source_port is not None
    assert 20000 <= observation.source_port <= 20999


def test_redirect_delivers_to_the_interface_that_a_packet_came_in_by(site: Site) -> None:
    site.load("PRE -i eth1 -p tcp --dport 80 -j REDIRECT --to-ports 3128")
    assert site.end("tcp inside 5000 remote 80 eth1") == "delivered inside 5000 lan 3128"


def test_redirect_of_the_gateways_own_packets_goes_to_loopback(site: Site) -> None:
    """Fact 2.12d."""
    site.load("OUT -p tcp --dport 80 -j REDIRECT --to-ports 3128")
    loopback = parse("127.0.0.1" if site.family is Family.IPV4 else "::1")[1]
    end = site.end("tcp wan 5000 remote 80 local")
    assert end == f"delivered wan 5000 {hex(loopback)} 3128"


def test_netmap_keeps_the_host_bits(site: Site) -> None:
    """Fact 2.13a."""
    mapped = "10.9.0.0/24" if site.family is Family.IPV4 else "fd00:9::/64"
    image = "10.9.0.77" if site.family is Family.IPV4 else "fd00:9::77"
    site.load(
        f"PRE -i eth0 -d {mapped} -j NETMAP --to {{lan_net}}",
        f"POST -o eth0 -s {{lan_net}} -j NETMAP --to {mapped}",
    )
    assert site.end(f"udp remote 1 {image} 53 eth0") == "forwarded remote 1 inside 53 eth1"
    there = hex(parse(image)[1])
    assert site.end("udp inside 1 remote 53 eth1") == f"forwarded {there} 1 remote 53 eth0"


def test_icmp_is_translated_as_well(site: Site) -> None:
    icmp = "icmp" if site.family is Family.IPV4 else "icmpv6"
    site.load(f"PRE -i eth0 -p {icmp} -j DNAT --to-destination {{server}}", "POST -j MASQUERADE")
    assert site.end(f"{icmp} remote - wan - eth0") == "forwarded lan - server - eth1"


def test_a_pool_gets_each_client_one_of_its_addresses(site: Site) -> None:
    pool = (
        ("10.5.0.16", "10.5.0.23") if site.family is Family.IPV4 else ("fd00:5::10", "fd00:5::17")
    )
    site.load(f"POST -o eth0 -j SNAT --to-source {pool[0]}-{pool[1]}")
    first, last = (parse(address)[1] for address in pool)
    probe = site.packet("udp inside 5000 remote 53 eth1")
    probes = [replace(probe, source=probe.source + host) for host in range(50)]
    seen = {observation.source for observation in site.lab.probe(probes)}
    assert len(seen) > 1
    assert seen <= set(range(first, last + 1))


def test_hairpin_sends_inside_clients_back_with_the_gateways_address(site: Site) -> None:
    """Fact 2.16a."""
    site.load(
        f"PRE -d {{wan}} -p tcp --dport 8888 -j DNAT --to-destination {site.at('server', 8080)}",
        f"OUT -d {{wan}} -p tcp --dport 8888 -j DNAT --to-destination {site.at('server', 8080)}",
        "POST -o eth1 -s {lan_net} -d {server} -p tcp --dport 8080 -m conntrack --ctstate DNAT"
        " --ctorigdst {wan} --ctorigdstport 8888 -j SNAT --to-source {lan}",
    )
    assert site.end("tcp remote 9 wan 8888 eth0") == "forwarded remote 9 server 8080 eth1"
    assert site.end("tcp inside 9 wan 8888 eth1") == "forwarded lan 9 server 8080 eth1"
    assert site.end("tcp inside 9 server 8080 eth1") == "forwarded inside 9 server 8080 eth1"
    assert site.end("tcp wan 9 wan 8888 local") == "forwarded wan 9 server 8080 eth1"


def test_a_used_up_port_range_drops(site: Site) -> None:
    """Fact 2.8b."""
    site.load("POST -o eth0 -p udp -j MASQUERADE --to-ports 20000-20003")
    ends = site.send(*(f"udp inside {port} remote 53 eth1" for port in range(1, 6)), keep=True)
    assert [end.verdict for end in ends] == ["forwarded"] * 4 + ["dropped"]
    assert {end.source_port for end in ends[:4]} == {20000, 20001, 20002, 20003}
    assert site.end("udp inside 6 other 53 eth1").startswith("forwarded wan 2000")


def test_tproxy_hands_the_packet_to_the_listener_untranslated(
    flavour: Flavour, family: Family
) -> None:
    """Fact 2.14c."""
    address = parse("127.0.0.1" if family is Family.IPV4 else "::1")[1]
    listeners = tuple(
        Listener(family, protocol, address, port, 1, 1)
        for protocol, port in ((6, 8443), (17, 8443), (6, 8444))
    )
    with Lab(topology(listeners=listeners), flavour) as lab:
        site = Site(lab, family, flavour)
        on = "127.0.0.1" if family is Family.IPV4 else "::1"
        site.load(
            *(
                f"PRE -i eth1 -p {protocol} --dport {dport} -j TPROXY --on-ip {on}"
                f" --on-port {port} --tproxy-mark 0x1/0x1"
                for protocol, dport, port in (
                    ("tcp", 443, 8443),
                    ("udp", 443, 8443),
                    ("tcp", 444, 8444),
                )
            ),
            table="mangle",
        )
        texts = [
            f"{p} inside 5000 remote {d} eth1"
            for p, d in (("tcp", 443), ("udp", 443), ("tcp", 444))
        ]
        ends = site.send(*texts)
        assert [end.listener for end in ends] == list(listeners)
        assert site.told(ends[0]) == "delivered inside 5000 remote 443"
        (other,) = site.send("tcp inside 5000 remote 445 eth1")
        assert not other.proxied
        assert other.verdict == "forwarded"


def test_marks_are_there_before_the_rules_look(site: Site) -> None:
    for chain, came_by in (("PRE", "eth0"), ("PRE", "br0"), ("OUT", "local")):
        site.load(
            f"{chain} -p tcp -m mark --mark 0x70/0xf0 -j DNAT --to-destination {site.at('server', 1)}",
            "POST -m mark --mark 0x8000 -j MASQUERADE",
        )
        probe = site.packet(f"tcp remote 7 other 80 {came_by}")
        marked, plain, last = site.lab.probe(
            [replace(probe, mark=0xABCDEF75), probe, replace(probe, mark=0x8000)]
        )
        assert site.told(marked) == "forwarded remote 7 server 1 eth1"
        assert site.told(plain) == "forwarded remote 7 other 80 eth0"
        assert site.told(last) == "forwarded wan 7 other 80 eth0"


def test_owner_sees_the_user_of_the_gateways_own_packets(site: Site) -> None:
    if not site.lab.has_all_users:
        pytest.skip("needs a lab that root makes: a user namespace has one uid only")
    site.load(
        "OUT -m owner --uid-owner proxy -j ACCEPT",
        "OUT -m owner --uid-owner 4242 -p tcp -j DNAT --to-destination {server}",
        "OUT -p tcp -m owner ! --uid-owner 0 -j REDIRECT --to-ports 3128",
        "POST -m owner --uid-owner 4242 -j SNAT --to-source {lan}",
    )
    probe = site.packet("tcp wan 7 remote 80 local")

    def end(user: str | None) -> str:
        (observation,) = site.lab.probe([replace(probe, user=user)])
        return site.told(observation)

    assert end("proxy") == "forwarded wan 7 remote 80 eth0"
    assert end("4242") == "forwarded lan 7 server 80 eth1"
    assert end("0") == "forwarded wan 7 remote 80 eth0"
    assert end("root") == "forwarded wan 7 remote 80 eth0"
    assert end(None).endswith(" 3128")


def test_bridge_ports_reach_the_bridge(site: Site) -> None:
    site.load("POST -o eth0 -s {guest_net} -j MASQUERADE")
    assert site.end("tcp visitor 5000 remote 80 br0") == "forwarded wan 5000 remote 80 eth0"
    assert site.end("tcp visitor 5000 guest 80 br0") == "delivered visitor 5000 guest 80"
    assert site.end("tcp remote 5000 visitor 80 eth0") == "forwarded remote 5000 visitor 80 br0"


def test_a_packet_leaves_by_the_interface_that_it_names(site: Site) -> None:
    site.load("POST -o br0 -j MASQUERADE")
    expected = {
        "udp inside 5 remote 53 eth1": "forwarded inside 5 remote 53 eth0",
        "udp inside 5 remote 53 eth1 br0": "forwarded guest 5 remote 53 br0",
        "udp lan 5 remote 53 local br0": "forwarded guest 5 remote 53 br0",
        "udp lan 5 remote 53 local": "forwarded lan 5 remote 53 eth0",
    }
    for text, end in [*expected.items()] * 2:
        assert site.end(text) == end


def test_a_named_way_out_holds_for_a_new_destination_too(site: Site) -> None:
    site.load(
        "PRE -p udp -j DNAT --to-destination {other}", "OUT -p udp -j DNAT --to-destination {other}"
    )
    assert site.end("udp inside 5 wan 53 eth1 br0") == "forwarded inside 5 other 53 br0"
    assert site.end("udp wan 5 remote 53 local br0") == "forwarded wan 5 other 53 br0"
    assert site.end("tcp inside 5 wan 53 eth1 br0") == "delivered inside 5 wan 53"


def test_balance_takes_turns(site: Site) -> None:
    site.load(
        *(
            f"PRE -p tcp --dport 443 {share} -j DNAT --to-destination {site.at('server', port)}"
            for share, port in (
                ("-m statistic --mode nth --every 2 --packet 0", 1),
                ("", 2),
            )
        )
    )
    ends = site.send(*(f"tcp remote {port} wan 443 eth0" for port in range(1, 7)))
    assert [end.destination_port for end in ends] == [1, 2] * 3


def test_many_packets_in_a_batch_are_told_apart(site: Site) -> None:
    site.load("PRE -i eth0 -p udp --dport 1:999 -j DNAT --to-destination {server}")
    probe = site.packet("udp remote 7 wan 1 eth0")
    probes: list[Packet] = [replace(probe, destination_port=port) for port in range(1, 2001)]
    ends = site.lab.probe(probes)
    assert [end.destination_port for end in ends] == list(range(1, 2001))
    assert [end.verdict for end in ends] == ["forwarded"] * 999 + ["delivered"] * 1001
