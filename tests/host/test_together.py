"""Applies beside each other, and again and again."""

import sys
import textwrap

import pytest

from natc.address import Family
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway
from tests.kernel.site import Site

pytestmark = pytest.mark.kernel


def test_a_hundred_applies_leave_the_rules_as_one_did(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    policies = [gateway.policy("first.nat", FIRST), gateway.policy("second.nat", SECOND)]
    seen = []
    for policy in policies:
        gateway.natc(f"apply {policy}")
        seen.append(gateway.everything())
    script = f"""
        import os
        from natc.host.applying import apply
        from natc.host.gateway import gateway
        from natc.host.policy import wanted
        from natc.host.store import Store
        files = None
        for number in range(100):
            apply(wanted({policies!r}[number // 3 % 2]), gateway(), Store())
            now = len(os.listdir("/proc/self/fd"))
            assert files in (None, now), (files, now)
            files = now
        apply(wanted({policies[0]!r}), gateway(), Store())
    """
    (gateway.folder / "hundred.py").write_text(textwrap.dedent(script))
    gateway.must(f"{sys.executable} hundred.py", timeout=120)
    assert gateway.everything() == seen[0]
    assert gateway.leftovers() == []
    generations = gateway.must("ls $NATC_STATE_DIR/generations").split()
    assert len(generations) <= 13


def test_applies_at_the_same_time_end_with_one_of_their_policies(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    seen = []
    for name, text in (("first.nat", FIRST), ("second.nat", SECOND)):
        gateway.natc(f"apply {gateway.policy(name, text)}")
        seen.append(gateway.everything())
    said = gateway.must(
        """
        for round in 1 2 3; do
            for policy in first second first second; do
                natc apply $policy.nat --wait 30 >$policy.$$ 2>&1 || { cat $policy.$$; exit 1; } &
                jobs="$jobs $!"
            done
        done
        for job in $jobs; do wait $job || exit 1; done
        """,
        timeout=120,
    )
    assert "Traceback" not in said
    assert gateway.everything() in seen


def test_rules_that_others_add_meanwhile_are_all_there(gateway: Gateway) -> None:
    """Each of 40 rules of another program is added once, beside applies, and none is lost."""
    gateway.must("iptables -t nat -N OTHER; iptables -t nat -A POSTROUTING -j OTHER")
    first = gateway.policy("first.nat", FIRST)
    second = gateway.policy("second.nat", SECOND)
    gateway.must(
        f"""
        for number in $(seq 40); do
            iptables -w 20 -t nat -A OTHER -s 10.9.0.$number -j RETURN || exit 1
            iptables -w 20 -t nat -I PREROUTING -d 10.9.1.$number -j RETURN || exit 1
        done &
        other=$!
        for round in 1 2 3 4 5 6; do
            natc apply {first} && natc apply {second} || exit 1
        done
        wait $other
        """,
        timeout=120,
    )
    lines = gateway.lab.save(Family.IPV4).splitlines()
    for start in ("-A OTHER -s 10.9.0.", "-A PREROUTING -d 10.9.1."):
        assert sum(line.startswith(start) for line in lines) == 40
    after = gateway.own()
    gateway.must(f"iptables -t nat -D PREROUTING -d 10.9.1.1 -j RETURN; natc apply {second}")
    assert {family: own.keys() for family, own in after.items()} == {
        family: own.keys() for family, own in gateway.own().items()
    }


def test_a_connection_goes_on_through_applies_and_removal(gateway: Gateway) -> None:
    """What was translated when the connection began stays so, whatever is applied since."""
    site = Site(gateway.lab, Family.IPV4, gateway.flavour)
    gateway.natc(f"apply {gateway.policy('first.nat', FIRST)}")
    gateway.policy("second.nat", SECOND)
    for command in ("apply second.nat", "apply first.nat", "rollback", "remove"):
        assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
        assert site.out("udp remote 53 wan 5 eth0") == "remote 53 inside 5 eth1"
        gateway.natc(command)
    assert site.out("udp inside 5 remote 53 eth1") == "wan 5 remote 53 eth0"
    assert site.out("udp inside 6 remote 53 eth1") == "inside 6 remote 53 eth0"
