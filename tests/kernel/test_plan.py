"""From a policy's facts to the gateway that its tests need."""

from natc.address import Family, parse, text_of
from natc.ir.actions import Accept, Action, Dnat, Hook, Tproxy
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import AddressSet, Expectation, Network, Policy, Rule, Test, Zone
from natc.ir.space import Box, Region
from natc.testlab import Listener, Topology, plan
from natc.testlab.plan import UPLINK
from natc.testlab.topology import prefixes
from tests.kernel.site import packet

V4, V6 = Family.IPV4, Family.IPV6


def rule(action: Action | None = None, hook: Hook = Hook.PREROUTING, **sets: IntervalSet) -> Rule:
    box = Box.of({Field[name.upper()]: values for name, values in sets.items()})
    return Rule("rule", V4, hook, Region((box,)), action or Accept())


def subnet(*texts: str) -> AddressSet:
    found = AddressSet()
    for text in texts:
        network, length = text.split("/")
        family, low = parse(network)
        values = interval(low, low | (1 << family.bits - int(length)) - 1)
        found |= AddressSet(ipv4=values) if family is V4 else AddressSet(ipv6=values)
    return found


def zone(name: str, *interfaces: str, own: str = "", net: str = "", dynamic: bool = False) -> Zone:
    return Zone(
        name,
        interfaces,
        tuple(parse(text) for text in own.split()),
        dynamic,
        subnet(*net.split()),
    )


def policy(*parts: Rule | Zone | Network, tests: tuple[str, ...] = ()) -> Policy:
    return Policy(
        "policy",
        tuple(part for part in parts if isinstance(part, Rule)),
        tuple(part for part in parts if isinstance(part, Zone)),
        tuple(part for part in parts if isinstance(part, Network)),
        tests=tuple(Test("test", packet(V4, text), Expectation("unchanged")) for text in tests),
    )


def shown(topology: Topology) -> dict[str, list[str]]:
    """Return the addresses of each interface, a bridge's name in brackets."""
    return {
        f"[{one.name}]" if one.is_bridge else one.name: [str(address) for address in one.addresses]
        for one in topology.interfaces
    }


def routes(topology: Topology) -> list[str]:
    return [str(route) for route in topology.routes]


def test_zones_become_interfaces_with_their_addresses() -> None:
    made = plan(
        policy(
            zone("wan", "eth0", own="120.196.122.145"),
            zone("ppp", "ppp+", own="198.18.2.1", dynamic=True),
            zone("lan", "eth1", own="192.168.3.1", net="192.168.3.0/24"),
            zone("tap", "br1", own="192.168.142.1", net="192.168.142.0/24"),
        )
    )
    assert shown(made) == {
        "eth0": ["120.196.122.145/32"],
        "ppp0": ["198.18.2.1/32"],
        "eth1": ["192.168.3.1/24"],
        "[br1]": ["192.168.142.1/24"],
    }
    assert routes(made) == [
        "192.168.3.0/24 dev eth1",
        "192.168.142.0/24 dev br1",
        "0.0.0.0/0 dev eth0",
    ]


def test_networks_become_bridges_and_get_an_address_where_they_say_none() -> None:
    made = plan(
        policy(
            Network("a", "keenbr0", subnet("192.168.132.0/24"), "nat"),
            Network("b", "br0", subnet("10.16.104.0/24"), "bridge"),
            Network("c", "labbr0", subnet("10.7.0.0/16"), "isolated", (parse("10.7.9.9"),)),
        )
    )
    assert shown(made) == {
        "[keenbr0]": ["192.168.132.1/24"],
        "[br0]": [],
        "[labbr0]": ["10.7.9.9/16"],
        UPLINK: ["198.19.4.1/32"],
    }


def test_the_default_route_leaves_by_what_is_most_plainly_outside() -> None:
    lan = zone("lan", "eth1", own="192.168.3.1", net="192.168.3.0/24")
    bare = zone("side", "eth2", own="192.168.9.1")
    uplink = zone("uplink", "eth3", own="192.168.8.1", net="192.168.8.0/24")
    campus = zone("campus", "eth4", own="203.0.113.1", net="203.0.113.0/24")
    dynamic = zone("b", "ppp+", own="198.18.1.1", dynamic=True)
    orders = [
        ((lan, bare, uplink, campus, dynamic), "ppp0"),
        ((lan, bare, uplink, campus), "eth2"),
        ((lan, uplink, campus), "eth4"),
        ((lan, uplink), "eth3"),
        ((lan,), UPLINK),
    ]
    for zones, expected in orders:
        assert routes(plan(policy(*zones)))[-1] == f"0.0.0.0/0 dev {expected}"


def test_bare_interface_names_in_rules_and_tests_get_stand_ins() -> None:
    anything_else = universe(Field.OUT_INTERFACE, V4) - interface("docker0")
    made = plan(
        policy(
            rule(in_interface=interface("eth0")),
            rule(hook=Hook.POSTROUTING, out_interface=anything_else),
            rule(hook=Hook.POSTROUTING, out_interface=interface("wg+")),
            rule(in_interface=interface("lo")),
            tests=("tcp 10.0.0.1 1 10.0.0.2 2 ens3 virbr0",),
        )
    )
    assert shown(made) == {
        "eth0": ["198.19.1.1/32"],
        "[docker0]": ["172.17.0.1/16"],
        "wg0": ["198.19.3.1/32"],
        "ens3": ["198.19.4.1/32"],
        "[virbr0]": ["192.168.122.1/24"],
    }
    assert routes(made)[-1] == "0.0.0.0/0 dev eth0"


def test_a_pattern_is_the_names_that_tests_give_it() -> None:
    ppp = zone("ppp", "ppp+", own="198.18.1.1", dynamic=True)
    made = plan(policy(ppp, tests=("tcp 10.0.0.1 1 10.0.0.2 2 ppp7",)))
    assert shown(made) == {"ppp7": ["198.18.1.1/32"]}


def test_every_interface_of_a_zone_has_its_addresses() -> None:
    lan = zone("lan", "eth1", "eth2", own="192.168.3.1", net="192.168.3.0/24")
    made = shown(plan(policy(lan)))
    assert (made["eth1"], made["eth2"]) == (["192.168.3.1/24"], ["192.168.3.1/32"])


def test_a_family_in_use_gets_addresses_where_a_zone_states_none() -> None:
    six = Rule("six", V6, Hook.PREROUTING, Region((Box(),)), Accept())
    made = plan(policy(zone("wan", "eth0", own="203.0.113.1"), rule(), six))
    assert shown(made) == {"eth0": ["203.0.113.1/32", "2001:2:0:8001::1/128"]}
    assert routes(made) == ["0.0.0.0/0 dev eth0", "::/0 dev eth0"]
    only_six = plan(policy(zone("wan", "eth0", own="203.0.113.1"), six))
    assert shown(only_six) == {"eth0": ["2001:2:0:8001::1/128"]}


def test_addresses_that_must_be_local_are() -> None:
    made = plan(
        policy(
            zone("wan", "eth0", own="203.0.113.1"),
            rule(destination=point(parse("203.0.113.9")[1]), local_destination=point(1)),
        )
    )
    assert shown(made) == {"eth0": ["203.0.113.1/32", "203.0.113.9/32"]}


def test_transparent_proxies_get_listeners() -> None:
    loopback = parse("127.0.0.1")[1]
    tproxy = rule(Tproxy(loopback, 8443, 1, 3), Hook.DIVERT, protocol=point(6))
    assert plan(policy(tproxy, tproxy)).listeners == (Listener(V4, 6, loopback, 8443, 1, 3),)


def test_loopback_targets_are_told() -> None:
    to_loopback = Dnat(point(parse("127.0.0.5")[1]))
    assert plan(policy(rule(to_loopback))).has_loopback_target
    assert not plan(policy(rule(to_loopback, Hook.OUTPUT))).has_loopback_target
    assert not plan(policy(rule(Dnat(point(1))))).has_loopback_target


def test_prefixes_cover_exactly() -> None:
    for low, high in ((0, 0), (1, 14), (5, 5), (0, V4.last), (7, 64), (V4.last - 2, V4.last)):
        parts = list(prefixes(V4, interval(low, high)))
        assert parts[0][0] == low
        ends = [first + (1 << V4.bits - length) - 1 for first, length in parts]
        assert [first for first, _ in parts[1:]] == [end + 1 for end in ends[:-1]]
        assert ends[-1] == high
        assert all(first % (1 << V4.bits - length) == 0 for first, length in parts)
    assert [text_of(V4, first) for first, _ in prefixes(V4, interval(3, 8))] == [
        "0.0.0.3",
        "0.0.0.4",
        "0.0.0.8",
    ]


def test_the_module_is_deterministic() -> None:
    facts = policy(zone("lan", "eth1", net="10.0.0.0/8"), rule(in_interface=interface("eth9")))
    assert plan(facts) == plan(facts)
