"""What might surprise whoever runs natc on a gateway, each by the sequence of events that did."""

import shlex
import sys
import textwrap
import time

import pytest

from natc.testlab import Flavour
from tests.host.gateway import FIRST, FOREIGN, LASTING, PASSING, SECOND, Gateway

pytestmark = pytest.mark.kernel

SETTLED = f"for try in $(seq 100); do ls -d {PASSING}/way-back-* || break; sleep 0.1; done 2>&1"
"""Waits until no way back is left."""

BALANCED = """
zone wan { interface eth0; address 203.0.113.1 }
balance tcp/443 on wan -> { 192.168.3.21:8443, 192.168.3.22:8443 } check tcp every EVERY as shop
"""


@pytest.fixture
def first(gateway: Gateway) -> str:
    return gateway.policy("first.nat", FIRST)


@pytest.fixture
def second(gateway: Gateway) -> str:
    return gateway.policy("second.nat", SECOND)


def stand_in(gateway: Gateway, name: str, script: str) -> str:
    """Put a script in the way of a program, which is `$real` there; return what has it found."""
    folder = gateway.folder / "bin"
    folder.mkdir(exist_ok=True)
    verb = name.rpartition("-")[2]
    exact = f"{name.partition('-')[0]}-{gateway.flavour}-{verb}" if "tables" in name else name
    real = gateway.must(f"PATH=$PATH:/usr/sbin:/sbin; command -v {exact}").strip()
    (folder / name).write_text(f"#!/bin/sh\nreal={shlex.quote(real)}\n{textwrap.dedent(script)}")
    (folder / name).chmod(0o755)
    return f"export PATH={folder}:$PATH"


def python(gateway: Gateway, script: str) -> str:
    """Run a Python program on the gateway; return what it says."""
    (gateway.folder / "program.py").write_text(textwrap.dedent(script))
    return gateway.must(f"{sys.executable} program.py")


def built_in(gateway: Gateway, chain: str) -> list[str]:
    """Return the rules of a built-in chain of the IPv4 table `nat`, in order."""
    lines = gateway.must("iptables-save -t nat").splitlines()
    return [line for line in lines if line.startswith(f"-A {chain} ")]


def is_own(rule: str) -> bool:
    return " -j NATC-" in rule


# Where jumps come back to.


@pytest.mark.parametrize("place", ["first", "last"])
def test_undone_jumps_stand_where_they_stood(
    gateway: Gateway, first: str, second: str, place: str
) -> None:
    gateway.must(FOREIGN)
    gateway.natc(f"apply {first} --place {place}")
    before = [built_in(gateway, chain) for chain in ("PREROUTING", "POSTROUTING")]
    gateway.natc(f"apply {second} --place {place} --confirm 60")
    gateway.natc("rollback")
    assert [built_in(gateway, chain) for chain in ("PREROUTING", "POSTROUTING")] == before


def test_undone_jumps_stand_first_in_one_chain_and_last_in_another(
    gateway: Gateway, first: str, second: str
) -> None:
    """As Docker has it that starts after natc."""
    gateway.natc(f"apply {first}")
    gateway.must("iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j RETURN")
    gateway.must("iptables -t nat -I POSTROUTING -s 172.17.0.0/16 -j MASQUERADE")
    before = [built_in(gateway, chain) for chain in ("PREROUTING", "POSTROUTING")]
    gateway.natc(f"apply {second} --confirm 60")
    gateway.natc("rollback")
    assert [built_in(gateway, chain) for chain in ("PREROUTING", "POSTROUTING")] == before


def test_undone_jumps_do_not_fall_behind_rules_that_they_stood_before(
    gateway: Gateway, first: str, second: str
) -> None:
    gateway.must("iptables -t nat -A POSTROUTING -o eth9 -j MASQUERADE")
    gateway.natc(f"apply {first}")
    gateway.must("iptables -t nat -I POSTROUTING -s 172.17.0.0/16 -j MASQUERADE")
    gateway.natc(f"apply {second} --confirm 60")
    gateway.natc("rollback")
    rules = built_in(gateway, "POSTROUTING")
    assert [is_own(rule) for rule in rules].index(True) < len(rules) - 1


# What an apply does not do, or does not see.


def test_a_policy_that_makes_the_same_rules_is_in_place_as_well(gateway: Gateway) -> None:
    path = gateway.policy("shop.nat", BALANCED.replace("EVERY", "2s"))
    gateway.natc(f"apply {path}")
    before = gateway.own()
    gateway.policy("shop.nat", BALANCED.replace("EVERY", "9s"))
    gateway.natc(f"apply {path}")
    assert "the file is as it was applied" in gateway.natc("status")
    assert "every 9s" in gateway.must(f"cat {PASSING}/current/policy.json")
    assert gateway.own() == before
    assert "is in place already" in gateway.natc(f"apply {path}")


def test_a_table_that_vanishes_after_natc_has_looked_at_it_is_noticed(
    gateway: Gateway,
) -> None:
    other = "snat from fd00::/8 out wan -> 2001:db8:113::1 as web6"  # In the kernel's own words.
    text = "\n".join(other if "web6" in line else line for line in FIRST.splitlines())
    path = gateway.policy("first.nat", text)
    gateway.natc(f"apply {path}")
    # Nothing changes for IPv6.
    third = gateway.policy("first.nat", text.replace("tcp/8080 on wan", "tcp/8085 on wan"))
    said = python(
        gateway,
        f"""
        import subprocess
        from natc import host
        from natc.host.handover import Handover
        real = Handover.rehearsed
        def rehearsed(handover):
            subprocess.run(["ip6tables", "-t", "nat", "-F"], check=True)
            return real(handover)
        Handover.rehearsed = rehearsed
        try:
            host.apply({third!r})
        except host.HostError as error:
            print(error)
        """,
    )
    assert "the IPv6 rules are not those that were put in place" in said


def test_another_namespace_with_the_same_folders_is_not_taken_for_this_one(
    gateway: Gateway, first: str
) -> None:
    if gateway.flavour is Flavour.LEGACY:
        pytest.skip("only nf_tables counts its changes")
    there = "ip netns exec there"
    count = f"{sys.executable} -c 'from natc.host.changes import changes; print(changes())'"
    rules = gateway.must(f"""
        mkdir -p /run/netns; ip netns add there
        natc apply {first}
        here=$({count})
        while [ "$({there} {count})" != "$here" ]; do
            {there} iptables -t nat -A OUTPUT -j RETURN
        done
        {there} {sys.executable} -m natc apply {first} --force >/dev/null 2>&1
        {there} iptables-save -t nat
    """)
    assert "-j NATC-PRE" in rules


def test_jumps_are_not_doubled_when_memory_is_missing(
    gateway: Gateway, first: str, second: str
) -> None:
    gateway.natc(f"apply {first}")
    gateway.must(f"rm {LASTING}/generations/1/given.v4")
    gateway.natc(f"apply {second}")
    assert len(built_in(gateway, "PREROUTING")) == 1


def test_policy_routing_by_a_table_that_has_a_name(
    gateway: Gateway, first: str, second: str
) -> None:
    gateway.must("""
        mkdir /run/names
        cp -a /etc/iproute2/. /run/names
        echo '100 proxies' >>/run/names/rt_tables
        mount --bind /run/names /etc/iproute2
    """)
    for policy in (second, first, second):
        gateway.natc(f"apply {policy}")
        is_there = gateway.must("ip rule").count("lookup proxies")
        assert is_there == (policy == second)
    assert "is in place already" in gateway.natc(f"apply {second}")
    assert "drift     none" in gateway.natc("status")
    gateway.natc("remove")
    assert "lookup proxies" not in gateway.must("ip rule")


# What dies, or fails, on the way.


def test_a_rollback_that_fails_leaves_no_family_changed(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first}")
    gateway.natc("remove")
    before = gateway.own()
    path = stand_in(gateway, "ip6tables-restore", '[ "$1" = --version ] && exec $real "$@"; exit 1')
    done = gateway.run(f"{path}; natc rollback")
    assert done.status == 3, done.output
    assert gateway.own() == before


def test_ip_is_waited_for_when_natc_is_killed(gateway: Gateway, first: str, second: str) -> None:
    gateway.natc(f"apply {first}")
    before = gateway.everything()
    script = 'case "$*" in "-4 rule add "*) : >/run/adding; sleep 1 ;; esac\nexec $real "$@"'
    gateway.must(f"""
        {stand_in(gateway, "ip", script)}
        {sys.executable} -m natc apply {second} >/dev/null 2>&1 & natc=$!
        until [ -e /run/adding ]; do sleep 0.02; done
        kill -KILL $natc; sleep 1.5; {SETTLED}
    """)
    assert gateway.everything() == before


def test_an_undo_is_waited_for_when_natc_is_killed(
    gateway: Gateway, first: str, second: str
) -> None:
    """Or else what is confirmed meanwhile is undone nevertheless."""
    gateway.natc(f"apply {first}")
    before = gateway.everything(), gateway.links()
    script = """
        [ "$1" = --version ] || ! rm /run/slow 2>/dev/null || { : >/run/undoing; sleep 1; }
        exec $real "$@"
    """
    done = gateway.run(f"""
        {stand_in(gateway, f"iptables-{gateway.flavour}-restore", script)}
        natc apply {second} --confirm 60
        : >/run/slow
        {sys.executable} -m natc rollback >/dev/null 2>&1 & natc=$!
        until [ -e /run/undoing ]; do sleep 0.02; done
        kill -KILL $natc
        natc confirm
    """)
    assert "nothing waits to be confirmed" in done.output
    assert (gateway.everything(), gateway.links()) == before


def test_ctrl_c_after_the_commit_undoes_nothing(gateway: Gateway, first: str) -> None:
    said = python(
        gateway,
        f"""
        from natc import host
        from natc.host import way_back
        real = way_back.shutil.rmtree
        def rmtree(path, *arguments, **options):
            if ".gone-" in str(path):
                raise KeyboardInterrupt
            return real(path, *arguments, **options)
        way_back.shutil.rmtree = rmtree
        try:
            host.apply({first!r})
        except BaseException as error:
            print(repr(error))
        """,
    )
    assert said == "KeyboardInterrupt()\n"
    assert gateway.links() == ("1", "1")


def test_a_disk_that_is_full_by_then_hinders_no_way_back(
    gateway: Gateway, first: str, second: str
) -> None:
    gateway.natc(f"apply {first}")
    before = gateway.everything(), gateway.links()
    gateway.must(f"""
        mkdir /run/copy; cp -a {PASSING}/. /run/copy
        mount -t tmpfs -o nr_inodes=60 full {PASSING}; cp -a /run/copy/. {PASSING}
        natc apply {second} --confirm 1
        number=0
        while true >{PASSING}/fill$number; do number=$((number + 1)); done 2>/dev/null
        sleep 1; {SETTLED}
    """)
    assert (gateway.everything(), gateway.links()) == before


def test_a_guard_undoes_in_the_flavour_of_the_apply(
    gateway: Gateway, first: str, second: str
) -> None:
    """Whatever the plain names of the programs mean by then."""
    gateway.natc(f"apply {first}")
    before = gateway.everything()
    other = next(flavour for flavour in Flavour if flavour is not gateway.flavour)
    gateway.must(f"""
        mkdir /run/others
        for plain in iptables ip6tables; do for verb in '' -save -restore; do
            ln -s $(PATH=$PATH:/usr/sbin command -v $plain-{other}$verb) /run/others/$plain$verb
        done; done
        natc apply {second} --confirm 1
        mount --bind /run/others /run/natc-lab/bin
        sleep 1; {SETTLED}
        umount /run/natc-lab/bin
    """)
    assert gateway.everything() == before
    assert "NATC" not in gateway.must(f"PATH=$PATH:/usr/sbin; iptables-{other}-save")


def test_what_is_no_longer_kept_is_named(gateway: Gateway, first: str, second: str) -> None:
    gateway.natc(f"apply {first}")
    gateway.natc(f"apply {second}")
    gateway.must(f"rm -r {LASTING}/generations/1")
    done = gateway.run("natc rollback")
    assert done.status == 3
    assert "what was there before number 2 is no longer kept" in done.output


# Who may write what root runs, and what names may say there.


def test_nobody_else_may_write_what_root_runs(gateway: Gateway, first: str, second: str) -> None:
    gateway.must(f"umask 0; natc apply {first}; natc apply {second} --confirm 60")
    for folder in (LASTING, PASSING):  # Nobody else gets into a way back.
        found = f"find {folder} -name 'way-back-*' -perm 700 -prune -o -perm /022 ! -type l -print"
        assert gateway.must(found) == ""
    gateway.natc("rollback")


def test_names_with_line_ends_say_nothing_to_the_shell(gateway: Gateway) -> None:
    folder = gateway.folder / "a\nnet.ipv4.ip_forward = 0\n"
    folder.mkdir()
    path = folder / "first\ntouch $PWNED\n.nat"
    path.write_text(FIRST)
    gateway.natc(f"apply {shlex.quote(str(path))}")
    gateway.must(f"PWNED=/run/pwned sh {PASSING}/current/install.sh; [ ! -e /run/pwned ]")
    assert "\nnet.ipv4.ip_forward" not in gateway.natc("install-boot --dry-run")


def test_the_settings_of_an_image_are_known_where_nothing_can_be_tried(
    gateway: Gateway, first: str
) -> None:
    gateway.natc(f"apply {first}")
    said = gateway.must(f"""
        mkdir -p /run/image{LASTING} /run/empty; cp -a {LASTING}/. /run/image{LASTING}
        mount --bind /run/empty /run/natc-lab/bin
        mount --bind /run/empty /usr/sbin
        natc install-boot --root /run/image; code=$?
        umount /usr/sbin; umount /run/natc-lab/bin
        exit $code
    """)
    assert "net/ipv4/ip_forward = 1" in said


def test_a_guard_keeps_no_folder_busy(gateway: Gateway, first: str) -> None:
    gateway.natc(f"apply {first} --confirm 60")
    time.sleep(0.1)
    assert gateway.must("readlink /proc/$(pgrep -f natc-guard | head -1)/cwd") == "/\n"
    gateway.natc("rollback")
