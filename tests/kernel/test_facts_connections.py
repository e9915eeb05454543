"""Kernel facts: connections, and the order in which hooks are asked."""

import pytest

from natc.address import Family
from natc.testlab import Flavour, Lab, conntrack, frames
from natc.testlab.links import Ports
from tests.kernel import raw
from tests.kernel.site import Site, topology
from tests.kernel.worker import inside

pytestmark = pytest.mark.kernel

SHARE = "POST -o eth0 -m comment --comment share -j SNAT --to-source {wan}"


def test_only_the_first_packet_of_a_connection_asks_the_rules(site: Site) -> None:
    """Fact 2.1a."""
    site.load(SHARE)
    for _ in range(3):
        assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
    assert site.hits() == {"natc": 2, "share": 1}


def test_a_second_packet_of_a_connection_announces_nothing(site: Site) -> None:
    """Fact 2.1b."""
    probe = "udp inside 5000 remote 53 eth1"
    assert site.end(probe, keep=True) == "forwarded inside 5000 remote 53 eth0"
    assert site.end(probe).startswith("dropped")


def test_answers_are_translated_back_without_a_rule(site: Site) -> None:
    """Fact 2.1c."""
    site.load(
        SHARE, f"PRE -i eth0 -p tcp --dport 80 -j DNAT --to-destination {site.at('server', 8080)}"
    )
    site.out("udp inside 5 remote 53 eth1")
    assert site.out("udp remote 53 wan 5 eth0") == "remote 53 inside 5 eth1"
    site.out("tcp remote 6 wan 80 eth0")
    answer = site.out("tcp server 8080 remote 6 eth1", raw.flags("SA"))
    assert answer == "wan 80 remote 6 eth0"
    assert site.hits()["share"] == 1


def test_connections_keep_their_translation_when_the_rules_change(site: Site) -> None:
    """Fact 5.1a."""
    site.load(SHARE)
    assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
    site.load("POST -o eth0 -j SNAT --to-source {other}")
    assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
    assert site.out("udp inside 6 remote 53 eth1") == "other 6 remote 53 eth0"
    site.load()
    assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
    assert site.out("udp inside 7 remote 53 eth1") == "inside 7 remote 53 eth0"
    site.must("conntrack -F 2>/dev/null")
    assert site.out("udp inside 5 remote 53 eth1") == "inside 5 remote 53 eth0"


def test_connections_begun_without_translation_stay_without(site: Site) -> None:
    """Fact 5.1b."""
    assert site.out("udp inside 5 remote 53 eth1") == "inside 5 remote 53 eth0"
    site.load(SHARE)
    assert site.out("udp inside 5 remote 53 eth1") == "inside 5 remote 53 eth0"
    assert site.out("udp inside 6 remote 53 eth1") == "wan 6 remote 53 eth0"


TABLES = ("raw", "mangle", "nat", "filter")
ARRIVING = ("raw.PREROUTING", "mangle.PREROUTING", "nat.PREROUTING")
LEAVING = ("mangle.POSTROUTING", "nat.POSTROUTING")
FORWARDED = (*ARRIVING, "mangle.FORWARD", "filter.FORWARD", *LEAVING)
DELIVERED = (*ARRIVING, "mangle.INPUT", "filter.INPUT", "nat.INPUT")
MADE_HERE = ("raw.OUTPUT", "mangle.OUTPUT", "nat.OUTPUT", "filter.OUTPUT", *LEAVING)


def count_everywhere(site: Site, order: tuple[str, ...]) -> None:
    """Count packets in every chain, and mark those that meet the chains of `order` in this order."""
    text = []
    for table in TABLES:
        text.append(f"*{table}")
        for chain in dict.fromkeys((*FORWARDED, *DELIVERED, *MADE_HERE)):
            if chain.startswith(f"{table}."):
                rule = f"-A {chain.split('.')[1]} -m comment --comment"
                text.append(f"{rule} {chain}")
                if chain in order:
                    step = order.index(chain)
                    text.append(
                        f"{rule} ordered -m mark --mark {step} -j MARK --set-mark {step + 1}"
                    )
        text.append("COMMIT")
    site.lab.load("\n".join([*text, ""]), site.family)


@pytest.mark.parametrize(
    ("probe", "order"),
    [
        ("udp inside 5 remote 53 eth1", FORWARDED),
        ("udp inside 5 lan 53 eth1", DELIVERED),
        ("udp wan 5 remote 53 local", MADE_HERE),
    ],
    ids=["forwarded", "delivered", "made here"],
)
def test_the_hooks_are_asked_in_order_and_nat_for_first_packets_only(
    site: Site, probe: str, order: tuple[str, ...]
) -> None:
    """Fact 2.2a."""
    count_everywhere(site, order)
    site.send(probe, keep=True)
    assert site.hits(*TABLES) == dict.fromkeys(order, 1) | {"ordered": len(order)}
    site.send(probe, keep=True)
    again = {chain: 1 if chain.startswith("nat.") else 2 for chain in order}
    unordered = next(place for place, chain in enumerate(order) if chain.startswith("nat."))
    assert site.hits(*TABLES) == again | {"ordered": len(order) + unordered}


def test_filter_forward_sees_the_new_destination_and_the_old_source(site: Site) -> None:
    """Fact 2.2b."""
    names = site.names
    site.load("PRE -p udp -j DNAT --to-destination {server}", "POST -j SNAT --to-source {lan}")
    rule = "-m comment --comment"
    site.restore(
        f"-A FORWARD -s {names.remote} -d {names.server} -i eth0 -o eth1 {rule} filter",
        table="filter",
    )
    site.restore(
        f"-A FORWARD -s {names.remote} -d {names.server} {rule} forward",
        f"-A POSTROUTING -s {names.remote} -d {names.server} {rule} post",
        table="mangle",
    )
    assert site.end("udp remote 5 wan 53 eth0") == "forwarded lan 5 server 53 eth1"
    assert site.hits("filter", "mangle") == {"filter": 1, "forward": 1, "post": 1}


def test_output_sees_the_way_out_before_translation_and_postrouting_the_one_after(
    site: Site,
) -> None:
    """Fact 2.2c."""
    site.load(
        "OUT -o eth1 -p udp -j DNAT --to-destination {visitor}",
        "OUT -o eth0 -p udp -j DNAT --to-destination {server}",
        "POST -o eth0 -j SNAT --to-source {other}",
        "POST -o eth1 -j SNAT --to-source {lan}",
    )
    assert site.end("udp wan 5 remote 53 local") == "forwarded lan 5 server 53 eth1"


def test_input_can_translate_the_source(site: Site) -> None:
    """Fact 2.2d."""
    site.load("IN -p udp -j SNAT --to-source {other}")
    assert site.end("udp inside 5 lan 53 eth1") == "delivered other 5 lan 53"
    assert site.end("tcp inside 5 lan 53 eth1") == "delivered inside 5 lan 53"


def test_postrouting_sees_the_translated_destination_and_port(site: Site) -> None:
    """Fact 2.3."""
    site.load(
        f"PRE -p tcp --dport 80 -j DNAT --to-destination {site.at('server', 8080)}",
        "POST -d {wan} -j SNAT --to-source {guest}",
        "POST -p tcp --dport 80 -j SNAT --to-source {guest}",
        "POST -d {server} -p tcp --dport 8080 -j SNAT --to-source {lan}",
    )
    assert site.end("tcp remote 5 wan 80 eth0") == "forwarded lan 5 server 8080 eth1"


def test_what_the_gateway_sends_itself_asks_output_and_not_prerouting(site: Site) -> None:
    """Fact 2.4."""
    site.load(
        "PRE -p tcp -d {wan} --dport 80:81 -j DNAT --to-destination {server}",
        "OUT -p tcp -d {wan} --dport 81 -j DNAT --to-destination {visitor}",
    )
    assert site.end("tcp wan 5 wan 80 local") == "delivered wan 5 wan 80"
    assert site.end("tcp wan 5 wan 81 local") == "forwarded wan 5 visitor 81 br0"


def test_invalid_packets_are_forwarded_untranslated(site: Site) -> None:
    """Fact 2.5a."""
    site.load("POST -j SNAT --to-source {wan}", "PRE -j DNAT --to-destination {server}")
    probe = "tcp inside 5 remote 443 eth1"
    for letters in ("SA", "R", "F", "", "FPU"):
        assert site.out(probe, raw.flags(letters)) == "inside 5 remote 443 eth0", letters
    assert site.out(probe, raw.damaged) == "inside 5 remote 443 eth0"
    ping = f"{site.icmp} inside - remote - eth1"
    assert site.out(ping, raw.echo(7, is_answer=True)) == "inside 7 remote - eth0"
    assert site.out(probe, raw.flags("S")) == "wan 5 server 443 eth1"


def test_packets_without_tracking_are_forwarded_untranslated(site: Site) -> None:
    """Fact 2.5b."""
    site.load("POST -j SNAT --to-source {wan}")
    site.restore("-A PREROUTING -p udp -j CT --notrack", table="raw")
    assert site.out("udp inside 5 remote 53 eth1") == "inside 5 remote 53 eth0"
    assert site.out("tcp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"


def test_a_tcp_packet_from_midstream_is_new_and_translated(site: Site) -> None:
    """Fact 2.5c."""
    site.load("POST -j SNAT --to-source {wan}")
    assert site.out("tcp inside 5 remote 443 eth1", raw.flags("A")) == "wan 5 remote 443 eth0"
    site.must("echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose")
    assert site.out("tcp inside 6 remote 443 eth1", raw.flags("A")) == "inside 6 remote 443 eth0"


def test_udplite_is_checked_by_the_checksum_of_udp(family: Family) -> None:
    """Fact 2.5d: so what is a valid packet from outside counts as invalid."""
    with Lab(topology(has_bridge=False)) as lab:
        site = Site(lab, family, Flavour.NFT)
        assert "invalid" in (lab.obstacle(site.packet("udplite inside - remote - eth1")) or "")
        assert site.end("udplite wan - remote - local") == "forwarded wan - remote - eth0"

    def task(ports: Ports) -> bool:
        table = conntrack.Table()
        udplite = frames.frame(site.packet("udplite inside - remote - eth1"))
        ports.inject("eth1", udplite, 0)
        ports.fence()
        return table.new() is not None

    assert not inside(topology(has_bridge=False), task)


def test_a_destination_that_stays_the_same_is_no_translation(site: Site) -> None:
    """Fact 2.30."""
    site.load(
        f"PRE -p tcp --dport 80:81 -j DNAT --to-destination {site.at('server', 80)}",
        "POST -m conntrack --ctstate DNAT -j MASQUERADE",
    )
    assert site.end("tcp remote 5 server 80 eth0") == "forwarded remote 5 server 80 eth1"
    assert site.end("tcp remote 5 server 81 eth0") == "forwarded lan 5 server 80 eth1"
