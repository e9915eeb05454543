"""Connections that a change of rules strands: told, deleted when asked to, and no others."""

import itertools
import json
import random
import sys

import pytest

from natc.address import Family
from natc.packet import Packet
from natc.record import replace
from natc.testlab import Observation, frames
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway
from tests.kernel import raw
from tests.kernel.site import packet

pytestmark = pytest.mark.kernel

HEAD = """
zone wan { interface eth0; address { 203.0.113.1, 2001:db8:113::1 } }
zone lan { interface eth1; address { 192.168.3.1, fd00:3::1 }; subnet { 192.168.3.0/24, fd00:3::/64 } }
"""
POLICIES = {
    "first": FIRST,
    "second": SECOND,
    "nothing": HEAD + "exempt to 192.0.2.1 out wan",
    "others": HEAD
    + """
exempt from lan to 198.51.100.8 out wan
snat from lan out wan -> 203.0.113.64-203.0.113.67
balance tcp/8080 on wan -> { 192.168.3.10:80, 192.168.3.11:80 } as web
transparent-proxy udp/53 in lan -> :5353
dnat tcp/8081 to 203.0.113.1 in wan -> 192.168.3.12:9000-9003
snat from fd00:3::/64 out wan -> 2001:db8:113::7
""",
}
"""Rules of every kind, which agree on some packets and differ on others."""

SIDES = {
    Family.IPV4: {
        "eth1": "192.168.3.77",
        "eth0": "198.51.100.7",
        "br0": "192.168.50.9",
        "local": "203.0.113.1",
    },
    Family.IPV6: {"eth1": "fd00:3::77", "eth0": "2001:db8:100::7"},
}
PLACES = {
    Family.IPV4: ("203.0.113.1", "192.168.3.1", "192.168.3.10", "198.51.100.8"),
    Family.IPV6: ("2001:db8:113::1", "2001:db8:100::8"),
}


def packets(gateway: Gateway) -> list[Packet]:
    """Return first packets of many kinds, each of a connection of its own."""
    made = [
        packet(family, f"{protocol} {source} 40000 {destination} {port} {came_by}")
        for family, sides in SIDES.items()
        for came_by, source in sides.items()
        for destination in PLACES[family]
        for protocol in ("tcp", "udp")
        for port in (53, 80, 8080, 8081, 8082)
        if source != destination
    ]
    random.Random(7).shuffle(made)
    possible = [each for each in made if gateway.lab.obstacle(each) is None][:120]
    # A port that another connection has would be changed for that alone.
    return [replace(each, source_port=40000 + number) for number, each in enumerate(possible)]


def python(gateway: Gateway, text: str) -> str:
    """Run Python with natc on the gateway."""
    return gateway.must(f"{sys.executable} - <<'END'\n{text}\nEND\n")


def stranded(gateway: Gateway, policy: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(gateway.natc(f"plan {policy} --format json"))[
        "connections"
    ]
    return rows


def table(gateway: Gateway) -> list[str]:
    """Return the connections, without what changes as time goes by."""
    said = gateway.must("conntrack -L -f ipv4 2>/dev/null; conntrack -L -f ipv6 2>/dev/null")
    return sorted(" ".join(_lasting(*line.split())) for line in said.splitlines())


def _lasting(protocol: str, number: str, seconds: str, *words: str) -> tuple[str, ...]:
    del seconds
    return protocol, number, *words


def name(sent: Packet) -> str:
    return str(sent).rsplit(" in ", 1)[0]


def ends(seen: Observation) -> tuple[int, int | None, int, int | None]:
    return seen.source, seen.source_port, seen.destination, seen.destination_port


@pytest.mark.parametrize(
    ("before", "after"),
    [(one, other) for one in POLICIES for other in POLICIES if one != other],
    ids=str,
)
def test_what_is_stranded_is_what_the_kernel_would_now_translate_otherwise(
    gateway: Gateway, before: str, after: str
) -> None:
    gateway.must(FOREIGN)
    for policy, text in POLICIES.items():
        gateway.policy(f"{policy}.nat", text)
    gateway.natc(f"apply {before}.nat")
    sent = packets(gateway)
    old = gateway.lab.probe(sent, keep=True)
    told = {str(row["connection"]): row["certain"] for row in stranded(gateway, f"{after}.nat")}
    gateway.natc(f"apply {after}.nat")
    # Where the kernel chooses anew each time, several tries tell what it can choose.
    tries = [gateway_again(gateway, sent) for _ in range(12)]
    certain_changes = 0
    for number, (each, was) in enumerate(zip(sent, old, strict=True)):
        if was.verdict == "dropped":  # It never became a connection.
            assert name(each) not in told
            continue
        new = {ends(one[number]) for one in tries if one[number].verdict != "dropped"}
        if told.get(name(each)) is True:
            assert ends(was) not in new, each
            certain_changes += 1
        elif name(each) not in told and new:
            assert ends(was) in new, each
    assert certain_changes or "nothing" in (before, after) or before == after


def gateway_again(gateway: Gateway, sent: list[Packet]) -> list[Observation]:
    """Send first packets where no connection is."""
    gateway.must("conntrack -F 2>/dev/null")
    return gateway.lab.probe(sent)


KINDS = """
udp 192.168.3.77 40000 198.51.100.7 53 eth1
udp 192.168.3.77 40001 198.51.100.7 53 eth1
udp 192.168.3.77 40000 198.51.100.7 54 eth1
udp 192.168.3.78 40000 198.51.100.7 53 eth1
udp 192.168.3.77 40000 198.51.100.8 53 eth1
tcp 192.168.3.77 40000 198.51.100.7 53 eth1
sctp 192.168.3.77 40000 198.51.100.7 53 eth1
esp 192.168.3.77 - 198.51.100.7 - eth1
esp 192.168.3.78 - 198.51.100.8 - eth1
99 192.168.3.77 - 198.51.100.7 - eth1
tcp 203.0.113.1 40000 198.51.100.7 53 local
"""
KINDS6 = """
udp fd00:3::77 40000 2001:db8:100::7 53 eth1
tcp fd00:3::77 40000 2001:db8:100::7 53 eth1
tcp fd00:3::77 40000 2001:db8:100::8 53 eth1
"""
LINES = "from natc.host.planning.conntrack import *\nfor c in connections(): print(deleting(c))"


def begin_all_kinds(gateway: Gateway) -> None:
    gateway.natc(f"apply {gateway.policy('first.nat', FIRST)}")  # Which has connections tracked.
    gateway.must("conntrack -F 2>/dev/null")
    for family, kinds in ((Family.IPV4, KINDS), (Family.IPV6, KINDS6)):
        gateway.lab.probe([packet(family, line) for line in kinds.strip().splitlines()], keep=True)
    pings = [
        (packet(Family.IPV4, "icmp 192.168.3.77 - 198.51.100.7 - eth1"), 7),
        (packet(Family.IPV4, "icmp 192.168.3.77 - 198.51.100.7 - eth1"), 8),
        (packet(Family.IPV6, "icmpv6 fd00:3::77 - 2001:db8:100::7 - eth1"), 7),
        (packet(Family.IPV6, "icmpv6 fd00:3::77 - 2001:db8:100::7 - eth1"), 8),
    ]
    gateway.lab.exchange([("eth1", raw.echo(number)(ping)) for ping, number in pings])


def test_each_printed_line_deletes_exactly_its_connection(gateway: Gateway) -> None:
    begin_all_kinds(gateway)
    lines = python(gateway, LINES).splitlines()
    assert len(lines) == len(set(lines)) == len(table(gateway)) == 18
    for done, line in enumerate(lines, 1):
        before = table(gateway)
        gateway.must(f"{line} 2>/dev/null")
        after = table(gateway)
        assert len(after) == 18 - done, line
        assert set(after) < set(before), line
        assert set(python(gateway, LINES).splitlines()) == set(lines[done:])


def test_zones_of_connection_tracking_are_told_apart(gateway: Gateway) -> None:
    begin_all_kinds(gateway)
    gateway.must("conntrack -F 2>/dev/null")
    one = packet(Family.IPV4, "udp 192.168.3.77 40000 198.51.100.7 53 eth1")
    gateway.lab.exchange([("eth1", frames.datagram(one))])
    gateway.must("iptables -t raw -A PREROUTING -i eth1 -j CT --zone 7")
    gateway.lab.exchange([("eth1", frames.datagram(one))])
    lines = python(gateway, LINES).splitlines()
    assert len(set(lines)) == 2
    (plain,) = (line for line in lines if "-w 7" not in line)
    gateway.must(f"{plain} 2>/dev/null")
    assert [line for line in lines if "-w 7" in line] == python(gateway, LINES).splitlines()


def test_connections_are_deleted_by_netlink_one_by_one(gateway: Gateway) -> None:
    begin_all_kinds(gateway)
    said = python(
        gateway,
        """
from natc.host.planning.conntrack import *
while found := connections():
    kept = {str(one) for one in found[1:]}
    assert delete([found[0].name]) == 1
    assert delete([found[0].name]) == 0
    assert {str(one) for one in connections()} == kept
print("none left")
""",
    )
    assert said.strip() == "none left"


Two = tuple[list[str], set[str]]


@pytest.fixture
def two(gateway: Gateway) -> Two:
    """The first policy with connections; return them, and which the second one is to leave."""
    gateway.policy("first.nat", FIRST)
    gateway.policy("second.nat", SECOND)
    gateway.natc("apply first.nat")
    gateway.must("conntrack -F 2>/dev/null")
    gateway.lab.probe(packets(gateway), keep=True)
    rows = stranded(gateway, "second.nat")
    certain = [str(row["command"]) for row in rows if row["certain"]]
    assert 0 < len(certain) < len(table(gateway))
    kept = [one for one in table(gateway) if not any(_is_of(line, one) for line in certain)]
    assert len(kept) == len(table(gateway)) - len(certain)
    return certain, set(kept)


def _is_of(line: str, entry: str) -> bool:
    """Whether a line of `conntrack -D` names an entry of `conntrack -L`, by its first packet."""
    words = dict(itertools.pairwise(line.split()))
    ends_ = f"src={words['-s']} dst={words['-d']} sport={words['--sport']} dport={words['--dport']}"
    first = entry[: entry.index("src=", entry.index("src=") + 1)]
    return entry.startswith(words["-p"]) and f"{ends_} " in first


@pytest.mark.usefixtures("two")
def test_an_apply_leaves_connections_alone_unless_told_otherwise(gateway: Gateway) -> None:
    before = table(gateway)
    gateway.natc("apply second.nat")
    assert table(gateway) == before


def test_an_apply_deletes_what_is_certain_to_be_stranded_and_nothing_else(
    gateway: Gateway, two: Two
) -> None:
    certain, kept = two
    said = gateway.natc("apply second.nat --flush-conntrack affected")
    assert f"{len(certain)} stranded connection" in said
    assert set(table(gateway)) == kept


def test_with_confirm_connections_are_deleted_when_it_is_confirmed(
    gateway: Gateway, two: Two
) -> None:
    certain, kept = two
    before = table(gateway)
    said = gateway.natc("apply second.nat --flush-conntrack affected --confirm 60")
    assert f"when it is confirmed: {len(certain)}" in said
    assert table(gateway) == before
    assert f"{len(certain)} stranded connection" in gateway.natc("confirm")
    assert set(table(gateway)) == kept


@pytest.mark.usefixtures("two")
def test_rules_that_are_taken_back_find_every_connection_as_it_was(gateway: Gateway) -> None:
    before = table(gateway)
    gateway.natc("apply second.nat --flush-conntrack affected --confirm 60")
    gateway.natc("rollback")
    gateway.natc("apply second.nat --confirm 60")
    gateway.natc("confirm")
    assert table(gateway) == before


@pytest.mark.parametrize("end", ["remove", "rollback"])
def test_a_translated_connection_goes_on_when_the_rules_go(gateway: Gateway, end: str) -> None:
    """Fact 2.25: with nf_tables it would not if the last nat chain went away."""
    gateway.natc(f"apply {gateway.policy('first.nat', FIRST)}")
    out = packet(Family.IPV4, "udp 192.168.3.77 40000 198.51.100.7 53 eth1")
    into = packet(Family.IPV4, "tcp 198.51.100.7 40000 203.0.113.1 8080 eth0")
    six = packet(Family.IPV6, "tcp 2001:db8:100::7 40000 2001:db8:113::1 8080 eth0")
    answer = replace(
        out, source=out.destination, source_port=53, destination=0xCB007101, destination_port=40000
    )
    sent = [
        ("eth1", frames.datagram(out)),
        ("eth0", frames.datagram(answer)),
        ("eth0", frames.datagram(into)),
        ("eth0", frames.datagram(six)),
    ]

    def seen() -> list[list[tuple[str, tuple[object, ...]]]]:
        left = gateway.lab.exchange(sent)
        return [[(name, raw.ends(data)) for name, data in each] for each in left]

    before = seen()
    translated = [each[0][1] for each in before]
    assert translated[0][1] == 0xCB007101
    assert translated[1][3] == out.source
    assert translated[2][3:] == (0xC0A8030A, 80)
    assert translated[3][3] != six.destination
    gateway.natc(end)
    assert seen() == before
    new = replace(out, source_port=40001)
    (left,) = gateway.lab.exchange([("eth1", frames.datagram(new))])
    assert raw.ends(left[0][1])[1] == out.source
