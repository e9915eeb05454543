"""What the linter says the kernel refuses, it refuses, and it takes the rest."""

from collections.abc import Iterator
from itertools import permutations, product

import pytest

from natc.address import Family, parse, text_of
from natc.targets.iptables.model import BUILT_IN
from natc.testlab import Flavour, Lab, Listener, LoadError
from tests.kernel.site import Site, topology
from tests.lint.dumps import found, subject

pytestmark = pytest.mark.kernel

TARGETS = (
    "DNAT --to-destination {host}",
    "REDIRECT",
    "SNAT --to-source {host}",
    "MASQUERADE",
    "NETMAP --to {host}",
    "TPROXY --on-port 80 --tproxy-mark 0x1/0x1",
    "REJECT",
    "NOTRACK",
    "DROP",
    "ACCEPT",
)
MATCHES = ("-i eth0", "! -o eth0", "-m owner --uid-owner 0", "-m owner ! --uid-owner 0")
PROTOCOLS = ("", "-p tcp", "-p udp", "-p icmp", "-p gre", "! -p gre", "-p udplite", "-p 6")
PORTS = (
    "-m tcp --dport 80 -j ACCEPT",
    "-m multiport --dports 80,81 -j ACCEPT",
    "-j DNAT --to-destination {end}",
    "-j REDIRECT --to-ports 80",
)
CODES = ("NAT201", "NAT202", "NAT203", "NAT207", "NAT209")
TABLES = ("raw", "mangle", "nat", "filter")


@pytest.fixture(scope="module", params=product(Flavour, Family), ids=str)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Return one gateway for all tests of the module, which leave no rules."""
    flavour, family = request.param
    with Lab(topology(has_bridge=False), flavour) as lab:
        yield Site(lab, family, flavour)


def disagreement(site: Site, table: str, *lines: str) -> str | None:
    """Return the rules if the linter and the kernel are not of one mind."""
    named = [
        line.format(host=site.names.server, end=site.either("10.0.0.1:80", "[fd00::1]:80"))
        for line in lines
    ]
    text = "\n".join([f"*{table}", *named, "COMMIT", ""])
    try:
        site.lab.load(text, site.family, whole=True)
        refused = False
    except LoadError:
        refused = True
    reported = bool(found(subject(*named, table=table, family=site.family), *CODES))
    return None if refused is reported else f"{text}refused: {refused}, reported: {reported}"


@pytest.mark.parametrize("table", TABLES)
def test_targets_are_taken_where_the_linter_says(anywhere: Site, table: str):
    """Fact 2.27g."""
    rules = [
        disagreement(anywhere, table, f"-A {chain} -p tcp -j {target}")
        for chain, target in product(BUILT_IN[table], TARGETS)
    ]
    assert [rule for rule in rules if rule] == []


@pytest.mark.parametrize("table", TABLES)
def test_matches_are_taken_where_the_linter_says(anywhere: Site, table: str):
    """Fact 2.27g."""
    rules = [
        disagreement(anywhere, table, f"-A {chain} {match} -j ACCEPT")
        for chain, match in product(BUILT_IN[table], MATCHES)
    ]
    assert [rule for rule in rules if rule] == []


@pytest.mark.parametrize("table", TABLES)
def test_no_built_in_chain_is_jumped_to(anywhere: Site, table: str):
    rules = [
        disagreement(anywhere, table, f"-A {chain} -p udp -{word} {other}")
        for chain, other in permutations(BUILT_IN[table], 2)
        for word in "jg"
    ]
    assert [rule for rule in rules if rule] == []


def test_ports_are_taken_with_the_protocols_that_the_linter_says(anywhere: Site):
    """Fact 2.27g."""
    rules = [
        disagreement(anywhere, "nat", f"-A PREROUTING {protocol} {port}")
        for protocol, port in product(PROTOCOLS, PORTS)
    ]
    assert [rule for rule in rules if rule] == []


@pytest.mark.parametrize("target", ["MASQUERADE", "DNAT --to-destination {host}"])
def test_what_counts_is_where_packets_of_a_chain_come_from(anywhere: Site, target: str):
    chains = (":X - [0:0]", ":Y - [0:0]", f"-A X -j {target}", "-A Y -j X")
    ways = ((), ("PREROUTING",), ("POSTROUTING",), ("PREROUTING", "POSTROUTING"), ("OUTPUT",))
    rules = [
        disagreement(anywhere, "nat", *chains, *(f"-A {hook} -j Y" for hook in way)) for way in ways
    ]
    assert [rule for rule in rules if rule] == []


@pytest.fixture
def proxy(flavour: Flavour, family: Family) -> Iterator[Site]:
    """Return a gateway with a transparent listener on port 8443."""
    listener = Listener(family, 6, None, 8443, 1, 1)
    with Lab(topology(has_bridge=False, listeners=(listener,)), flavour) as lab:
        yield Site(lab, family, flavour)


def test_tproxy_without_a_mark_takes_what_is_addressed_to_the_gateway_alone(proxy: Site):
    """Fact 2.14e."""
    proxy.load("PRE -i eth1 -p tcp -j TPROXY --on-port 8443", table="mangle")
    assert proxy.end("tcp inside 5 lan 80 eth1") == "delivered inside 5 lan 80"
    assert proxy.end("tcp inside 5 remote 80 eth1").startswith("dropped")


def test_a_pool_with_its_ends_the_wrong_way_round_gives_addresses_outside_of_it(site: Site):
    """Fact 2.6h."""
    first, last = (
        parse(text)[1] for text in site.either("10.0.0.9 10.0.0.1", "fd::9 fd::1").split()
    )
    pool = "-".join(text_of(site.family, end) for end in (first, last))
    site.load(f"POST -o eth0 -p udp -j SNAT --to-source {pool}")
    packets = site.neighbours("udp inside 5 remote 80 eth1", 20)
    ends = {end.source for end in site.lab.probe(packets)}
    assert len(ends) > 10
    assert not ends & set(range(last, first + 1))


def test_nothing_is_forwarded_to_an_address_that_no_host_has(site: Site):
    """Fact 2.32."""
    for address in site.either("0.0.0.0 224.0.0.5 239.1.1.1", "[ff0e::5]").split():
        site.load(f"PRE -i eth1 -p udp -j DNAT --to-destination {address}")
        assert site.end("udp inside 5 remote 80 eth1").startswith("dropped")
    if site.is_ipv4:
        site.load("PRE -i eth1 -p udp -j DNAT --to-destination 255.255.255.255")
        assert site.end("udp inside 5 remote 80 eth1").startswith("delivered")
