"""`natc apply --backend libiptc`: python-iptables does what iptables-restore does, or is refused."""

import importlib.util
import random
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from natc.address import Family
from natc.host import gateway as host
from natc.host import libiptc
from natc.host.errors import HostError
from natc.testlab import Flavour, Lab
from tests.host.gateway import FIRST, FOREIGN, ROOT, SECOND, Gateway
from tests.host.test_confirm import settled
from tests.host.test_killed import COUNT
from tests.kernel.site import topology

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        importlib.util.find_spec("iptc") is None,
        reason="python-iptables is not installed: `make setup` says what it needs",
    ),
]

POLICIES = sorted(ROOT.glob("policies/*.nat"))

JUMP = "-m comment --comment natc -j NATC-PRE"

RUNNING = "ps -e -o stat= | grep -vc Z"
"""How many processes there are; a lab lets dead ones lie."""

STRANGE = """
set -e
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER -m u32 --u32 "6&0xFF=1" -m comment --comment "a \\"b\\" \\\\ 'c' !" -j RETURN
iptables -t nat -A DOCKER -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" -j RETURN
ipset create names hash:net
iptables -t nat -A DOCKER -m set ! --match-set names src -j RETURN
iptables -t nat -A DOCKER -p tcp -m string --hex-string "|0d0a|" --algo kmp -j RETURN
iptables -t nat -A DOCKER -s 10.1.2.3/255.0.255.0 -m statistic --mode nth --every 3 --packet 1 -j RETURN
iptables -t nat -A DOCKER -m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name h -j RETURN
iptables -t nat -A DOCKER -m recent --name r --set -m limit --limit 3/min -j RETURN
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t mangle -N LAST
iptables -t mangle -A PREROUTING -p tcp -j TPROXY --on-port 3000 --tproxy-mark 0x8/0x8
iptables -t mangle -A PREROUTING -m connbytes --connbytes 10: --connbytes-dir both --connbytes-mode bytes -g LAST
iptables -t mangle -A LAST -j TTL --ttl-inc 1
iptables -P FORWARD DROP
ip6tables -t nat -A POSTROUTING -s fd17::/64 -m frag --fragid 5 ! -o docker0 -j MASQUERADE
ip6tables -t nat -A PREROUTING -i docker0 ! -p tcp -j ACCEPT
"""
"""Rules of somebody else with much that natc and python-iptables know nothing of."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Lab(topology(has_bridge=False), Flavour.LEGACY) as lab:
        yield Gateway(lab, Flavour.LEGACY, tmp_path)


def applied(gateway: Gateway, policy: str, backend: str) -> dict[Family, str]:
    """Apply a policy and return what iptables-save then prints of tables with rules."""
    gateway.natc(f"apply {policy} --backend {backend}")
    dumps = {}
    for family in Family:
        lines = [line for line in gateway.lab.save(family).splitlines() if line[:1] != "#"]
        tables = re.findall(r"^[*].*?^COMMIT\n", "\n".join([*lines, ""]), re.MULTILINE | re.DOTALL)
        dumps[family] = "".join(table for table in tables if "\n-A" in table)
    return dumps


# It does what iptables-restore does.


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_the_kernel_holds_what_it_holds_after_the_other_backend(
    gateway: Gateway, policy: Path
) -> None:
    for name in set(re.findall(r"set (\w+)", policy.read_text())):
        gateway.run(f"ipset create {name} hash:net")
    expected = applied(gateway, str(policy), "restore")
    gateway.natc("remove")
    assert applied(gateway, str(policy), "libiptc") == expected
    for family, text in expected.items():
        before, after = (gateway.folder / f"{word}.v{family.value}" for word in ("a", "b"))
        before.write_text(text)
        after.write_text(gateway.lab.save(family))
        if text:
            gateway.natc(f"diff --exit-code --from iptables-save {before} {after}")


def counted(gateway: Gateway) -> list[str]:
    """Return the rules of others with their counters, and the policies."""
    dump = gateway.must("iptables-save -c; ip6tables-save -c")
    return [line for line in dump.splitlines() if line[:1] != "#" and "NATC-" not in line]


def test_rules_of_others_keep_their_counters_and_what_python_iptables_does_not_know(
    gateway: Gateway,
) -> None:
    gateway.must(STRANGE)
    gateway.must("""
        for program in iptables ip6tables; do
            $program-save | sed '/^-A/{=}' | sed '/^[0-9]*$/{N;s/\\(.*\\)\\n/[\\1:700] /}' >numbered
            $program-restore -c numbered
        done
    """)
    gateway.must("iptables -t mangle -nL; ip6tables -t mangle -nL")  # The tables are there.
    before = counted(gateway)
    assert sum(":700] -A" in line for line in before) == STRANGE.count(" -A ")
    for text in (FIRST, SECOND, FIRST):
        gateway.natc(f"apply {gateway.policy('a.nat', text)} --backend libiptc")
        assert counted(gateway) == before


@pytest.mark.parametrize("place", ["first", "last"])
def test_the_place_among_other_rules_is_kept_from_apply_to_apply(
    gateway: Gateway, place: str
) -> None:
    gateway.must(FOREIGN)
    for text in (FIRST, SECOND, SECOND, FIRST):
        policy = gateway.policy("a.nat", text)
        gateway.natc(f"apply {policy} --place {place} --backend libiptc")
        lines = gateway.must("iptables-save -t nat").splitlines()
        prerouting = [line for line in lines if line.startswith("-A PREROUTING")]
        assert len(prerouting) == 2
        assert ("NATC-PRE" in prerouting[0]) is (place == "first")


@pytest.mark.parametrize(
    "damage",
    [
        "iptables -t nat -F NATC-PRE",
        f"iptables -t nat -D PREROUTING {JUMP}",
        f"iptables -t nat -A PREROUTING {JUMP}; iptables -t nat -A PREROUTING {JUMP}",
        "iptables -t nat -A NATC-POST -j MASQUERADE",
        "iptables -t nat -F; iptables -t nat -X",
        "iptables -t nat -N NATC-PRE-7; iptables -t nat -A NATC-PRE -j NATC-PRE-7",
        "ip6tables -t nat -F NATC-PRE",
    ],
)
def test_an_apply_repairs_what_others_did_to_the_rules(gateway: Gateway, damage: str) -> None:
    policy = gateway.policy("a.nat", FIRST)
    gateway.natc(f"apply {policy} --backend libiptc")
    right = gateway.own()
    gateway.must(damage)
    assert gateway.own() != right
    gateway.natc(f"apply {policy} --backend libiptc")
    assert gateway.own() == right


def test_twenty_applies_leave_as_much_as_one(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    first, second = gateway.policy("a.nat", FIRST), gateway.policy("b.nat", SECOND)
    gateway.natc(f"apply {first} --backend libiptc")
    before, running = gateway.everything(), gateway.must(RUNNING)
    for _ in range(10):
        gateway.natc(f"apply {second} --backend libiptc")
        gateway.natc(f"apply {first} --backend libiptc")
    assert gateway.everything() == before
    assert gateway.must(RUNNING) == running
    assert gateway.leftovers() == []


def test_nothing_of_a_policy_stays_when_the_next_one_has_no_rules_for_a_family(
    gateway: Gateway,
) -> None:
    gateway.natc(f"apply {gateway.policy('a.nat', SECOND)} --backend libiptc")
    only = "snat from 192.168.3.0/24 out eth0 -> 203.0.113.1 as sharing\n"
    gateway.natc(f"apply {gateway.policy('b.nat', only)} --backend libiptc")
    own = gateway.own()
    assert own[Family.IPV4].keys() == {"nat"}
    assert own[Family.IPV6] == {}
    assert "fwmark" not in gateway.routing()


def test_what_it_put_there_is_rolled_back_and_removed_like_any_other(gateway: Gateway) -> None:
    gateway.must(FOREIGN)
    start = gateway.everything()
    gateway.natc(f"apply {gateway.policy('a.nat', FIRST)} --backend libiptc")
    first = gateway.everything()
    gateway.natc(f"apply {gateway.policy('b.nat', SECOND)} --backend libiptc")
    gateway.natc("rollback")
    assert gateway.everything() == first
    gateway.natc("remove")
    assert gateway.everything() == start


# It does it under the locks, or not at all.


def shim(gateway: Gateway, patch: str) -> str:
    """Return a shell command after which natc meets a python-iptables with a patch.

    The patch may use `iptc`, the real one, and `verb`, what natc's program is asked to do.
    """
    folder = gateway.folder / "shim"
    folder.mkdir(exist_ok=True)
    head = f"""import fcntl, os, signal, subprocess, sys
sys.path.remove({str(folder)!r})
del sys.modules["iptc"]
import iptc
sys.modules["iptc"] = iptc
verb = sys.argv[1] if len(sys.argv) == 3 else ""
"""
    (folder / "iptc.py").write_text(head + textwrap.dedent(patch))
    return f"export PYTHONPATH={folder}:$PYTHONPATH"


def refused(gateway: Gateway, patch: str, text: str = SECOND) -> str:
    """Return what natc says when it does not apply a policy, after which all is as it was."""
    gateway.must(FOREIGN)
    gateway.natc(f"apply {gateway.policy('a.nat', FIRST)}")
    before = gateway.everything()
    policy = gateway.policy("b.nat", text)
    done = gateway.run(f"{shim(gateway, patch)}; natc apply {policy} --backend libiptc")
    assert done.status == 3, done.output
    assert "Traceback" not in done.output
    assert gateway.everything() == before
    assert gateway.links() == ("1", "1")
    assert gateway.leftovers() == []
    return done.output


def test_the_locks_are_held_from_reading_the_table_to_the_commit(gateway: Gateway) -> None:
    lock = gateway.must('printf %s "${XTABLES_LOCKFILE:-/run/xtables.lock}"')
    patch = f"""
def is_locked(path):
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

def watched(of):
    def watch(*arguments):
        free = [path for path in ({lock!r}, "/run/natc/lock") if not is_locked(path)]
        with open({str(gateway.folder / "seen")!r}, "a") as file:
            print(of.__name__, *free, file=file)
        return of(*arguments)
    return watch

if verb == "commit":
    iptc.Table.refresh = watched(iptc.Table.refresh)
    iptc.Table.commit = watched(iptc.Table.commit)
"""
    policy = gateway.policy("a.nat", FIRST)
    gateway.must(f"{shim(gateway, patch)}; natc apply {policy} --backend libiptc")
    seen = (gateway.folder / "seen").read_text().split("\n")
    assert seen == ["refresh", "commit", "refresh", "commit", ""]


def test_natc_tries_again_when_somebody_without_the_lock_comes_between(gateway: Gateway) -> None:
    policy = gateway.policy("a.nat", FIRST)
    gateway.natc(f"apply {gateway.policy('b.nat', SECOND)} --backend libiptc")
    patch = f"""
if verb == "commit" and not os.path.exists({str(gateway.folder / "once")!r}):
    open({str(gateway.folder / "once")!r}, "w").close()
    subprocess.run("iptables -t nat -D PREROUTING {JUMP}", shell=True, check=True)
"""
    gateway.must(f"{shim(gateway, patch)}; natc apply {policy} --backend libiptc")
    assert (gateway.folder / "once").exists()
    own = gateway.own()
    gateway.natc("remove")
    gateway.natc(f"apply {policy}")
    assert gateway.own() == own


def test_a_rule_that_python_iptables_would_change_is_named_before_anything_is_committed(
    gateway: Gateway,
) -> None:
    said = refused(
        gateway,
        """
        def set_dst(self, text, real=iptc.Rule6.set_dst):
            real(self, text.partition("/")[0] + "/64")
        iptc.Rule6.dst = property(iptc.Rule6.get_dst, set_dst)
        iptc.Table.commit = iptc.Table6.commit = None
        """,
    )
    assert "b.nat:7 web6: python-iptables makes another rule of it than iptables-restore" in said
    assert "-d 2001:db8:113::1" in said


def test_what_python_iptables_cannot_say_is_refused_with_its_reason(gateway: Gateway) -> None:
    said = refused(
        gateway,
        """
        def parse(self, name, values, real=iptc.Match.parse):
            if name == "dport":
                raise AttributeError("tcp: invalid parameter b'dport'")
            return real(self, name, values)
        iptc.Match.parse = parse
        """,
    )
    assert "b.nat:8 web-proxy: tcp: invalid parameter dport" in said


def test_a_kernel_that_refuses_the_commit_is_quoted(gateway: Gateway) -> None:
    said = refused(
        gateway,
        """
        def append(self, chain, entry, real=iptc.Table.append_entry):
            real(self, "OUTPUT" if chain == "NATC-POST" else chain, entry)
        if verb == "commit":
            iptc.Table.append_entry = append
        """,
    )
    assert "libiptc failed for IPv4: table nat: can't commit: Invalid argument" in said


def test_other_rules_than_those_rehearsed_do_not_stay(gateway: Gateway) -> None:
    said = refused(
        gateway,
        """
        def append(self, chain, entry):
            self.insert_entry(chain, entry, 0)
        if verb == "commit":
            iptc.Table.append_entry = append
        """,
    )
    assert "the IPv4 rules are not those that were put in place" in said


def test_a_table_that_the_kernel_lacks_is_named(gateway: Gateway) -> None:
    said = refused(
        gateway,
        """
        def refresh(self):
            raise iptc.IPTCError(f"can't initialize {self.name}: b'Table does not exist'")
        iptc.Table6.refresh = refresh
        """,
    )
    assert "libiptc failed for IPv6: table nat: can't initialize nat: Table does not exist" in said


@pytest.mark.parametrize("moment", ["check", "commit"])
def test_a_crash_of_python_iptables_changes_nothing(gateway: Gateway, moment: str) -> None:
    said = refused(
        gateway,
        f"if verb == '{moment}' and sys.argv[2] == '6': os.kill(os.getpid(), signal.SIGSEGV)",
    )
    assert "python-iptables has died of SIGSEGV" in said


def test_a_rule_that_the_kernel_refuses_is_named(gateway: Gateway) -> None:
    text = SECOND + "dnat tcp/82 set nowhere -> 192.168.3.12 as of-no-set\n"
    said = refused(gateway, "", text)
    assert "b.nat:9 of-no-set" in said


def test_killed_at_any_instant_it_leaves_the_rules_of_before_or_the_new_ones(
    gateway: Gateway,
) -> None:
    gateway.must(FOREIGN)
    policies = f"{gateway.policy('a.nat', FIRST)} {gateway.policy('b.nat', SECOND)}"
    count, seed = COUNT // 2, random.SystemRandom().randrange(1 << 32)
    done = gateway.run(
        f"{sys.executable} -m tests.host.killing {policies}"
        f" --count {count} --seed {seed} --backend libiptc",
        timeout=60 + 5 * count,
    )
    assert done.status == 0, f"seed {seed}: {done.output}"
    words = done.output.splitlines()[-1].split()
    assert "old" in [word.partition("=")[0] for word in words]
    assert gateway.leftovers() == []


@pytest.mark.parametrize("then", ["os._exit(1)", ""], ids=["it dies too", "it goes on"])
def test_natc_killed_between_two_commits_has_the_rules_of_before_come_back(
    gateway: Gateway, then: str
) -> None:
    gateway.must(FOREIGN)
    gateway.natc(f"apply {gateway.policy('a.nat', FIRST)} --backend libiptc")
    before = gateway.everything()
    patch = f"""
def commit(self, real=iptc.Table.commit):
    if verb == "commit" and sys.argv[2] == "6":
        os.kill(os.getppid(), signal.SIGKILL)
        {then or "pass"}
    real(self)
iptc.Table.commit = commit
"""
    policy = gateway.policy("b.nat", SECOND)
    done = gateway.run(f"{shim(gateway, patch)}; natc apply {policy} --backend libiptc")
    assert done.status == 137
    settled(gateway)
    assert gateway.everything() == before
    assert gateway.links() == ("1", "1")


# Where it cannot be used.


def test_without_python_iptables_natc_says_how_to_get_it(gateway: Gateway) -> None:
    said = refused(gateway, "raise ModuleNotFoundError('No module named iptc', name='iptc')")
    assert "python-iptables is not installed" in said
    assert "pip install 'natc[libiptc]'" in said


def test_libraries_that_are_missing_are_said_to_be(gateway: Gateway) -> None:
    said = refused(gateway, "raise AttributeError('no attribute iptc_init')")
    assert "python-iptables does not load: no attribute iptc_init" in said
    assert "libip4tc, libip6tc and libxtables" in said


def test_a_machine_whose_iptables_is_that_of_nf_tables_is_refused(tmp_path: Path) -> None:
    with Lab(topology(has_bridge=False), Flavour.NFT) as lab:
        gateway = Gateway(lab, Flavour.NFT, tmp_path)
        done = gateway.run(f"natc apply {gateway.policy('a.nat', FIRST)} --backend libiptc")
        assert done.status in (1, 3)
        assert "nf_tables" in done.output
        # Not even empty tables: their very presence would be a second set.
        assert gateway.must("iptables-legacy-save; ip6tables-legacy-save") == ""


def test_whoever_insists_on_libiptc_for_nf_tables_is_told_why_not() -> None:
    with pytest.raises(HostError, match="a second set that competes with the others"):
        libiptc.rehearsal(host.Gateway(Flavour.NFT, (1, 8, 9)))


def test_an_iptables_that_cannot_share_its_lock_is_refused() -> None:
    with pytest.raises(
        HostError, match=r"with iptables 1\.8\.5 natc cannot keep other programs out"
    ):
        libiptc.rehearsal(host.Gateway(Flavour.LEGACY, (1, 8, 5)))
