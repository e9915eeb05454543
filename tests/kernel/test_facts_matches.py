"""Kernel facts: what matches match, and what cannot be written."""

import pytest

from tests.kernel import raw
from tests.kernel.site import Site, ipv6_only

pytestmark = pytest.mark.kernel

NEGATIONS = [
    ("! -s {lan_net}", "udp visitor 5 remote 53 br0", "udp inside 5 remote 53 eth1"),
    ("! -d {remote}", "udp inside 5 other 53 eth1", "udp inside 5 remote 53 eth1"),
    ("! -o eth1", "udp inside 5 remote 53 eth1", "udp visitor 5 inside 53 br0"),
    ("! -p udp", "tcp inside 5 remote 53 eth1", "udp inside 5 remote 53 eth1"),
    ("-p udp ! --dport 53", "udp inside 5 remote 54 eth1", "udp inside 5 remote 53 eth1"),
    ("-p udp ! --sport 1:9", "udp inside 10 remote 53 eth1", "udp inside 9 remote 53 eth1"),
    (
        "-p udp -m multiport ! --dports 53,60:69",
        "udp inside 5 remote 70 eth1",
        "udp inside 5 remote 65 eth1",
    ),
    (
        "-m iprange ! --src-range {lan}-{inside}",
        "udp visitor 5 remote 53 br0",
        "udp inside 5 remote 53 eth1",
    ),
]


def test_a_negated_match_means_everything_else(site: Site) -> None:
    """Fact 2.17a."""
    for match, met, missed in NEGATIONS:
        site.load(f"POST {match} -j SNAT --to-source {{guest}}")
        (inside, outside) = site.send(met, missed)
        assert site.name(inside.source) == "guest", match
        assert site.name(outside.source) != "guest", match


def test_negations_of_arrival_mean_everything_else(site: Site) -> None:
    """Fact 2.17b."""
    site.load(
        "PRE ! -i eth1 -p udp -j DNAT --to-destination {server}",
        "PRE -p tcp -m addrtype ! --dst-type LOCAL -j DNAT --to-destination {server}",
    )
    assert site.end("udp remote 5 wan 53 eth0") == "forwarded remote 5 server 53 eth1"
    assert site.end("udp inside 5 wan 53 eth1") == "delivered inside 5 wan 53"
    assert site.end("tcp inside 5 remote 80 eth1") == "forwarded inside 5 server 80 eth1"
    assert site.end("tcp inside 5 wan 80 eth1") == "delivered inside 5 wan 80"


def test_all_protocols_and_all_interfaces_have_a_name_that_cannot_be_negated_with_sense(
    site: Site,
) -> None:
    """Fact 2.17c: `! -p all` is refused, `! -i +` loads and never matches."""
    assert site.refusal("-A PREROUTING ! -p all -j ACCEPT").message
    site.load(
        "PRE ! -i + -p udp -j DNAT --to-destination {other}",
        "PRE -i + -p 0 -j DNAT --to-destination {server}",
    )
    for protocol in ("udp", "tcp"):
        end = site.end(f"{protocol} remote 5 wan 53 eth0")
        assert end == "forwarded remote 5 server 53 eth1"
    saved = site.lab.save(site.family)
    assert ("! -i +" in saved) == site.is_nft


def test_a_list_of_addresses_becomes_rules_and_cannot_be_negated(site: Site) -> None:
    """Fact 2.17d."""
    names = site.names
    site.restore(
        f"-A POSTROUTING -s {names.inside},{names.visitor} -j SNAT --to-source {names.wan}"
    )
    assert site.lab.save(site.family).count("-j SNAT") == 2
    assert site.end("udp visitor 5 remote 53 br0") == "forwarded wan 5 remote 53 eth0"
    assert site.refusal(f"-A POSTROUTING ! -s {names.inside},{names.visitor} -j ACCEPT").message


def test_a_mask_need_not_be_contiguous(site: Site) -> None:
    """Fact 2.17e."""
    mask = site.either(
        "192.168.0.77/255.255.0.255", "fd00::77/ffff:0:ffff:ffff:ffff:ffff:ffff:ffff"
    )
    site.load(f"POST -s {mask} -j SNAT --to-source {{wan}}")
    assert site.end("udp inside 5 remote 53 eth1") == "forwarded wan 5 remote 53 eth0"
    assert site.end("udp server 5 remote 53 eth1") == "forwarded server 5 remote 53 eth0"


def test_a_plus_stands_for_any_end_of_an_interfaces_name(site: Site) -> None:
    """Fact 2.17f."""
    site.load("PRE -i eth+ -p udp -j DNAT --to-destination {server}")
    assert site.end("udp inside 5 remote 53 eth1") == "forwarded inside 5 server 53 eth1"
    assert site.end("udp visitor 5 remote 53 br0") == "forwarded visitor 5 remote 53 eth0"


def test_a_port_with_a_negated_protocol_is_refused_by_legacy_and_misread_by_nft(
    site: Site,
) -> None:
    """Fact 2.17g."""
    rule = f"-A PREROUTING ! -p tcp --dport 80 -j DNAT --to-destination {site.names.server}"
    if not site.is_nft:
        assert site.refusal(rule).message
        return
    site.restore(rule)
    assert site.end("udp remote 5 wan 80 eth0") == "forwarded remote 5 server 80 eth1"
    assert site.end("udp remote 5 wan 81 eth0") == "delivered remote 5 wan 81"
    assert site.end("tcp remote 5 wan 80 eth0") == "delivered remote 5 wan 80"


def test_a_port_needs_a_protocol_that_has_ports(site: Site) -> None:
    """Fact 2.18a."""
    target = f"-j DNAT --to-destination {site.at('server', 8080)}"
    for protocol in ("tcp", "udp", "sctp", "dccp"):
        match = f"-A PREROUTING -p {protocol}"
        site.restore(
            f"{match} --dport 80 {target}",
            f"{match} -m multiport --dports 80,90:99 -j REDIRECT --to-ports 8080",
        )
    assert site.refusal("-A PREROUTING --dport 80 -j ACCEPT").message
    assert site.refusal("-A PREROUTING -p esp --dport 80 -j ACCEPT").message
    for match in ("", "-p esp", "-p udplite"):
        refused = site.refusal(f"-A PREROUTING {match} {target}")
        assert "Need TCP, UDP, SCTP or DCCP" in refused.message


def test_udplite_is_matched_by_multiport_alone_and_takes_no_new_port(site: Site) -> None:
    """Fact 2.18b."""
    site.restore("-A PREROUTING -p udplite -m multiport --dports 40000 -j ACCEPT")
    assert site.refusal("-A PREROUTING -p udplite --dport 40000 -j ACCEPT").message
    assert site.refusal("-A PREROUTING -p udplite -j REDIRECT --to-ports 80").message


@ipv6_only
def test_a_port_for_ping_is_refused_in_ipv6(site: Site) -> None:
    """Fact 2.18e."""
    rule = f"-A POSTROUTING -p icmpv6 -j SNAT --to-source {site.at('wan', '100-199')}"
    assert "Need TCP, UDP, SCTP or DCCP" in site.refusal(rule).message


def test_fragments_meet_the_rules_as_a_whole_packet(site: Site) -> None:
    """Fact 2.19."""
    site.load("PRE -p udp --dport 53 -j DNAT --to-destination {server}", "POST -j MASQUERADE")
    first, second = raw.fragments(site.packet("udp remote 5 wan 53 eth0"), 64)
    before, after = site.lab.exchange([("eth0", second), ("eth0", first)])
    assert before == []
    assert {interface for interface, _ in after} == {"eth1"}
    assert {(*site.read(data).split()[::2],) for _, data in after} == {("lan", "server")}
    assert site.hits() == {"natc": 2}


def nth(every: int, packet: int) -> str:
    return f"-m statistic --mode nth --every {every} --packet {packet}"


def test_each_nth_of_what_is_left_takes_turns_and_each_nth_with_an_offset_leaks(
    site: Site,
) -> None:
    """Fact 2.21a."""
    turns = (nth(3, 0), nth(2, 0), "")
    offsets = (nth(3, 0), nth(3, 1), nth(3, 2))
    site.load(
        *(
            f"PRE -p {protocol} {share} -j DNAT --to-destination {site.at('server', port)}"
            for protocol, shares in (("udp", turns), ("tcp", offsets))
            for port, share in enumerate(shares, 1)
        )
    )
    ends = site.send(*(f"udp remote {port} wan 443 eth0" for port in range(1, 13)))
    assert [end.destination_port for end in ends] == [1, 2, 3] * 4
    ends = site.send(*(f"tcp remote {port} wan 443 eth0" for port in range(1, 28)))
    seen = [end.destination_port for end in ends]
    assert [seen.count(port) for port in (1, 2, 3, 443)] == [9, 6, 4, 8]


def test_a_probability_is_kept_in_parts_of_two_to_the_31(site: Site) -> None:
    """Fact 2.21b."""
    statistic = "-m statistic --mode random --probability"
    site.load(
        f"PRE -p udp {statistic} 0.33333333333 -j DNAT --to-destination {{server}}",
        f"PRE -p tcp {statistic} 0 -j DNAT --to-destination {{server}}",
        f"PRE -p tcp {statistic} 1 -j DNAT --to-destination {{other}}",
    )
    assert f"{statistic} 0.33333333349" in site.lab.save(site.family)
    assert site.end("tcp remote 5 wan 80 eth0") == "forwarded remote 5 other 80 eth0"
    ends = site.send(*(f"udp remote {port} wan 53 eth0" for port in range(1, 901)))
    taken = sum(end.verdict == "forwarded" for end in ends)
    assert 200 < taken < 400  # seven standard deviations
