"""Kernel facts: what the targets do besides choosing from pools and ranges."""

from collections.abc import Iterator

import pytest

from natc.address import Family, parse
from natc.record import replace
from natc.testlab import Flavour, Lab, Listener
from tests.kernel.site import NAMES, Site, interface, ipv4_only, ipv6_only, topology

pytestmark = pytest.mark.kernel

FOUR, SIX = NAMES[Family.IPV4], NAMES[Family.IPV6]


@pytest.fixture
def many(flavour: Flavour, family: Family) -> Iterator[Site]:
    """Return a gateway whose eth0 has several addresses, and br0 none."""
    interfaces = (
        interface(
            "eth0",
            *("203.0.113.1/24", "198.51.99.1/24", "203.0.113.2/24"),
            *("2001:db8:1::1/64", "2001:db8:2::1/64", "2001:db8:1::2/64"),
        ),
        interface("eth1", f"{FOUR.lan}/24", f"{SIX.lan}/64"),
        interface("br0"),
    )
    with Lab(topology(interfaces=interfaces), flavour) as lab:
        yield Site(lab, family, flavour)


def source(site: Site, text: str) -> str:
    (end,) = site.send(text)
    return site.address(end.source)


@ipv4_only
def test_masquerade_takes_the_first_primary_address_or_the_one_of_the_next_hops_subnet(
    many: Site,
) -> None:
    """Fact 2.11a: neither secondary addresses nor the route's own source count."""
    many.load("POST -j MASQUERADE")
    many.must(
        "ip route add 192.0.2.0/24 via 198.51.99.254 dev eth0 src 203.0.113.2 onlink;"
        "ip route add 192.0.3.0/24 via 10.9.9.9 dev eth0 onlink"
    )
    assert source(many, "udp inside 5 192.0.2.9 53 eth1") == "198.51.99.1"
    assert source(many, "udp inside 5 192.0.3.9 53 eth1") == "203.0.113.1"
    assert source(many, "udp inside 5 198.51.99.77 53 eth1") == "198.51.99.1"
    assert source(many, "udp inside 5 203.0.113.77 53 eth1") == "203.0.113.1"
    assert source(many, "udp inside 5 9.9.9.9 53 eth1") == "203.0.113.1"


@ipv6_only
def test_masquerade_of_ipv6_takes_the_address_that_the_gateway_itself_would(many: Site) -> None:
    """Fact 2.11b: that nearest to the destination; of several, the newest."""
    many.load("POST -j MASQUERADE")
    many.must(
        "ip -6 addr add fe80::1/64 dev eth0 nodad;"
        "ip -6 route add 2001:db8:77::/64 via 2001:db8:2::99 dev eth0 src 2001:db8:2::1 onlink"
    )
    assert source(many, "udp inside 5 2001:db8:2::77 53 eth1") == "2001:db8:2::1"
    assert source(many, "udp inside 5 2001:db8:1::77 53 eth1") == "2001:db8:1::2"
    assert source(many, "udp inside 5 2001:db8:77::9 53 eth1") == "2001:db8:1::2"
    assert source(many, "udp inside 5 2600::1 53 eth1") == "2001:db8:1::2"


def test_masquerade_by_an_interface_without_address_takes_anothers(many: Site) -> None:
    """Fact 2.11c."""
    many.load("POST -j MASQUERADE")
    expected = many.either("203.0.113.1", SIX.lan)
    assert source(many, "udp inside 5 visitor 53 eth1") == expected


def test_masquerade_by_a_gateway_without_addresses_drops_ipv4_and_sends_ipv6_from_loopback(
    flavour: Flavour, family: Family
) -> None:
    """Fact 2.11d."""
    bare = tuple(replace(one, addresses=()) for one in topology(has_bridge=False).interfaces)
    with Lab(topology(interfaces=bare), flavour) as lab:
        site = Site(lab, family, flavour)
        site.load("POST -o eth0 -j MASQUERADE")
        end = site.end("udp inside 5 remote 53 eth1")
        assert end == site.either("dropped inside 5 remote 53", "forwarded 0x1 5 remote 53 eth0")


@ipv4_only
def test_masquerade_without_a_way_out_changes_what_stays_on_loopback(many: Site) -> None:
    """Fact 2.11e."""
    many.load("POST -j MASQUERADE")
    assert source(many, "udp 127.0.0.1 5 127.0.0.1 53 local") == "203.0.113.1"
    many.load("POST -o eth0 -j MASQUERADE")
    assert source(many, "udp 127.0.0.1 5 127.0.0.1 53 local") == "127.0.0.1"


def survivors(site: Site, change: str) -> set[str]:
    """Begin a masqueraded udp and a SNATed tcp connection; return which of them outlive a change.

    The kernel forgets in a piece of work of its own, a moment later: this waits until one is gone.
    """
    site.load("POST -p udp -j MASQUERADE", "POST -p tcp -j SNAT --to-source {wan}")
    site.send("udp inside 5 remote 53 eth1", "tcp inside 5 remote 53 eth1", keep=True)
    listing = f"conntrack -L -f {site.either('ipv4', 'ipv6')} -s {site.names.inside} 2>/dev/null"
    assert len(site.must(listing).splitlines()) == 2
    site.must(
        f"{change}\nfor attempt in $(seq 500); do [ $({listing} | wc -l) = 2 ] || break; done"
    )
    return {line.split()[0] for line in site.must(listing).splitlines()}


def test_masquerades_connections_go_with_the_link_and_those_of_snat_stay(site: Site) -> None:
    """Fact 2.11f."""
    assert survivors(site, "ip link set eth0 down") == {"tcp"}


def test_masquerades_connections_go_with_the_address_and_those_of_snat_stay(site: Site) -> None:
    """Fact 2.11g."""
    length = site.either("32", "128")
    assert survivors(site, f"ip addr del {site.names.wan}/{length} dev eth0") == {"tcp"}


def test_redirect_goes_to_the_in_interface_and_not_to_the_address_asked_for(site: Site) -> None:
    """Fact 2.12a."""
    site.load("PRE -p tcp --dport 80 -j REDIRECT --to-ports 3128")
    for destination in ("wan", "guest", "lan", "remote"):
        assert site.end(f"tcp inside 5 {destination} 80 eth1") == "delivered inside 5 lan 3128"


def test_redirect_takes_the_first_address_in_ipv4_and_the_newest_in_ipv6(many: Site) -> None:
    """Fact 2.12b."""
    many.load("PRE -i eth0 -p tcp -j REDIRECT --to-ports 3128")
    many.must("ip -6 addr add fe80::1/64 dev eth0 nodad")
    (end,) = many.send("tcp remote 5 other 80 eth0")
    expected = many.either("203.0.113.1", "2001:db8:1::2")
    assert (end.verdict, many.address(end.destination)) == ("delivered", expected)


def test_redirect_by_an_interface_without_address_drops(many: Site) -> None:
    """Fact 2.12c."""
    many.load("PRE -p tcp --dport 80 -j REDIRECT --to-ports 3128")
    assert many.end("tcp visitor 5 remote 80 br0") == "dropped visitor 5 remote 80"


def test_netmap_translates_in_every_hook(site: Site) -> None:
    """Fact 2.13b."""
    network = site.either("10.9.0.0/24", "fd00:9::/64")
    site.load(f"IN -p udp -j NETMAP --to {network}", f"OUT -p udp -j NETMAP --to {network}")
    (delivered,) = site.send("udp inside 5 lan 53 eth1")
    assert site.address(delivered.source) == site.either("10.9.0.77", "fd00:9::77")
    (sent,) = site.send("udp wan 5 remote 53 local")
    assert site.address(sent.destination) == site.either("10.9.0.7", "fd00:9::7")


def test_netmap_looks_at_the_prefix_of_its_target_alone(site: Site) -> None:
    """Fact 2.13c: so hosts of a wider match fall on one another."""
    match, target = site.either("192.0.2.0/24 10.0.0.64/28", "fd00:2::/64 fd00:9::40/124").split()
    site.load(f"PRE -i eth0 -d {match} -j NETMAP --to {target}")
    hosts = site.either("192.0.2.133 192.0.2.5", "fd00:2::85 fd00:2::5").split()
    ends = site.send(*(f"udp remote 5 {host} 53 eth0" for host in hosts))
    expected = site.either("10.0.0.69", "fd00:9::45")
    assert [site.address(end.destination) for end in ends] == [expected] * 2


def test_netmap_stores_what_is_no_network_as_something_else_or_refuses_it(site: Site) -> None:
    """Fact 2.13d."""
    host = site.either("10.9.0.0", "fd00:9::")
    cases = [
        site.either("10.9.0.0/33", "fd00:9::/129"),
        site.either("10.9.0.0/255.0.255.0", "fd00:9::/ffff:0:ffff::"),
        site.either("10.9.0.77/24", "fd00:9::77/64"),
    ]
    stored = [f"{host}/{host_bits}" for host_bits in site.either("32 32 24", "128 128 64").split()]
    if not site.is_ipv4:
        refused = cases.pop(0)
        assert "bad value" in site.refusal(f"-A PREROUTING -j NETMAP --to {refused}").message
        del stored[0]
    for written, kept in zip(cases, stored, strict=True):
        site.restore(":X - [0:0]", f"-A X -j NETMAP --to {written}")
        assert f"-A X -j NETMAP --to {kept}\n" in site.lab.save(site.family)


TPROXY = "PRE -i eth1 -p tcp -j TPROXY --on-port 8443 --tproxy-mark 0x1/0x1"


@pytest.fixture
def proxy(flavour: Flavour, family: Family) -> Iterator[Site]:
    """Return a gateway with a transparent listener on port 8443."""
    listener = Listener(family, 6, None, 8443, 1, 1)
    with Lab(topology(has_bridge=False, listeners=(listener,)), flavour) as lab:
        yield Site(lab, family, flavour)


def test_tproxy_drops_where_nobody_listens(proxy: Site) -> None:
    """Fact 2.14a."""
    proxy.load(TPROXY.replace("8443", "8444"), table="mangle")
    assert proxy.end("tcp inside 5 remote 80 eth1") == "dropped inside 5 remote 80"
    assert proxy.end("udp inside 5 remote 80 eth1") == "forwarded inside 5 remote 80 eth0"


def test_tproxy_drops_where_routing_does_not_deliver(proxy: Site) -> None:
    """Fact 2.14b."""
    proxy.load(TPROXY, table="mangle")
    (end,) = proxy.send("tcp inside 5 remote 80 eth1")
    assert (end.verdict, end.proxied) == ("delivered", True)
    proxy.must(f"ip {proxy.either('-4', '-6')} rule del pref 100")
    assert proxy.end("tcp inside 5 remote 80 eth1").startswith("dropped")


def test_tproxy_wins_over_a_translation_that_is_noted_all_the_same(proxy: Site) -> None:
    """Fact 2.14d."""
    proxy.load(TPROXY, table="mangle")
    proxy.load("PRE -i eth1 -p tcp --dport 80 -j DNAT --to-destination {server}")
    (end,) = proxy.send("tcp inside 5 remote 80 eth1")
    assert (end.verdict, end.proxied) == ("delivered", True)
    assert proxy.name(end.destination) == "server"


@pytest.mark.parametrize("allowed", [True, False])
@ipv4_only
def test_dnat_of_arriving_packets_to_loopback_needs_route_localnet(
    flavour: Flavour, family: Family, allowed: bool
) -> None:
    """Fact 2.15a."""
    with Lab(topology(has_bridge=False, has_loopback_target=allowed), flavour) as lab:
        site = Site(lab, family, flavour)
        site.load("PRE -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1")
        expected = "delivered remote 5 0x7f000001 80" if allowed else "dropped remote 5 wan 80"
        assert site.end("tcp remote 5 wan 80 eth0") == expected


@ipv6_only
def test_dnat_of_arriving_ipv6_packets_to_loopback_does_not_deliver(site: Site) -> None:
    """Fact 2.15b: the loopback route holds for lo alone, so the default route gets them."""
    site.load("PRE -p tcp --dport 80 -j DNAT --to-destination ::1")
    assert site.end("tcp remote 5 wan 80 eth0") == "forwarded remote 5 0x1 80 eth0"
    assert site.end("tcp inside 5 wan 80 eth1") == "dropped inside 5 wan 80"


def test_dnat_of_the_gateways_own_packets_to_loopback_works(site: Site) -> None:
    """Fact 2.15c."""
    loopback = site.either("127.0.0.1", "::1")
    site.load(f"OUT -p tcp --dport 80 -j DNAT --to-destination {loopback}")
    end = site.end("tcp wan 5 remote 80 local")
    assert end == f"delivered wan 5 {hex(parse(loopback)[1])} 80"


def test_dnat_from_loopback_to_another_host_needs_more_than_a_new_destination(site: Site) -> None:
    """Fact 2.15d."""
    loopback = site.either("127.0.0.1", "::1")
    number = hex(parse(loopback)[1])
    site.load(
        f"OUT -d {loopback} -j DNAT --to-destination {{server}}",
        "POST -o eth1 -p tcp -j SNAT --to-source {lan}",
    )
    probes = {kind: f"{kind} {loopback} 5 {loopback} 53 local" for kind in ("udp", "tcp")}
    if site.is_ipv4:
        assert site.end(probes["udp"]).startswith("dropped")
        assert site.end(probes["tcp"]).startswith("dropped")
        site.must("echo 1 > /proc/sys/net/ipv4/conf/eth1/route_localnet")
    assert site.end(probes["udp"]) == f"forwarded {number} 5 server 53 eth1"
    assert site.end(probes["tcp"]) == "forwarded lan 5 server 53 eth1"


def test_hairpin_needs_a_rule_for_each_way_in(site: Site) -> None:
    """Fact 2.16b."""
    target = site.at("server", 8080)
    site.load(f"PRE -i eth0 -d {{wan}} -p tcp --dport 8888 -j DNAT --to-destination {target}")
    assert site.end("tcp remote 9 wan 8888 eth0") == "forwarded remote 9 server 8080 eth1"
    assert site.end("tcp inside 9 wan 8888 eth1") == "delivered inside 9 wan 8888"
    assert site.end("tcp wan 9 wan 8888 local") == "delivered wan 9 wan 8888"


def test_the_general_hairpin_rule_touches_translated_connections_alone(site: Site) -> None:
    """Fact 2.16c."""
    site.load(
        f"PRE -d {{wan}} -p tcp --dport 8888 -j DNAT --to-destination {site.at('server', 8080)}",
        "POST -o eth1 -s {lan_net} -d {lan_net} -m conntrack --ctstate DNAT -j MASQUERADE",
    )
    assert site.end("tcp inside 9 wan 8888 eth1") == "forwarded lan 9 server 8080 eth1"
    assert site.end("tcp inside 9 server 8080 eth1") == "forwarded inside 9 server 8080 eth1"
    assert site.end("tcp remote 9 wan 8888 eth0") == "forwarded remote 9 server 8080 eth1"
