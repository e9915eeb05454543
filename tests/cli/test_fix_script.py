"""The boot script: whatever the tables hold before, natc's rules are there once afterwards."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import FLAVOURS, POLICY, Done, in_namespace, natc

pytestmark = [pytest.mark.kernel, pytest.mark.parametrize("flavour", FLAVOURS)]

JUMPS = """\
-A INPUT -m comment --comment natc -j NATC-IN
-A OUTPUT -m comment --comment natc -j NATC-OUT
-A POSTROUTING -m comment --comment natc -j NATC-POST
-A PREROUTING -m comment --comment natc -j NATC-PRE
"""

BOTH = POLICY + (
    "masquerade ipv6 from fd00:3::/64 out eth0 as share6\n"
    "transparent-proxy ipv4 tcp/80 in eth1 -> 127.0.0.1:3129 tproxy mark 0x1/0x1 as http\n"
)

SHOW = 'jumps() { "$SAVE" -t nat | grep -e "-j NATC" | grep -v -- "-A NATC" | sort; }\n'


def scripts(folder: Path, *words: str, **policies: str) -> None:
    for name, text in policies.items():
        (folder / f"{name}.nat").write_text(text, encoding="utf-8")
        done = natc("compile", f"{name}.nat", "--script", "-o", f"{name}.sh", *words, cwd=folder)
        assert done.returncode == 0, done.stderr


def run(script: str, folder: Path, flavour: str) -> str:
    done = in_namespace(SHOW + script, folder, flavour)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()


@pytest.fixture(autouse=True)
def _made(tmp_path: Path) -> None:
    scripts(tmp_path, one=POLICY, both=BOTH)


def test_any_number_of_runs_leave_the_same(tmp_path: Path, flavour: str) -> None:
    once = run("./both.sh; $SAVE | grep ^-A; $SAVE6 | grep ^-A; ip rule", tmp_path, flavour)
    often = "for _ in 1 2 3; do ./both.sh; done; $SAVE | grep ^-A; $SAVE6 | grep ^-A; ip rule"
    assert run(often, tmp_path, flavour) == once
    assert "share6" in once
    assert once.count("lookup 100") == 1


@pytest.mark.parametrize(
    "harm",
    [
        "$TABLES -t nat -D PREROUTING 1",
        "$TABLES -t nat -F OUTPUT; $TABLES -t nat -F POSTROUTING",
        "$TABLES -t nat -A PREROUTING -m comment --comment natc -j NATC-PRE",
        "$TABLES -t nat -I INPUT -i eth0 -m comment --comment natc -j NATC-IN",
        "$TABLES -t nat -F; $TABLES -t nat -X",
        "$TABLES -t nat -F INPUT; $TABLES -t nat -A OUTPUT -m comment --comment natc -j NATC-OUT",
    ],
)
def test_there_is_one_jump_a_hook_whatever_happened(
    harm: str, tmp_path: Path, flavour: str
) -> None:
    assert run(f"./one.sh; {harm}; ./one.sh; jumps", tmp_path, flavour) == JUMPS


def test_rules_of_others_stay(tmp_path: Path, flavour: str) -> None:
    run(
        """
        $TABLES -t nat -N NATCH
        $TABLES -t nat -A NATCH -m comment --comment natc -j RETURN
        $TABLES -t nat -A PREROUTING -m comment --comment natc -j NATCH
        $TABLES -t nat -A PREROUTING -m comment --comment "no --comment natc -j NATC-PRE" -j ACCEPT
        $TABLES -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
        $SAVE -t nat | grep "^-A" >before
        ./one.sh; ./one.sh
        $SAVE -t nat | grep "^-A" | grep -v -e "natc -j NATC-[A-Z]*$" -e "-A NATC-" | diff before -
        """,
        tmp_path,
        flavour,
    )


def test_a_refused_load_leaves_the_table_as_it_was(tmp_path: Path, flavour: str) -> None:
    sh = (tmp_path / "one.sh").read_text(encoding="utf-8")
    (tmp_path / "bad.sh").write_text(sh.replace("-A NATC-PRE", "-A NATC-NO", 1), encoding="utf-8")
    run(
        """
        ./both.sh; $SAVE -t nat | grep ^-A >before
        code=0; sh ./bad.sh 2>said || code=$?
        [ "$code" = 3 ]; grep "natc: .* failed on table nat: " said
        $SAVE -t nat | grep ^-A >after; diff before after
        """,
        tmp_path,
        flavour,
    )


def test_one_family_leaves_the_other_alone(tmp_path: Path, flavour: str) -> None:
    (tmp_path / "four").mkdir()
    scripts(tmp_path / "four", "--family", "4", both=BOTH)
    run(
        """
        ./both.sh; $SAVE6 | grep ^-A >before
        ./four/both.sh; $SAVE6 | grep ^-A >after; diff before after
        ./one.sh; [ -z "$($SAVE6 | grep ^-A)" ]; [ -z "$($SAVE6 | grep ^:NATC)" ]
        """,
        tmp_path,
        flavour,
    )


def test_the_routing_of_an_earlier_tproxy_goes_and_that_of_others_stays(
    tmp_path: Path, flavour: str
) -> None:
    said = run(
        """
        ip link set lo up
        ip rule add fwmark 0x1/0x1 lookup 100; ip rule add fwmark 0x7 lookup 101
        ip route add 10.0.0.0/8 dev lo table 100
        ip rule >rules; ip route show table 100 >routes
        ./both.sh; ip rule | grep "fwmark 0x1/0x1 lookup 100 proto 78"; ip route show table 100
        ./one.sh; ip rule | diff rules -; ip route show table 100 | diff routes -
        """,
        tmp_path,
        flavour,
    )
    assert "local default dev lo proto 78" in said


def test_chains_of_a_longer_policy_go(tmp_path: Path, flavour: str) -> None:
    lines = "".join(f"exempt out {{ p{i}p+ }} except p{i}p7\n" for i in range(12))
    scripts(tmp_path, long=lines + POLICY)
    said = run(
        "./long.sh; $SAVE -t nat | grep -c ^:NATC; ./one.sh; $SAVE -t nat | grep -c ^:NATC",
        tmp_path,
        flavour,
    )
    many, few = said.split()
    assert int(many) > 12
    assert few == "4"


def test_without_iptables_save_it_replaces_or_installs(tmp_path: Path, flavour: str) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("IPTABLES_RESTORE", "IP6TABLES_RESTORE"):
        version = "6" if "6" in name else ""
        (bare / name).write_text(f'#!/bin/sh\nexec ip{version}tables-{flavour}-restore "$@"\n')
        (bare / name).chmod(0o755)
    said = run(
        """
        IPTABLES_RESTORE=$PWD/bare/IPTABLES_RESTORE IP6TABLES_RESTORE=$PWD/bare/IP6TABLES_RESTORE
        export IPTABLES_RESTORE IP6TABLES_RESTORE
        ./both.sh; ./one.sh; ./one.sh; jumps
        [ -z "$($SAVE -t mangle | grep "^-A PREROUTING")" ]; [ -z "$($SAVE6 | grep "^-A [^N]")" ]
        """,
        tmp_path,
        flavour,
    )
    assert said == JUMPS


def test_runs_at_once_leave_one_jump_a_hook(tmp_path: Path, flavour: str) -> None:
    many = "for _ in 1 2 3 4 5 6 7 8; do ./one.sh & done; wait; jumps"
    assert run(many, tmp_path, flavour) == JUMPS


def test_shellcheck_has_nothing_to_say(tmp_path: Path, flavour: str) -> None:
    checker = shutil.which("shellcheck")
    if checker is None or flavour != "nft":
        pytest.skip("shellcheck is not installed, or was asked already")
    done: Done = subprocess.run(
        [checker, "-s", "sh", "one.sh", "both.sh"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.stdout == b""
