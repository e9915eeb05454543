"""Runs natc as a program, and loads what it wrote in a throw-away namespace."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLAVOURS = ("nft", "legacy")

POLICY = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10:8080 as web
masquerade from lan out wan as share
"""
"""A valid policy in canonical form."""

Done = subprocess.CompletedProcess[bytes]


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which `python -m natc` is this checkout's."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("NATC_", "NO_COLOR"))
    }
    return kept | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"} | more


def natc(
    *words: str | bytes | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    stdout: int = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    seconds: float = 20,
) -> Done:
    """Run natc; the end of `seconds` is a failure, nothing may take for ever."""
    return subprocess.run(
        [sys.executable, "-m", "natc", *words],
        cwd=cwd,
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=env or environment(),
        timeout=seconds,
        check=False,
    )


def in_namespace(script: str, cwd: Path, flavour: str) -> Done:
    """Run shell commands in a namespace without any rules, with the tools of one flavour.

    `$RESTORE`, `$SAVE`, `$TABLES` and `$RESTORE6`, `$SAVE6`, `$TABLES6` name them.
    """
    tools = {
        f"{word}{version}": f"/usr/sbin/ip{version}tables-{flavour}{end}".replace("ip4", "ip")
        for version in ("", "6")
        for word, end in (("RESTORE", "-restore"), ("SAVE", "-save"), ("TABLES", ""))
    }
    env = environment(
        **tools,
        IPTABLES_RESTORE=tools["RESTORE"],
        IP6TABLES_RESTORE=tools["RESTORE6"],
        XTABLES_LOCKFILE=str(cwd / "xtables.lock"),
        NATC=f"{sys.executable} -m natc",
    )
    return subprocess.run(
        ["unshare", "-Urn", "dash", "-eu", "-c", script],
        cwd=cwd,
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
