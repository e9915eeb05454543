"""`natc watch` beside applies, confirmations, other programs and its own death."""

import json
import os
import random
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from tempfile import TemporaryDirectory

import pytest

from natc.targets.iptables.own import Part, parts
from tests.host.gateway import PASSING, Gateway
from tests.host.network import Network, until
from tests.host.test_failover import AVOIDED, FAILOVER, ZONES

pytestmark = pytest.mark.kernel

KILLS = int(os.environ.get("NATC_WATCH_KILLS", "12"))
"""Watches to kill for each flavour."""

FOREIGN = "iptables -t nat -A PREROUTING -p tcp --dport 99 -j DNAT --to-destination 192.168.3.50"


@pytest.fixture
def network(gateway: Gateway) -> Network:
    """A gateway with both servers up and the policy in place."""
    made = Network(gateway)
    made.serve("a")
    made.serve("b")
    made.on_gateway(f"natc apply {gateway.policy('shop.nat', FAILOVER)}")
    return made


def edit(network: Network, old: str, new: str) -> None:
    path = network.folder / "shop.nat"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def own(network: Network) -> tuple[Mapping[str, Part], Mapping[str, Part]]:
    four, six = network.on_gateway("iptables-save"), network.on_gateway("ip6tables-save")
    return parts(four), parts(six)


def targets(network: Network) -> list[str]:
    """Return where the destination rules of both families send connections."""
    return [rule.split()[-1] for part in own(network) for rule in part["nat"].chains["NATC-PRE"]]


A, B = ["192.168.3.10:8080", "[fd00:3::10]:8080"], ["192.168.3.11:8080", "[fd00:3::11]:8080"]


def lose(network: Network, name: str) -> None:
    network.signal(name, signal.SIGKILL)


def test_an_apply_of_the_same_policy_keeps_the_spare_serving(network: Network) -> None:
    network.watch()
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    assert "is in place already" in network.on_gateway("natc apply $PWD/shop.nat 2>&1")
    assert targets(network) == B


def test_another_apply_is_followed_and_what_is_down_stays_so(network: Network) -> None:
    network.watch()
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    edit(network, "tcp/80 ", "tcp/{80,81} ")
    network.on_gateway("natc apply $PWD/shop.nat")
    network.says("watch", "generation 2")
    network.says("watch", AVOIDED["a"], count=2)
    assert targets(network) == B
    assert all("80,81" in str(part["nat"]) or "80:81" in str(part["nat"]) for part in own(network))


def test_an_edited_file_is_not_applied_by_a_swap(network: Network) -> None:
    network.watch()
    edit(network, "tcp/80 ", "tcp/8888 ")
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    assert targets(network) == B
    assert "8888" not in network.on_gateway("iptables-save; ip6tables-save")


def test_a_hangup_reads_the_policy_again_and_keeps_the_old_one_if_it_is_wrong(
    network: Network,
) -> None:
    network.watch()
    edit(network, "tcp/80 ", "tcp/8888 ")
    network.signal("watch", signal.SIGHUP)
    network.says("watch", "shop.nat is in place")
    assert "--dport 8888" in network.on_gateway("iptables-save")
    before = own(network)
    edit(network, "tcp/8888 ", "tcp/66666 ")
    network.signal("watch", signal.SIGHUP)
    network.says("watch", "NAT206")
    assert own(network) == before
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    assert "Traceback" not in network.output("watch")


def test_systemd_hears_of_start_reload_life_and_end(network: Network) -> None:
    # A short path: a socket's has at most 107 bytes.
    with (
        TemporaryDirectory() as folder,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager,
    ):
        manager.bind(f"{folder}/notify")
        manager.settimeout(20)

        def heard(word: str) -> str:
            while True:
                said = manager.recv(4096).decode()
                if word in said:
                    return said

        network.watch("", f"NOTIFY_SOCKET={folder}/notify WATCHDOG_USEC=200000")
        assert "4 servers, 0 down" in heard("READY=1")
        assert heard("WATCHDOG=1")
        network.signal("watch", signal.SIGHUP)
        assert "MONOTONIC_USEC=" in heard("RELOADING=1")
        assert heard("READY=1")
        before = own(network)
        network.signal("watch", signal.SIGTERM)
        assert heard("STOPPING=1")
        until(lambda: not network.is_running("watch"))
        assert own(network) == before


def test_it_waits_for_an_apply_where_nothing_is_in_place(gateway: Gateway) -> None:
    network = Network(gateway)
    network.serve("b")
    network.background("gateway", "watch", "natc watch")
    network.says("watch", "waiting for `natc apply`")
    network.on_gateway(f"natc apply {gateway.policy('shop.nat', FAILOVER)}")
    network.says("watch", AVOIDED["a"])
    network.on_gateway("natc remove")
    network.says("watch", "generation 2")
    network.signal("watch", signal.SIGTERM)
    until(lambda: not network.is_running("watch"))
    assert "Traceback" not in network.output("watch")


def test_a_policy_is_put_in_place_first(gateway: Gateway) -> None:
    network = Network(gateway)
    network.serve("b")
    network.watch(gateway.policy("shop.nat", FAILOVER))
    network.says("watch", AVOIDED["a"])
    assert targets(network) == B


def numbers(network: Network) -> dict[str, str]:
    path = network.folder / "natc.prom"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_drift_is_told_and_left_alone(network: Network) -> None:
    network.watch("--repair-every 1 --metrics natc.prom")
    until(lambda: numbers(network).get("natc_drift") == "0")
    network.on_gateway("iptables -t nat -F NATC-POST")
    network.says("watch", "others have changed natc's rules: IPv4 nat")
    until(lambda: numbers(network).get("natc_drift") == "1")
    # A swap neither repairs nor hides it.
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    assert targets(network) == B
    assert own(network)[0]["nat"].chains["NATC-POST"] == ()
    until(
        lambda: (
            numbers(network).get('natc_server_up{rule="shop",server="192.168.3.10:8080"}') == "0"
        )
    )
    assert numbers(network)["natc_drift"] == "1"
    assert "is in place already" not in network.on_gateway("natc apply $PWD/shop.nat 2>&1")


@pytest.mark.parametrize(
    "damage",
    [
        "iptables -t nat -F; iptables -t nat -X",
        "ip6tables -t nat -F NATC-PRE",
        "iptables -t nat -D PREROUTING -m comment --comment natc -j NATC-PRE",
        "iptables -t nat -I PREROUTING -p udp -j ACCEPT",
    ],
)
def test_drift_is_repaired_when_asked_to(network: Network, damage: str) -> None:
    network.watch("--repair --repair-every 1")
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    before = own(network)
    network.on_gateway(damage)
    network.on_gateway(FOREIGN)
    network.says("watch", "natc's rules are as they were")
    assert targets(network) == B
    assert [{table: part.chains for table, part in of.items()} for of in own(network)] == [
        {table: part.chains for table, part in of.items()} for of in before
    ]
    assert "--dport 99" in network.on_gateway("iptables-save -t nat")
    assert network.gateway.leftovers() == []
    lines = network.on_gateway("iptables-save -t nat").splitlines()
    assert next(line for line in lines if line.startswith("-A PREROUTING")).endswith("NATC-PRE")


def test_servers_are_followed_while_an_apply_waits_and_after_it_is_taken_back(
    network: Network,
) -> None:
    network.watch()
    edit(network, "tcp/80 ", "tcp/8888 ")
    network.on_gateway("natc apply $PWD/shop.nat --confirm 60")
    network.says("watch", "generation 2")
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    assert targets(network) == B
    network.on_gateway("natc rollback")
    network.says("watch", "generation 1", count=2)
    network.says("watch", AVOIDED["a"], count=2)
    assert targets(network) == B
    assert "8888" not in network.on_gateway("iptables-save; ip6tables-save")
    network.serve("a")
    network.says("watch", "all servers serve")
    assert targets(network) == A


def test_what_comes_back_unconfirmed_is_known_as_it_was_served(network: Network) -> None:
    network.watch()
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    before = own(network)
    network.signal("watch", signal.SIGTERM)
    until(lambda: not network.is_running("watch"))
    edit(network, "tcp/80 ", "tcp/8888 ")
    network.on_gateway("natc apply $PWD/shop.nat --confirm 60")
    assert targets(network) == A
    network.on_gateway("natc rollback")
    assert own(network) == before
    edit(network, "tcp/8888 ", "tcp/80 ")
    assert "is in place already" in network.on_gateway("natc apply $PWD/shop.nat 2>&1")


def test_a_restart_goes_on_where_it_was(network: Network) -> None:
    network.watch()
    lose(network, "a")
    network.says("watch", AVOIDED["a"])
    network.signal("watch", signal.SIGKILL)
    until(lambda: not network.is_running("watch"))
    network.watch("--metrics natc.prom")
    assert "4 servers, 2 down" in network.output("watch")
    until(lambda: numbers(network))
    assert numbers(network)["natc_swaps_total"] == "0"
    assert targets(network) == B


QUICK = f"""{ZONES}
balance tcp/80 to public -> first:8080 backup second:8080 check tcp every 20ms rise 1 fall 1 as shop
"""


def test_killed_at_any_instant_the_rules_are_whole_and_the_next_one_goes_on(
    gateway: Gateway,
) -> None:
    network = Network(gateway)
    network.serve("b")
    network.on_gateway(f"natc apply {gateway.policy('shop.nat', QUICK)}")
    rest = [
        {name: rules for name, rules in part["nat"].chains.items() if name != "NATC-PRE"}
        for part in own(network)
    ]
    seed = random.SystemRandom().randrange(1 << 32)
    drawn = random.Random(seed)
    begun = time.monotonic()
    network.background("gateway", "watch", "natc watch")
    network.says("watch", AVOIDED["a"])
    took = time.monotonic() - begun
    lose(network, "watch")
    is_up = False
    for _ in range(KILLS):
        if is_up := not is_up:
            network.serve("a")
        else:
            lose(network, "a")
        network.background("gateway", "watch", "natc watch")
        time.sleep(drawn.uniform(took * 0.4, took * 1.1))
        lose(network, "watch")
        until(lambda: not network.is_running("watch"))
        now = targets(network)
        assert set(now) <= {*A, *B}, f"seed {seed}"
        assert len(now) == 2, f"seed {seed}"
        assert [
            {name: rules for name, rules in part["nat"].chains.items() if name != "NATC-PRE"}
            for part in own(network)
        ] == rest, f"seed {seed}"
    network.background("gateway", "watch", "natc watch")
    right, count = (A, 0) if is_up else (B, 2)

    def is_settled() -> bool:
        served = network.gateway.run(f"cat {PASSING}/served-1.json").output
        record = json.loads(served) if served.startswith("{") else {"settled": False}
        is_right = record["settled"] and len(record["down"]) == count
        return is_right and targets(network) == right

    until(is_settled, what=lambda: (seed, network.output("watch")))
    network.signal("watch", signal.SIGTERM)
    until(lambda: not network.is_running("watch"))
    assert "is in place already" in network.on_gateway("natc apply $PWD/shop.nat 2>&1"), (
        f"seed {seed}"
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("watch --node x", 2, "--node and --set belong to a POLICY"),
        ("watch -", 2, "POLICY is a file"),
        ("watch none.nat", 3, "cannot read none.nat"),
        ("watch --repair-every 0", 2, "repair-every"),
    ],
)
def test_wrong_words_are_refused(gateway: Gateway, words: str, status: int, said: str) -> None:
    done = gateway.run(f"natc {words}")
    assert done.status == status
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_wrong_policy_is_shown_and_nothing_starts(gateway: Gateway) -> None:
    done = gateway.run(f"natc watch {gateway.policy('bad.nat', 'dnat tcp/0 -> 10.0.0.1')}")
    assert done.status == 1
    assert "NAT206" in done.output
