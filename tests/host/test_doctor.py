"""`natc doctor` on a gateway: what is wrong is found, and the help's own command mends it."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from natc.address import Family
from natc.packet import Packet
from natc.testlab import Flavour, Lab
from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway
from tests.kernel.site import packet, topology

pytestmark = pytest.mark.kernel

ZONES = """
zone wan { interface eth0; address 203.0.113.1 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone guest { interface br0; address 192.168.50.1; subnet 192.168.50.0/24 }
"""


@pytest.fixture
def first(gateway: Gateway) -> str:
    return gateway.policy("first.nat", FIRST)


def other(gateway: Gateway) -> str:
    """Return the flavour that is not the gateway's."""
    return "legacy" if gateway.flavour is Flavour.NFT else "nft"


def findings(gateway: Gateway, words: str = "") -> list[dict[str, Any]]:
    """Return what the doctor finds."""
    done = gateway.run(f"natc doctor --format json {words} 2>&1")
    assert done.status in (0, 1), done.output
    found: list[dict[str, Any]] = json.loads(done.output)["diagnostics"]
    return found


def codes(gateway: Gateway, words: str = "") -> list[str]:
    return [finding["code"] for finding in findings(gateway, words)]


def only(gateway: Gateway, code: str, words: str = "") -> dict[str, Any]:
    """Return the one finding of a code."""
    found = [finding for finding in findings(gateway, words) if finding["code"] == code]
    assert len(found) == 1, found
    return found[0]


def mend(gateway: Gateway, finding: dict[str, Any]) -> None:
    """Run the command that the help of a finding names."""
    (command, *_) = re.findall(r"`([^`]+)`", finding["help"])
    # `modprobe` of what this kernel has built in fails, or is not installed.
    gateway.must(command.removeprefix("modprobe nf_nat_ftp; "))


def end(gateway: Gateway, text: str) -> tuple[str, int]:
    """Send a packet and return the verdict, and where it ended."""
    (seen,) = gateway.lab.probe([packet(Family.IPV4, text)])
    return seen.verdict, seen.destination


# Nothing wrong.


def test_a_gateway_after_an_apply_is_sound(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    done = gateway.run("natc doctor")
    assert (done.status, done.output.strip()) == (0, "no findings in this gateway")


def test_without_anything_applied_only_the_machine_is_looked_at(gateway: Gateway) -> None:
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0")
    assert codes(gateway) == []


def test_the_doctor_changes_nothing(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    state = "nft list ruleset; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names"
    before = gateway.must(state)
    gateway.run(f"natc doctor; natc doctor {first}")
    assert gateway.must(state) == before


# Forwarding.

WEB = "tcp 198.51.100.7 40000 203.0.113.1 8080 eth0"


def test_forwarding_that_is_off_is_found_and_mended(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    works = end(gateway, WEB)
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
    assert end(gateway, WEB) != works
    found = findings(gateway)
    assert [finding["code"] for finding in found] == ["NAT501", "NAT501"]
    for finding in found:
        mend(gateway, finding)
    assert codes(gateway) == []
    assert end(gateway, WEB) == works


@pytest.mark.parametrize("name", ["eth0", "eth1"])
def test_an_interface_that_does_not_forward_is_found(
    gateway: Gateway, first: str, name: str
) -> None:
    gateway.must(f"sysctl -q -w net.ipv4.conf.{name}.forwarding=0")
    finding = only(gateway, "NAT501", first)
    mend(gateway, finding)
    assert codes(gateway, first) == []


def test_an_interface_that_the_policy_does_not_name_needs_no_forwarding(
    gateway: Gateway, first: str
) -> None:
    gateway.must("sysctl -q -w net.ipv4.conf.br0.forwarding=0")
    assert codes(gateway, first) == []


def test_apply_refuses_what_would_do_nothing_unless_forced(gateway: Gateway, first: str) -> None:
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0")
    before = gateway.everything()
    done = gateway.run(f"natc apply {first}")
    assert done.status == 1
    assert "error[NAT501]" in done.output
    assert "--force" in done.output
    assert gateway.everything() == before
    gateway.natc(f"apply {first} --force")
    assert gateway.everything() != before


def test_a_policy_that_forwards_nothing_needs_no_forwarding(gateway: Gateway) -> None:
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0")
    policy = gateway.policy("own.nat", ZONES + "snat from 192.168.3.1 out wan -> 203.0.113.1\n")
    assert "NAT501" not in codes(gateway, policy)


# Both flavours of iptables.


def test_rules_in_both_flavours_are_found_and_cleared(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    tool = f"iptables-{other(gateway)}"
    gateway.must(f"""
        {tool} -t nat -N DOCKER
        {tool} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    """)
    finding = only(gateway, "NAT502")
    assert "Docker" in json.dumps(finding)
    done = gateway.run(f"natc apply {first}")
    assert (done.status, "NAT502" in done.output) == (1, True)
    (command,) = re.findall(r"`(iptables[^`]+)`", finding["help"])
    gateway.must(command)
    assert codes(gateway) == []


def test_rules_of_natc_in_the_wrong_flavour_are_found_and_taken_away(
    gateway: Gateway, first: str
) -> None:
    tool = f"iptables-{other(gateway)}"
    gateway.must(f"""
        {tool} -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
        natc compile {first} --family 4 | {tool}-restore --noflush
    """)
    finding = only(gateway, "NAT503", first)
    mend(gateway, finding)
    assert codes(gateway, first) == []
    assert "172.17.0.0/16" in gateway.must(f"{tool}-save")


def test_libiptc_is_refused_where_iptables_is_nf_tables(gateway: Gateway, first: str) -> None:
    if gateway.flavour is Flavour.NFT:
        done = gateway.run(f"natc apply {first} --backend libiptc")
        assert (done.status, "NAT503" in done.output) == (1, True)


# Saved files.

OWN_ETC = """
for folder in /etc /usr/share; do
    mkdir -p /run/over$folder/up /run/over$folder/work
    mount -t overlay overlay $folder \\
        -o lowerdir=$folder,upperdir=/run/over$folder/up,workdir=/run/over$folder/work
done
mkdir -p /etc/iptables /etc/systemd/system/multi-user.target.wants
mkdir -p /usr/share/netfilter-persistent/plugins.d
: >/usr/share/netfilter-persistent/plugins.d/15-ip4tables
: >/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service
"""


def test_a_saved_file_that_would_flush_others_is_found_and_mended(gateway: Gateway) -> None:
    gateway.must(OWN_ETC + FOREIGN)
    gateway.must("printf '*nat\\n-A POSTROUTING -o eth0 -j MASQUERADE\\nCOMMIT\\n'"
                 " >/etc/iptables/rules.v4")  # fmt: skip
    finding = only(gateway, "NAT504")
    assert "Docker" in finding["message"]
    mend(gateway, finding)
    assert codes(gateway) == []


def test_others_rules_in_a_saved_file_are_found_and_taken_out(gateway: Gateway) -> None:
    gateway.must(OWN_ETC + FOREIGN)
    gateway.must("""
        echo IPTABLES_RESTORE_NOFLUSH=yes >/etc/default/netfilter-persistent
        iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
        iptables-save >/etc/iptables/rules.v4
    """)
    finding = only(gateway, "NAT514")
    mend(gateway, finding)
    assert codes(gateway) == []
    left = gateway.must("cat /etc/iptables/rules.v4")
    assert "-A POSTROUTING -o eth0 -j MASQUERADE" in left
    assert "DOCKER" not in left
    gateway.must("iptables-restore --test </etc/iptables/rules.v4")


def test_a_saved_file_that_nothing_loads_does_no_harm(gateway: Gateway) -> None:
    gateway.must(OWN_ETC + FOREIGN)
    gateway.must("""
        iptables-save >/etc/iptables/rules.v4
        rm /etc/systemd/system/multi-user.target.wants/netfilter-persistent.service
    """)
    assert codes(gateway) == []


# Other programs' rules.

MEETS_DOCKER = ZONES + "port-forward tcp/5000 on wan -> 192.168.3.10 as web\n"


@pytest.mark.parametrize(("place", "server"), [("first", "192.168.3.10"), ("last", "172.17.0.2")])
def test_the_packet_of_an_overlap_goes_where_the_finding_says(
    gateway: Gateway, place: str, server: str
) -> None:
    gateway.must(FOREIGN)
    gateway.must("ip route add 172.17.0.0/16 dev br0")
    policy = gateway.policy("web.nat", MEETS_DOCKER)
    gateway.natc(f"apply {policy} --place {place}")
    finding = only(gateway, "NAT505")
    (seen,) = gateway.lab.probe([read(finding["witness"])])
    assert seen.destination == int.from_bytes(map(int, server.split(".")))
    text = gateway.run("natc doctor").output
    assert ("decides" in text.split("port-forward tcp/5000")[1].split("\n")[1]) == (
        place == "first"
    )


def test_an_overlap_is_decided_where_the_jumps_stand_now(gateway: Gateway) -> None:
    """A Docker that starts later puts its jump in front."""
    gateway.must(FOREIGN)
    gateway.must("ip route add 172.17.0.0/16 dev br0")
    gateway.natc(f"apply {gateway.policy('web.nat', MEETS_DOCKER)}")
    gateway.must("iptables -t nat -I PREROUTING -m addrtype --dst-type LOCAL -j DOCKER")
    text = gateway.run("natc doctor --select NAT505").output
    assert "is not asked" in text.split("port-forward tcp/5000")[1].split("\n")[1]


def test_rules_that_meet_nobody_else_s_are_silent(gateway: Gateway, first: str) -> None:
    gateway.must(FOREIGN)
    gateway.natc(f"apply {first}")
    assert codes(gateway) == []


def test_an_overlap_that_is_meant_can_be_allowed(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    allowed = 'allow foreign-overlap on web because "moved from a container"\n'
    assert codes(gateway, gateway.policy("web.nat", MEETS_DOCKER)) == ["NAT505"]
    assert codes(gateway, gateway.policy("web.nat", MEETS_DOCKER + allowed)) == []


def read(text: str) -> Packet:
    """Read a witness."""
    found = re.fullmatch(r"(\w+) ([\d.]+):(\d+) > ([\d.]+):(\d+) in (\w+)(?: out (\w+))?", text)
    assert found, text
    return packet(Family.IPV4, " ".join(word for word in found.groups() if word))


# What the kernel asks of packets.


def test_a_target_on_the_loopback_is_found_and_mended(gateway: Gateway) -> None:
    policy = gateway.policy("lo.nat", ZONES + "port-forward tcp/8443 on wan -> 127.0.0.1:8443\n")
    done = gateway.run(f"natc apply {policy}")
    assert (done.status, "NAT506" in done.output) == (1, True)
    gateway.natc(f"apply {policy} --force")
    probe = "tcp 198.51.100.7 40000 203.0.113.1 8443 eth0"
    dropped = end(gateway, probe)
    mend(gateway, only(gateway, "NAT506"))
    assert codes(gateway) == []
    assert end(gateway, probe) != dropped
    gateway.natc(f"apply {policy}")


def test_a_strict_filter_on_the_second_line_is_found_and_mended(gateway: Gateway) -> None:
    policy = gateway.policy("two.nat", """
        zone wan { interface eth0; address 203.0.113.1 }
        zone second { interface br0; address 192.168.50.1 }
        zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
        port-forward tcp/443 on second -> 192.168.3.10 as web
        masquerade from lan out wan
    """)  # fmt: skip
    gateway.natc(f"apply {policy}")
    assert codes(gateway) == []
    gateway.must("""
        sysctl -q -w net.ipv4.conf.br0.rp_filter=1
        ip rule add fwmark 0x2/0x2 lookup 200
        ip route add default dev br0 table 200
    """)
    finding = only(gateway, "NAT507")
    (dropped,) = gateway.lab.probe([read(finding["witness"])])
    mend(gateway, finding)
    assert codes(gateway) == []
    (arrived,) = gateway.lab.probe([read(finding["witness"])])
    assert (dropped.verdict, arrived.verdict) == ("dropped", "forwarded")


def test_a_forwarded_protocol_without_its_helper_is_found_and_mended(gateway: Gateway) -> None:
    policy = gateway.policy("ftp.nat", ZONES + "port-forward tcp/21 on wan -> 192.168.3.10 as f\n")
    gateway.natc(f"apply {policy}")
    mend(gateway, only(gateway, "NAT509"))
    assert codes(gateway) == []


def test_a_pool_that_the_table_of_connections_cannot_serve_is_found(gateway: Gateway) -> None:
    pool = ZONES + "snat from lan out wan -> 203.0.112.FIRST-203.0.112.255 persistent\n"
    found = codes(gateway, gateway.policy("large.nat", pool.replace("FIRST", "0")))
    assert found == ["NAT510"]
    assert codes(gateway, gateway.policy("small.nat", pool.replace("FIRST", "254"))) == []


# What was applied.


@pytest.mark.parametrize(
    "damage",
    [
        "iptables -t nat -F NATC-PRE",
        "iptables -t nat -D PREROUTING -m comment --comment natc -j NATC-PRE",
        "iptables -t nat -F; iptables -t nat -X",
        "iptables -t nat -I PREROUTING -p tcp -m tcp --dport 8080 -j ACCEPT",
        "iptables -t nat -R NATC-PRE 1 -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.3.66",
        "iptables -t raw -F; iptables -t nat -I NATC-POST -s 192.168.3.0/24 -j RETURN",
    ],
)
def test_drift_is_found_and_an_apply_mends_it(gateway: Gateway, first: str, damage: str) -> None:
    gateway.natc(f"apply {first}")
    gateway.must(damage)
    finding = only(gateway, "NAT511")
    assert finding["witness"]
    mend(gateway, finding)
    assert "NAT511" not in codes(gateway)


@pytest.mark.parametrize(
    "change",
    [
        "iptables -t nat -A NATC-PRE -d 203.0.113.1 -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.3.99",
        "iptables -t nat -A POSTROUTING -s 172.30.0.0/16 -j MASQUERADE",
        "iptables -t nat -I PREROUTING -m comment --comment natc -j NATC-PRE",
        "iptables -A FORWARD -p tcp -m tcp --dport 25 -j DROP",
    ],
)
def test_what_changes_no_packet_of_natc_s_is_no_drift(
    gateway: Gateway, first: str, change: str
) -> None:
    gateway.natc(f"apply {first}")
    gateway.must(change)
    assert "NAT511" not in codes(gateway)


def test_an_interface_that_is_missing_is_found_until_it_comes(gateway: Gateway) -> None:
    policy = gateway.policy("line.nat", ZONES + "masquerade from lan out eth7\n")
    finding = only(gateway, "NAT512", policy)
    assert finding["severity"] == "note"
    gateway.must("ip link add eth7 type veth peer name peer7")
    assert codes(gateway, policy) == []


def test_a_proxy_that_no_route_leads_to_is_found_and_mended(gateway: Gateway) -> None:
    gateway.natc(f"apply {gateway.policy('second.nat', SECOND)}")
    assert codes(gateway) == []
    gateway.must("ip rule del fwmark 0x1/0x1 lookup 100; ip route flush table 100")
    mend(gateway, only(gateway, "NAT513"))
    assert codes(gateway) == []


def test_a_local_route_in_another_place_is_seen(gateway: Gateway) -> None:
    gateway.natc(f"apply {gateway.policy('second.nat', SECOND)}")
    gateway.must("ip route flush table 100")
    assert codes(gateway) == ["NAT513"]
    gateway.must("""
        ip rule add fwmark 0x1 lookup 77 pref 50
        ip route add local default dev lo table 77
    """)
    assert codes(gateway) == []
    gateway.must("ip rule add lookup main pref 40")
    assert codes(gateway) == ["NAT513"]


# Bridges.


@pytest.fixture
def bridge(flavour: Flavour, tmp_path: Path) -> Iterator[Gateway]:
    """Return a gateway whose guests are behind a bridge."""
    with Lab(topology(has_bridge=True), flavour) as lab:
        yield Gateway(lab, flavour, tmp_path)


@pytest.mark.parametrize(
    "on", ["sysctl -q -w net.bridge.bridge-nf-call-iptables=1",
           "ip link set br0 type bridge nf_call_iptables 1"]
)  # fmt: skip
def test_bridged_frames_that_meet_a_rule_are_found_and_mended(bridge: Gateway, on: str) -> None:
    unscoped = bridge.policy("all.nat", ZONES + "masquerade from guest as share\n")
    scoped = bridge.policy("wan.nat", ZONES + "masquerade from guest out wan as share\n")
    assert codes(bridge, unscoped) == []
    bridge.must(on)
    assert codes(bridge, scoped) == []
    finding = only(bridge, "NAT413", unscoped)
    mend(bridge, finding)
    assert codes(bridge, unscoped) == []


# The command.


def test_select_and_ignore_choose_what_is_looked_for(gateway: Gateway, first: str) -> None:
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=1")
    assert codes(gateway, f"{first} --select NAT506,drift") == []
    assert codes(gateway, f"{first} --ignore forwarding-off") == []
    assert codes(gateway, f"{first} --select NAT5") == ["NAT501"]
    assert gateway.run(f"natc doctor {first} --fail-on never").status == 0
    done = gateway.run("natc doctor --select NAT405")
    assert (done.status, "`natc lint` looks for `NAT405`" in done.output) == (2, True)


def test_who_may_not_look_at_the_rules_is_told_what_is_not_decided(gateway: Gateway) -> None:
    gateway.must("sysctl -q -w net.ipv4.conf.eth0.forwarding=0")
    text = (
        ZONES + "port-forward tcp/21 on wan -> 192.168.3.10 as files\nmasquerade from lan out wan\n"
    )
    gateway.policy("nobody.nat", text)
    gateway.must("iptables -t nat -N OTHER")  # Who finds no table needs no power to say so.
    powerless = "setpriv --bounding-set=-all --inh-caps=-all"
    done = gateway.run(f"{powerless} {sys.executable} -m natc doctor nobody.nat")
    assert done.status == 1, done.output
    assert "NAT501" in done.output
    assert "NAT509" not in done.output
    assert "not decided: what the IPv4 rules do" in done.output


def test_a_policy_that_has_gone_is_said_and_the_machine_looked_at(
    gateway: Gateway, first: str
) -> None:
    gateway.natc(f"apply {first}")
    gateway.must("rm first.nat; iptables -t nat -F NATC-PRE")
    done = gateway.run("natc doctor")
    assert done.status == 1
    assert "cannot read" in done.output
    assert "NAT511" in done.output


def test_a_policy_that_is_wrong_or_missing_is_said_as_everywhere(gateway: Gateway) -> None:
    done = gateway.run(
        f"natc doctor {gateway.policy('bad.nat', 'snat from nobody -> 203.0.113.1')}"
    )
    assert (done.status, "NAT001" in done.output) == (1, True)
    done = gateway.run("natc doctor missing.nat")
    assert (done.status, "cannot read missing.nat" in done.output) == (3, True)


def test_every_format_is_complete(gateway: Gateway, first: str) -> None:
    gateway.must("sysctl -q -w net.ipv4.ip_forward=0")
    for form in ("text", "concise", "sarif", "github"):
        assert "NAT501" in gateway.run(f"natc doctor {first} --format {form}").output
