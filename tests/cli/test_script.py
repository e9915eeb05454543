"""The boot script in real kernels: run it any number of times, after any other policy."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from natc.address import Family
from natc.testlab import Flavour, Lab, Topology
from tests.cli.program import natc

pytestmark = pytest.mark.kernel

ZONES = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet { 192.168.3.0/24, fd00:3::/64 } }
"""
SMALL = f"{ZONES}masquerade from lan out wan as share\n"
LARGE = (
    SMALL
    + "dnat tcp/81 in not { eth1, eth2 } -> 192.168.3.10:8081 as guard\n"
    + "balance tcp/443 on wan -> { 192.168.3.10, 192.168.3.11 } hairpin as shop\n"
)
DUAL = f"{SMALL}masquerade ipv6 from lan out wan as six\n"
PROXY = f"{SMALL}transparent-proxy tcp/80 in lan -> 127.0.0.1:3129 tproxy mark 0x10/0x10\n"
REFUSED = f"{LARGE}dnat tcp/82 set no-such-set-anywhere in eth0 -> 192.168.3.10\n"
FOREIGN = """\
set -eu
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8000 -j DNAT --to-destination 172.17.0.2:80
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t mangle -A FORWARD -p tcp -j ACCEPT
"""
JUMPS = [
    "-A INPUT -m comment --comment natc -j NATC-IN",
    "-A OUTPUT -m comment --comment natc -j NATC-OUT",
    "-A POSTROUTING -m comment --comment natc -j NATC-POST",
    "-A PREROUTING -m comment --comment natc -j NATC-PRE",
]


@cache
def script(policy: str) -> str:
    done = natc("compile", "-", "--stdin-filename", "p.nat", "--script", stdin=policy.encode())
    assert done.stderr.decode() == ""
    assert done.returncode == 0
    return done.stdout.decode()


class Gateway:
    """A lab, and what its kernel holds."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def install(self, policy: str) -> None:
        done = self.lab.run(script(policy))
        assert done.output == ""
        assert done.status == 0

    def lines(self, family: Family = Family.IPV4, *, table: str | None = None) -> list[str]:
        """Return chains and rules in order, without counters and comments of iptables-save."""
        found: list[str] = []
        inside = ""
        for line in self.lab.save(family).splitlines():
            if line.startswith("*"):
                inside = line[1:]
            elif line.startswith((":", "-A")) and table in (None, inside):
                found.append(re.sub(r" \[\d+:\d+\]$", "", line).replace('"natc"', "natc"))
        return found

    def natcs(self, family: Family = Family.IPV4) -> list[str]:
        return [line for line in self.lines(family) if "NATC" in line]

    def jumps(self) -> list[str]:
        return sorted(line for line in self.lines() if re.match(r"-A [A-Z]+ .*-j NATC-", line))

    def run(self, text: str) -> str:
        done = self.lab.run(text)
        assert done.status == 0, done.output
        return done.output


@pytest.fixture(params=list(Flavour), ids=str)
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    with Lab(Topology((Family.IPV4, Family.IPV6)), request.param) as lab:
        yield Gateway(lab)


def test_ten_more_runs_change_nothing(gateway: Gateway) -> None:
    gateway.install(LARGE)
    once = gateway.lines()
    assert gateway.jumps() == JUMPS
    assert sum("-j MASQUERADE" in line for line in once) == 1
    for _ in range(10):
        gateway.install(LARGE)
    assert gateway.lines() == once


def test_the_script_loads_what_the_text_loads(gateway: Gateway) -> None:
    done = natc("compile", "-", "--stdin-filename", "p.nat", stdin=LARGE.encode())
    gateway.lab.load(done.stdout.decode(), Family.IPV4)
    by_text = sorted(gateway.natcs())
    gateway.install(LARGE)
    assert sorted(gateway.natcs()) == by_text
    assert gateway.jumps() == JUMPS


def test_a_smaller_policy_leaves_no_chain_behind(gateway: Gateway) -> None:
    gateway.install(LARGE)
    assert any(re.match(r":NATC-PRE-\d", line) for line in gateway.lines())
    gateway.install(SMALL)
    after = gateway.lines()
    assert not any(re.search(r"NATC-[A-Z]+-\d", line) for line in after)
    assert gateway.jumps() == JUMPS
    gateway.install(LARGE)
    gateway.install(SMALL)
    assert gateway.lines() == after


def test_a_policy_that_loses_ipv6_leaves_none(gateway: Gateway) -> None:
    gateway.install(DUAL)
    assert any("MASQUERADE" in line for line in gateway.natcs(Family.IPV6))
    gateway.install(SMALL)
    assert not any("MASQUERADE" in line for line in gateway.lines(Family.IPV6))
    assert gateway.natcs(Family.IPV6) == []
    assert any("MASQUERADE" in line for line in gateway.natcs())


def test_a_policy_that_loses_its_tproxy_leaves_no_diversion(gateway: Gateway) -> None:
    before = gateway.run("ip rule; ip route show table 100 2>/dev/null || :")
    gateway.install(PROXY)
    gateway.install(PROXY)
    assert sum("-j TPROXY" in line for line in gateway.lines(table="mangle")) == 1
    assert gateway.run("ip rule").count("fwmark 0x10/0x10 lookup 100") == 1
    assert "local default dev lo" in gateway.run("ip route show table 100")
    gateway.install(SMALL)
    assert not any("NATC" in line for line in gateway.lines(table="mangle"))
    assert gateway.run("ip rule; ip route show table 100 2>/dev/null || :") == before


def test_a_new_mark_takes_the_place_of_the_old(gateway: Gateway) -> None:
    gateway.install(PROXY)
    gateway.install(PROXY.replace("0x10/0x10", "0x20/0x20"))
    rules = gateway.run("ip rule")
    assert "fwmark 0x20/0x20 lookup 100" in rules
    assert "0x10/0x10" not in rules


def test_runs_at_once_leave_what_one_leaves(gateway: Gateway, tmp_path: Path) -> None:
    gateway.install(PROXY)
    routing = "ip rule; ip route show table 100"
    once = gateway.lines(), gateway.run(routing)
    (tmp_path / "natc.sh").write_text(script(PROXY), encoding="utf-8")
    runs = f"""
        export NATC_WAIT=60
        for run in 1 2 3 4 5 6; do
            {{ sh {tmp_path}/natc.sh || echo "run $run ended with $?"; }} &
        done
        wait
    """
    for _ in range(3):
        assert gateway.run(runs) == ""
        assert (gateway.lines(), gateway.run(routing)) == once


def test_rules_of_other_programs_stay(gateway: Gateway) -> None:
    gateway.run(FOREIGN)
    before = gateway.lines()
    for policy in (SMALL, LARGE, PROXY, LARGE, SMALL):
        gateway.install(policy)
        others = [line for line in gateway.lines() if "NATC" not in line]
        assert [line for line in others if line.startswith("-A")] == [
            line for line in before if line.startswith("-A")
        ]
        assert ":DOCKER -" in others


def test_natc_comes_before_other_programs(gateway: Gateway) -> None:
    gateway.run(FOREIGN)
    gateway.install(SMALL)
    for chain, jump in (("PREROUTING", "NATC-PRE"), ("POSTROUTING", "NATC-POST")):
        first = next(line for line in gateway.lines(table="nat") if line.startswith(f"-A {chain} "))
        assert first.endswith(f"-j {jump}")


def test_a_jump_that_somebody_flushed_is_put_back(gateway: Gateway) -> None:
    gateway.run(FOREIGN)
    gateway.install(LARGE)
    before = gateway.natcs()
    gateway.run("iptables -t nat -F PREROUTING; iptables -t nat -F OUTPUT")
    gateway.install(LARGE)
    assert gateway.jumps() == JUMPS
    assert gateway.natcs() == before


def test_a_load_that_fails_changes_nothing_and_ends_with_3(gateway: Gateway) -> None:
    for policy in (None, SMALL):
        if policy is not None:
            gateway.install(policy)
        before = [line for line in gateway.lines() if line.startswith("-A") or "NATC" in line]
        done = gateway.lab.run(script(REFUSED))
        assert done.status == 3
        assert done.output.startswith("natc: ")
        assert "no-such-set-anywhere" in done.output
        after = [line for line in gateway.lines() if line.startswith("-A") or "NATC" in line]
        assert after == before
