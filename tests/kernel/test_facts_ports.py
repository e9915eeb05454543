"""Kernel facts: which ports the kernel takes, and what happens when connections collide."""

import pytest

from natc.testlab import LoadError, frames
from tests.kernel import raw
from tests.kernel.site import Site, ipv4_only

pytestmark = pytest.mark.kernel


def test_a_source_port_that_collides_is_drawn_from_its_class(site: Site) -> None:
    """Fact 2.7b."""
    site.load("POST -o eth0 -j SNAT --to-source {wan}")
    for port, low, high in ((5, 1, 511), (520, 600, 1023), (1023, 600, 1023), (1024, 1024, 65535)):
        packets = site.neighbours(f"udp inside {port} remote {port} eth1", 15)
        first, *others = (end.source_port or 0 for end in site.lab.probe(packets, keep=True))
        assert first == port
        assert len({port, *others}) == len(packets)
        assert all(low <= drawn <= high for drawn in others)


def test_the_identifier_of_a_ping_counts_as_a_port(site: Site) -> None:
    """Fact 2.7c."""
    site.load("POST -o eth0 -j SNAT --to-source {wan}")
    ping = f"{site.icmp} inside - remote - eth1"
    assert site.out(ping, raw.echo(7)) == "wan 7 remote - eth0"
    source, drawn, *rest = site.out(f"{site.icmp} server - remote - eth1", raw.echo(7)).split()
    assert (source, rest) == ("wan", ["remote", "-", "eth0"])
    assert drawn != "7"
    answer = raw.echo(int(drawn), is_answer=True)
    assert site.out(f"{site.icmp} remote - wan - eth0", answer) == "remote 7 server - eth1"


def test_a_connection_that_no_rule_matches_gets_another_port_when_it_collides(site: Site) -> None:
    """Fact 2.7d."""
    site.load("POST -s {lan_net} -o eth0 -j SNAT --to-source {wan}")
    assert site.end("udp wan 5000 remote 53 local") == "forwarded wan 5000 remote 53 eth0"
    site.send("udp inside 5000 remote 53 eth1", keep=True)
    (own,) = site.send("udp wan 5000 remote 53 local")
    assert site.name(own.source) == "wan"
    assert 1024 <= (own.source_port or 0) != 5000


def test_a_low_port_towards_a_high_one_is_kept(site: Site) -> None:
    """Fact 2.7e: Linux 5.16 drew another one."""
    site.load("POST -o eth0 -j MASQUERADE")
    assert site.end("udp inside 53 remote 40000 eth1") == "forwarded wan 53 remote 40000 eth0"


def test_a_port_within_the_range_is_kept_and_another_is_drawn_from_it(site: Site) -> None:
    """Fact 2.8a."""
    site.load(
        f"POST -o eth0 -p udp -j SNAT --to-source {site.at('wan', '20000-20999')}",
        "POST -o eth0 -p tcp -j MASQUERADE --to-ports 20000-20999",
    )
    for protocol in ("udp", "tcp"):
        text = f"{protocol} inside {{}} remote 53 eth1"
        assert site.end(text.format(20500)) == "forwarded wan 20500 remote 53 eth0"
        drawn = {end.source_port or 0 for end in site.send(*map(text.format, range(1, 50)))}
        assert len(drawn) > 40
        assert min(drawn) >= 20000
        assert max(drawn) <= 20999
        alike = site.neighbours(text.format(20500), 2)
        first, second = (end.source_port or 0 for end in site.lab.probe(alike, keep=True))
        assert first == 20500
        assert 20000 <= second <= 20999
        assert second != 20500


def test_a_random_port_is_drawn_even_where_the_own_one_would_do(site: Site) -> None:
    """Fact 2.8c."""
    source = site.at("wan", "20000-29999")
    cases = (
        f"SNAT --to-source {source} --random",
        f"SNAT --to-source {source} --random-fully",
        "MASQUERADE --random",
        "MASQUERADE --random-fully",
    )
    for target in cases:
        site.load(f"POST -o eth0 -p udp -j {target}")
        ends = site.send(*(f"udp inside {20000 + n} remote 53 eth1" for n in range(50)))
        assert sum(end.source_port == 20000 + n for n, end in enumerate(ends)) < 5, target
        if "SNAT" in target:
            assert all(20000 <= (end.source_port or 0) <= 29999 for end in ends)


def test_port_0_is_taken_and_used(site: Site) -> None:
    """Fact 2.8d."""
    site.load("POST -o eth0 -p udp -j MASQUERADE --to-ports 0-1")
    ends = site.send(*(f"udp inside {port} remote 53 eth1" for port in range(100, 200)))
    assert {end.source_port for end in ends} == {0, 1}


def test_a_range_of_target_ports_keeps_what_is_in_it_and_else_takes_its_first(site: Site) -> None:
    """Fact 2.9a."""
    site.load(f"PRE -p udp -j DNAT --to-destination {site.at('server', '9000-9010')}")
    for port, expected in ((9004, 9004), (9010, 9010), (9011, 9000), (8005, 9000), (1, 9000)):
        end = site.end(f"udp remote 7 wan {port} eth0")
        assert end == f"forwarded remote 7 server {expected} eth1"
    ends = site.send("udp remote 7 wan 1 eth0", "udp remote 7 wan 2 eth0", keep=True)
    assert [(end.source_port, end.destination_port) for end in ends] == [(7, 9000), (7, 9001)]


def test_a_base_port_shifts_modulo_the_size_of_the_range(site: Site) -> None:
    """Fact 2.9b."""
    site.load(
        f"PRE -p udp --dport 8000:8010 -j DNAT --to-destination {site.at('server', '9000-9004/8000')}",
        "PRE -p udp --dport 7000:7010 -j DNAT --to-destination :9000-9010/7000",
    )
    for port, expected in ((8000, 9000), (8004, 9004), (8005, 9000), (8009, 9004)):
        end = site.end(f"udp remote 7 wan {port} eth0")
        assert end == f"forwarded remote 7 server {expected} eth1"
    assert site.end("udp remote 7 wan 7003 eth0") == "delivered remote 7 wan 9003"


def test_redirect_does_not_shift(site: Site) -> None:
    """Fact 2.9c."""
    with pytest.raises(LoadError):
        site.load("PRE -p tcp --dport 8000:8010 -j REDIRECT --to-ports 9000-9010/8000")
    site.load("PRE -p tcp --dport 8000:8010 -j REDIRECT --to-ports 9000-9010")
    assert site.end("tcp remote 7 wan 8005 eth0") == "delivered remote 7 wan 9000"


def test_a_random_target_port_is_drawn_from_the_range(site: Site) -> None:
    """Fact 2.9d."""
    site.load(f"PRE -p udp -j DNAT --to-destination {site.at('server', '9000-9999')} --random")
    ends = site.send(*(f"udp remote {port} wan 9005 eth0" for port in range(1, 50)))
    drawn = {end.destination_port or 0 for end in ends}
    assert len(drawn) > 40
    assert min(drawn) >= 9000
    assert max(drawn) <= 9999


def test_two_ports_to_one_service_give_the_second_connection_another_source_port(
    site: Site,
) -> None:
    """Fact 2.10a."""
    target = f"DNAT --to-destination {site.at('server', 8080)}"
    site.load(*(f"PRE -p {protocol} -j {target}" for protocol in ("tcp", "udp", "sctp")))
    for protocol in ("tcp", "udp", "sctp"):
        ports = (f"{protocol} remote 4000 wan {port} eth0" for port in (80, 81))
        first, second = site.send(*ports, keep=True)
        assert site.told(first) == "forwarded remote 4000 server 8080 eth1"
        assert site.name(second.source) == "remote"
        assert (site.name(second.destination), second.destination_port) == ("server", 8080)
        assert second.source_port != 4000


def test_of_two_pings_that_become_alike_the_second_gets_another_identifier(site: Site) -> None:
    """Fact 2.10b."""
    site.load(f"PRE -p {site.icmp} -j DNAT --to-destination {{server}}")
    assert site.out(f"{site.icmp} remote - wan - eth0", raw.echo(7)) == "remote 7 server - eth1"
    second = site.out(f"{site.icmp} remote - other - eth0", raw.echo(7)).split()
    assert second[0] == "remote"
    assert second[1] != "7"
    assert second[2:] == ["server", "-", "eth1"]


def test_without_ports_the_second_connection_that_looks_alike_is_dropped(site: Site) -> None:
    """Fact 2.10c."""
    site.load(
        "PRE -i eth0 -j DNAT --to-destination {server}", "POST -o eth0 -j SNAT --to-source {wan}"
    )
    for protocol in ("esp", "gre", "99", "dccp"):
        outward = site.lab.probe(site.neighbours(f"{protocol} inside - other - eth1", 2), keep=True)
        assert [end.verdict for end in outward] == ["forwarded", "dropped"]
        assert site.end(f"{protocol} visitor - remote - br0") == "forwarded wan - remote - eth0"
        inward = (f"{protocol} remote - {destination} - eth0" for destination in ("wan", "other"))
        assert [end.verdict for end in site.send(*inward, keep=True)] == ["forwarded", "dropped"]


def test_the_ports_of_dccp_are_not_translated(site: Site) -> None:
    """Fact 2.18c."""
    site.load(f"PRE -p dccp --dport 40000 -j DNAT --to-destination {site.at('server', 8080)}")
    data = site.lab.exchange([("eth0", frames.datagram(site.packet("dccp remote - wan - eth0")))])
    ((interface, packet),) = data[0]
    assert (interface, site.read(packet)) == ("eth1", "remote - server -")
    assert raw.ports(packet) == (40000, 40000)


@ipv4_only
def test_a_range_of_ports_for_ping_is_one_of_identifiers(site: Site) -> None:
    """Fact 2.18d."""
    site.load("POST -o eth0 -p icmp -j SNAT --to-source {wan}:100-199")
    ping = "icmp inside - remote - eth1"
    assert site.out(ping, raw.echo(150)) == "wan 150 remote - eth0"
    source, drawn, *rest = site.out(ping, raw.echo(7)).split()
    assert (source, rest) == ("wan", ["remote", "-", "eth0"])
    assert 100 <= int(drawn) <= 199
