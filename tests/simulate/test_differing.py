"""Differences are shown with packets of hosts that send by the interface of their network."""

from natc.address import Family
from natc.simulate import site_of
from natc.simulate.differing import differing
from tests.simulate.test_promise import policy


def test_a_difference_is_shown_with_a_host_at_home() -> None:
    facts = """
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/29 }
zone vpn { interface wg0; address 10.8.0.1; subnet 10.8.0.0/24 }
"""
    masquerade = "masquerade from lan out { ppp, wan }\n"
    exempt = "exempt from lan to vpn\n"
    late, early = policy(facts + masquerade + exempt), policy(facts + exempt + masquerade)
    found = differing(late, early, Family.IPV4, site_of(late, Family.IPV4))
    assert [str(one.packet) for one in found] == [
        "tcp 192.168.3.2:40000 > 10.8.0.4:80 in eth1 out eth0"
    ]
