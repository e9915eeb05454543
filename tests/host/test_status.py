"""`natc status`: what natc has put into the kernel, and what has become of it."""

import hashlib
import json
import sys
import time
from typing import Any

import pytest

from natc.address import Family
from natc.testlab import frames
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway
from tests.kernel.site import packet

pytestmark = pytest.mark.kernel


@pytest.fixture
def applied(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    gateway.policy("first.nat", FIRST)
    gateway.policy("second.nat", SECOND)
    gateway.natc("apply first.nat")


def status(gateway: Gateway) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(gateway.natc("status --format json"))
    return made


def test_where_nothing_was_applied_that_is_said(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    said = gateway.natc("status --exit-code")
    assert "natc has put nothing in this kernel since the last boot" in said
    assert "the next one restores nothing" in said
    assert status(gateway)["current"] is None


@pytest.mark.usefixtures("applied")
def test_after_a_boot_what_will_be_restored_is_still_told(gateway: Gateway) -> None:
    gateway.must("rm -r /run/natc")
    said = gateway.natc("status")
    assert "natc has put nothing in this kernel since the last boot" in said
    assert "restores number 1: " in said
    assert "first.nat" in said


@pytest.mark.usefixtures("applied")
def test_what_is_applied_is_told(gateway: Gateway) -> None:
    found = status(gateway)
    path = gateway.folder / "first.nat"
    assert found["current"]["policy"] == str(path)
    assert len(found["current"]["sha256"]) == len(hashlib.sha256().hexdigest())
    assert found["current"]["number"] == 1
    assert abs(found["since"] - time.time()) < 60
    assert found["flavour"] == str(gateway.flavour)
    assert found["restored_at_boot"]
    assert found["confirm_within"] is None
    assert found["drift"] == {"drifted": False, "reason": None, "packets": []}
    said = gateway.natc("status --exit-code")
    assert f"{path} ({found['current']['sha256'][:12]})" in said
    assert "restores the same" in said


@pytest.mark.usefixtures("applied")
def test_what_became_of_the_file_is_told(gateway: Gateway) -> None:
    assert status(gateway)["file"] == "same"
    gateway.policy("first.nat", f"{FIRST}# more\n")
    assert status(gateway)["file"] == "changed"
    gateway.policy("first.nat", f"{FIRST}more\n")
    assert status(gateway)["file"] == "wrong"
    gateway.must("rm first.nat")
    assert status(gateway)["file"] == "missing"
    gateway.policy("first.nat", FIRST)
    assert status(gateway)["file"] == "same"


@pytest.mark.usefixtures("applied")
def test_an_included_file_counts_as_well(gateway: Gateway) -> None:
    gateway.policy("part.nat", "dnat tcp/81 to 203.0.113.1 -> 192.168.3.10\n")
    gateway.policy("whole.nat", f'include "part.nat"\n{FIRST}')
    gateway.natc("apply whole.nat")
    assert status(gateway)["file"] == "same"
    gateway.policy("part.nat", "dnat tcp/82 to 203.0.113.1 -> 192.168.3.10\n")
    assert status(gateway)["file"] == "changed"


@pytest.mark.usefixtures("applied")
def test_what_waits_to_be_confirmed_is_told(gateway: Gateway) -> None:
    gateway.natc("apply second.nat --confirm 60")
    found = status(gateway)
    assert 0 < found["confirm_within"] <= 60
    assert found["current"]["number"] == 2
    assert found["boot"]["number"] == 1
    assert not found["restored_at_boot"]
    assert "waits for `natc confirm`" in gateway.natc("status")
    gateway.natc("confirm")
    assert status(gateway)["confirm_within"] is None
    assert status(gateway)["restored_at_boot"]


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("damage", "packets"),
    [
        ("iptables -t nat -F NATC-PRE", {4: "tcp/8080"}),
        ("iptables -t nat -D PREROUTING -m comment --comment natc -j NATC-PRE", {4: "tcp/8080"}),
        ("iptables -t nat -A NATC-POST -o eth1 -j MASQUERADE", {4: "out eth1"}),
        ("ip6tables -t nat -F NATC-PRE", {6: "tcp/8080"}),
        ("iptables -t nat -I PREROUTING -p tcp --dport 8080 -j ACCEPT", {4: "tcp/8080"}),
        ("iptables -t nat -A PREROUTING -m comment --comment natc -j NATC-PRE", {}),
        ("iptables -t nat -A DOCKER -p udp --dport 9 -j NATC-PRE; iptables -t nat -F NATC-PRE", {4: "tcp/8080"}),
        ("iptables -t nat -F; iptables -t nat -X; ip6tables -t nat -F; ip6tables -t nat -X",
         {4: "tcp/8080", 6: "tcp/8080"}),
    ],
)  # fmt: skip
def test_drift_is_told_by_the_packets_that_it_concerns(
    gateway: Gateway, damage: str, packets: dict[int, str]
) -> None:
    assert gateway.run("natc status --exit-code").status == 0
    gateway.must(damage)
    assert gateway.run("natc status --exit-code").status == 1
    drift = status(gateway)["drift"]
    assert drift["drifted"]
    assert {row["family"] for row in drift["packets"]} == set(packets)
    for family, words in packets.items():
        assert any(words in row["packets"] for row in drift["packets"] if row["family"] == family)
    gateway.natc("apply first.nat")
    assert status(gateway)["drift"]["drifted"] is False


@pytest.mark.usefixtures("applied")
def test_rules_of_others_are_no_drift(gateway: Gateway) -> None:
    gateway.must(
        "iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE; iptables -P FORWARD DROP"
    )
    assert gateway.run("natc status --exit-code").status == 0


@pytest.mark.usefixtures("applied")
def test_connections_are_counted_for_each_line_of_the_policy(gateway: Gateway) -> None:
    out = [
        packet(Family.IPV4, f"udp 192.168.3.77 {port} 198.51.100.7 53 eth1") for port in range(5, 8)
    ]
    into = [
        packet(Family.IPV4, f"tcp 198.51.100.7 {port} 203.0.113.1 8080 eth0") for port in (5, 6)
    ]
    for _ in range(2):  # Later packets of a connection are not counted.
        gateway.lab.exchange([("eth1", frames.datagram(each)) for each in out])
        gateway.lab.exchange([("eth0", frames.datagram(each)) for each in into])
    counters = {one["line"]: one for one in status(gateway)["counters"]}
    assert counters["first.nat:4 sharing"]["count"] == 3
    assert counters["first.nat:5 web"]["count"] == 2
    assert counters["first.nat:6 web6"]["count"] == 0
    assert {one["unit"] for one in counters.values()} == {"connections"}
    sizes = sum(len(frames.datagram(each)) for each in out)
    assert counters["first.nat:4 sharing"]["bytes"] == sizes
    assert list(counters) == ["first.nat:4 sharing", "first.nat:5 web", "first.nat:6 web6"]


@pytest.mark.usefixtures("applied")
def test_rules_that_see_every_packet_count_packets(gateway: Gateway) -> None:
    gateway.natc("apply second.nat")
    sent = packet(Family.IPV4, "tcp 192.168.3.77 5 198.51.100.7 80 eth1")
    gateway.lab.exchange([("eth1", frames.datagram(sent))] * 3)
    (proxy,) = (
        one for one in status(gateway)["counters"] if one["line"] == "second.nat:8 web-proxy"
    )
    assert proxy["unit"] == "packets"
    assert proxy["count"] == 3


@pytest.mark.usefixtures("applied")
def test_after_a_removal_there_is_nothing_and_no_drift(gateway: Gateway) -> None:
    gateway.natc("remove")
    assert "natc's rules were removed" in gateway.natc("status --exit-code")
    assert status(gateway)["counters"] == []


@pytest.mark.usefixtures("applied")
def test_a_damaged_memory_is_told_and_is_no_traceback(gateway: Gateway) -> None:
    gateway.must("echo '{' > /run/natc/current/meta.json")
    done = gateway.run("natc status")
    assert done.status == 3
    assert "it is damaged" in done.output
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("applied")
def test_without_root_what_is_not_known_is_told(gateway: Gateway) -> None:
    gateway.must("chmod -R a+rX /run")
    line = f"setpriv --reuid 65534 --clear-groups {sys.executable} -m natc status"
    done = gateway.run(line)
    assert done.status == 0
    assert "first.nat" in done.output
    assert "run natc as root" in done.output
    assert gateway.run(f"{line} --exit-code").status == 3
