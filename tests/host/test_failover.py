"""New connections follow the health of servers; those that are open stay where they are."""

import signal
import time

import pytest

from natc.targets.iptables.own import parts
from tests.host.gateway import Gateway
from tests.host.network import PUBLIC, PUBLIC6, SERVERS, Network, failed, until

pytestmark = pytest.mark.kernel

EVERY, RISE, FALL = 0.1, 2, 3
MARGIN = 1.0
"""Seconds for the swap itself, on a machine that does other things as well."""

ZONES = """
address public = { 203.0.113.1, 2001:db8:113::1 }
address first = { 192.168.3.10, fd00:3::10 }
address second = { 192.168.3.11, fd00:3::11 }
zone wan { interface eth0; address public }
zone lan {
    interface eth1
    address { 192.168.3.1, fd00:3::1 }
    subnet { 192.168.3.0/24, fd00:3::/64 }
}
snat from 192.168.3.0/24 out wan -> 203.0.113.1 as share
"""

FAILOVER = f"""{ZONES}
balance tcp/80 to public -> first:8080 backup second:8080 check tcp every 100ms rise 2 fall 3 as shop
"""

AVOIDED = {
    name: f"new connections avoid {four}:8080 of shop, [{six}]:8080 of shop"
    for name, (four, six) in SERVERS.items()
}
"""What is said once a server is avoided in both families."""

POOL = f"""{ZONES}
balance tcp/80 to public -> {{
    first:8080 weight 3, second:8080
}} sticky for 1h check tcp every 100ms rise 2 fall 3 as shop
"""


@pytest.fixture
def network(gateway: Gateway) -> Network:
    return Network(gateway)


def test_connections_go_to_the_spare_while_the_server_is_down_and_back_afterwards(
    network: Network,
) -> None:
    network.serve("a")
    network.serve("b")
    network.on_gateway(f"natc apply {network.gateway.policy('shop.nat', FAILOVER)}")
    network.watch()
    for name, address in (("four", PUBLIC), ("six", PUBLIC6)):
        network.background("wan", name, f"tests.host.network client {name}.log {address} 80")
        until(lambda name=name: (network.folder / f"{name}.log").exists() and network.tries(name))
    time.sleep(0.5)  # Of undisturbed traffic.

    killing = time.monotonic()
    network.signal("a", signal.SIGKILL)
    killed = time.monotonic()
    network.says("watch", AVOIDED["a"])
    network.background("wan", "kept", f"tests.host.network keeper kept.log {PUBLIC} 80")
    time.sleep(FALL * EVERY + MARGIN + 1)

    network.serve("a")
    risen = time.monotonic()
    network.says("watch", "all servers serve")
    time.sleep(RISE * EVERY + MARGIN + 1)
    end = time.monotonic()

    for name in ("four", "six"):
        tries = network.tries(name)
        assert len(tries) > 100
        assert {one.said for one in tries if one.ended < killing} == {"a"}
        late = killed + FALL * EVERY + MARGIN
        assert list(failed(tries, late)) == []
        assert {one.said for one in tries if late <= one.begun and one.ended < risen} == {"b"}
        back = risen + RISE * EVERY + MARGIN
        assert {one.said for one in tries if back <= one.begun} == {"a"}
        down = list(failed(tries, killing))
        if down:  # For the record: pytest -s shows it.
            print(f"{name}: no answer for {down[-1].ended - killing:.3f} s, {len(down)} tries")
    kept = network.tries("kept")
    assert {one.said for one in kept} == {"b"}
    assert kept[-1].ended > end - 0.5
    network.signal("watch", signal.SIGTERM)
    until(lambda: not network.is_running("watch"))


def test_a_server_of_several_is_left_out_and_the_lists_of_the_others_clients_stay(
    network: Network,
) -> None:
    network.serve("a")
    network.serve("b")
    network.on_gateway(f"natc apply {network.gateway.policy('shop.nat', POOL)}")
    network.watch()
    before = network.on_gateway("iptables-save -t nat")
    assert "natc4-shop-2" in before
    ask = f"python3 -c 'from tests.host.network import once; print(once(\"{PUBLIC}\", 80))'"
    on_wan = f"nsenter --net=/run/netns/wan {ask}"
    met = network.gateway.must(on_wan).strip()
    other = "b" if met == "a" else "a"
    # Its own server stays, whatever becomes of the other one.
    network.signal(other, signal.SIGKILL)
    network.says("watch", AVOIDED[other])
    for _ in range(5):
        assert network.gateway.must(on_wan).strip() == met
    network.serve(other)
    network.says("watch", "all servers serve")
    for _ in range(10):
        assert network.gateway.must(on_wan).strip() == met
    after = network.on_gateway("iptables-save -t nat")
    assert parts(after) == parts(before) != {}
    # Now its own server goes.
    network.signal(met, signal.SIGKILL)
    network.says("watch", AVOIDED[met])
    assert network.gateway.must(on_wan).strip() == other


def test_only_the_chains_that_change_lose_their_counters(network: Network) -> None:
    network.serve("b")
    network.on_gateway(f"natc apply {network.gateway.policy('shop.nat', FAILOVER)}")
    network.on_gateway(
        "printf '*nat\\n-R NATC-POST 1 -s 192.168.3.0/24 -o eth0 -c 7 700"
        ' -m comment --comment "shop.nat:11 share" -j SNAT --to-source 203.0.113.1\\nCOMMIT\\n\''
        " | iptables-restore --noflush"
    )
    network.watch()
    network.says("watch", AVOIDED["a"])
    assert "[7:700] -A NATC-POST" in network.on_gateway("iptables-save -c -t nat")
    own = parts(network.on_gateway("iptables-save"))["nat"]
    assert [rule.split()[-1] for rule in own.chains["NATC-PRE"]] == ["192.168.3.11:8080"]
    # What serves now is what was applied: nothing to change, and no drift.
    for command in ("plan shop.nat", "status"):
        network.on_gateway(f"natc {command} --exit-code")
    assert "in place already" in network.on_gateway("natc apply shop.nat")
    six = parts(network.on_gateway("ip6tables-save"))["nat"]
    assert [rule.split()[-1] for rule in six.chains["NATC-PRE"]] == ["[fd00:3::11]:8080"]


def test_all_servers_serve_when_all_are_down_and_that_is_said(network: Network) -> None:
    network.on_gateway(f"natc apply {network.gateway.policy('shop.nat', FAILOVER)}")
    network.watch()
    network.says("watch", "no IPv4 server is up")
    network.says("watch", "no IPv6 server is up")
    own = parts(network.on_gateway("iptables-save"))["nat"]
    assert [rule.split()[-1] for rule in own.chains["NATC-PRE"]] == ["192.168.3.10:8080"]


def test_the_last_server_that_goes_down_is_not_said_to_be_avoided(network: Network) -> None:
    network.serve("b")
    network.on_gateway(f"natc apply {network.gateway.policy('shop.nat', FAILOVER)}")
    network.watch()
    network.says("watch", AVOIDED["a"])
    network.signal("b", signal.SIGKILL)
    network.says("watch", "all servers serve, whether they are up or not")
    said = [
        line for line in network.output("watch").splitlines() if "serve," in line or "avoid" in line
    ]
    assert said[-1] == "natc: all servers serve, whether they are up or not"
