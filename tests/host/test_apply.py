"""`natc apply`: all of a policy's rules or none of them, and nobody else's."""

import pytest

from natc.address import Family
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway

pytestmark = pytest.mark.kernel


@pytest.fixture
def first(gateway: Gateway) -> str:
    return gateway.policy("first.nat", FIRST)


@pytest.fixture
def second(gateway: Gateway) -> str:
    return gateway.policy("second.nat", SECOND)


def rules(gateway: Gateway) -> set[str]:
    """Return the names of the rules that are in the kernel."""
    return {
        rule.split('"')[1].split(" ")[1].split(".")[0]
        for own in gateway.own().values()
        for part in own.values()
        for chain in part.chains.values()
        for rule in chain
    }


def test_rules_of_both_families_and_all_tables_are_in_place(gateway: Gateway, second: str) -> None:
    gateway.natc(f"apply {second}")
    own = gateway.own()
    assert own[Family.IPV4].keys() == {"nat", "mangle"}
    assert own[Family.IPV6].keys() == {"nat"}
    assert {"sharing", "web", "other", "web6", "web-proxy"} == rules(gateway)
    assert "fwmark 0x1/0x1 lookup 100 proto 78" in gateway.routing()
    assert gateway.leftovers() == []


def test_other_rules_and_their_counters_are_left_alone(
    gateway: Gateway, first: str, second: str
) -> None:
    gateway.must(FOREIGN)
    gateway.must("iptables -t nat -Z; printf '*nat\\n[7:700] -A DOCKER -p udp -j RETURN\\nCOMMIT\\n' |"
                 " iptables-restore --noflush -c")  # fmt: skip
    before = gateway.foreign()
    for policy in (first, second, first):
        gateway.natc(f"apply {policy}")
        assert gateway.foreign() == before
    assert "[7:700] -A DOCKER -p udp -j RETURN" in gateway.must("iptables-save -c -t nat")
    gateway.natc("remove")
    assert gateway.foreign() == before
    assert gateway.own() == {Family.IPV4: {}, Family.IPV6: {}}


@pytest.mark.parametrize("place", ["first", "last"])
def test_the_place_among_other_rules_is_kept_from_apply_to_apply(
    gateway: Gateway, first: str, second: str, place: str
) -> None:
    gateway.must(FOREIGN)
    for policy in (first, second, second):
        gateway.natc(f"apply {policy} --place {place}")
        lines = gateway.must("iptables-save -t nat").splitlines()
        prerouting = [line for line in lines if line.startswith("-A PREROUTING")]
        assert len(prerouting) == 2
        assert ("NATC-PRE" in prerouting[0]) is (place == "first")


def test_a_second_apply_changes_nothing(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    before = gateway.lab.save(Family.IPV4)
    assert "is in place already" in gateway.natc(f"apply {first}")
    assert gateway.lab.save(Family.IPV4).splitlines()[1:-1] == before.splitlines()[1:-1]
    assert gateway.links() == ("1", "1")


@pytest.mark.parametrize(
    "damage",
    [
        "iptables -t nat -F NATC-PRE",
        "iptables -t nat -D PREROUTING -m comment --comment natc -j NATC-PRE",
        "iptables -t nat -A PREROUTING -m comment --comment natc -j NATC-PRE",
        "iptables -t nat -A NATC-POST -j MASQUERADE",
        "iptables -t nat -F; iptables -t nat -X",
        "iptables -t nat -N NATC-PRE-7; iptables -t nat -A NATC-PRE -j NATC-PRE-7",
        "ip6tables -t nat -F NATC-PRE",
        "iptables -t nat -I PREROUTING -p udp -j ACCEPT",
    ],
)
def test_an_apply_repairs_what_others_did_to_the_rules(
    gateway: Gateway, first: str, damage: str
) -> None:
    gateway.natc(f"apply {first}")
    right = gateway.own()
    gateway.must(damage)
    gateway.natc(f"apply {first}")
    assert gateway.own() == right or "-I PREROUTING" in damage
    lines = gateway.must("iptables-save -t nat").splitlines()
    assert next(line for line in lines if line.startswith("-A PREROUTING")).endswith("NATC-PRE")


def test_a_chain_that_rules_of_others_lead_to_stays_and_is_empty(
    gateway: Gateway, first: str
) -> None:
    gateway.natc(f"apply {first}")
    right = gateway.own()
    gateway.must("""
        iptables -t nat -N NATC-PRE-9
        iptables -t nat -A NATC-PRE-9 -p udp -j RETURN
        iptables -t nat -A OUTPUT -d 192.0.2.9 -j NATC-PRE-9
        iptables -t nat -F NATC-PRE
    """)
    gateway.natc(f"apply {first}")
    now = dict(gateway.own()[Family.IPV4]["nat"].chains)
    assert now.pop("NATC-PRE-9") == ()
    assert now == right[Family.IPV4]["nat"].chains
    assert "in place already" in gateway.natc(f"apply {first}")


def test_removal_empties_a_chain_that_rules_of_others_lead_to(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    gateway.must("iptables -t nat -A OUTPUT -d 192.0.2.9 -j NATC-PRE")
    gateway.natc("remove")
    (kept,) = [part.chains for part in gateway.own()[Family.IPV4].values()]
    assert kept == {"NATC-PRE": ()}


def test_lost_policy_routing_is_put_back(gateway: Gateway, second: str) -> None:
    gateway.natc(f"apply {second}")
    right = gateway.routing()
    for loss in ("ip rule del lookup 100", "ip route flush table 100"):
        gateway.must(loss)
        assert "routing" in gateway.natc("status")
        assert gateway.natc(f"apply {second}").endswith("second.nat is in place\n")
        assert gateway.routing() == right


def test_a_policy_by_another_path_is_the_same_policy(gateway: Gateway, first: str) -> None:
    gateway.natc("apply first.nat")
    assert "in place already" in gateway.natc(f"apply {first}")


def test_a_refused_rule_is_named_with_its_policy_line_and_changes_nothing(
    gateway: Gateway, first: str
) -> None:
    gateway.natc(f"apply {first}")
    before = gateway.everything()
    bad = gateway.policy(
        "bad.nat", SECOND + "dnat tcp/82 set nowhere -> 192.168.3.12 as of-no-set\n"
    )
    done = gateway.run(f"natc apply {bad}")
    assert done.status == 3
    assert "bad.nat:9 of-no-set" in done.output
    assert "Traceback" not in done.output
    assert gateway.everything() == before
    assert gateway.links() == ("1", "1")
    assert gateway.leftovers() == []


def test_a_policy_with_errors_touches_nothing(gateway: Gateway) -> None:
    bad = gateway.policy("bad.nat", "snat from nobody -> 203.0.113.1\n")
    done = gateway.run(f"natc apply {bad}")
    assert done.status == 1
    assert "NAT001" in done.output
    assert gateway.run("ls /run/natc").status != 0


def test_rollback_goes_back_one_apply_at_a_time(gateway: Gateway, first: str, second: str) -> None:
    gateway.must(FOREIGN)
    states = [gateway.everything()]
    for policy in (first, second):
        gateway.natc(f"apply {policy}")
        states.append(gateway.everything())
    for expected in reversed(states[:-1]):
        gateway.natc("rollback")
        assert gateway.everything() == expected
    done = gateway.run("natc rollback")
    assert done.status == 3
    assert "natc has put nothing in this kernel" in done.output


def test_what_was_removed_comes_back_with_rollback(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    before = gateway.everything()
    for _ in range(2):  # The second one has nothing to remove, and is not what rollback undoes.
        gateway.natc("remove")
        assert gateway.own() == {Family.IPV4: {}, Family.IPV6: {}}
    gateway.natc("rollback")
    assert gateway.everything() == before
