"""Kills applies at random instants, in a lab, and looks at what is then in the kernel.

    python -m tests.host.killing FIRST SECOND --count 100 --seed 1 --backend restore

Prints how many applies were killed, and how many of them left the rules of before and the new ones.
"""

import argparse
import collections
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from natc.address import FAMILIES
from natc.host.applying import apply
from natc.host.errors import HostError
from natc.host.gateway import gateway
from natc.host.held import held
from natc.host.policy import wanted
from natc.host.store import Store
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import spliced

DEADLINE = 20.0
"""Seconds in which a guard must have done its work."""


def everything() -> tuple[object, ...]:
    """Return the rules and routing of natc and of everybody else, and what the store says."""
    host, store = gateway(), Store()
    states = held(host)
    own = {
        family: (dict(state.parts), sorted(map(str, state.routes)))
        for family, state in states.items()
    }
    others = {family: _others(host.save(family)) for family in FAMILIES}
    current, boot = store.current, store.boot
    return own, others, current and current.digest, boot and boot.digest


def _others(dump: str) -> list[str]:
    plain = "\n".join(
        line.split(" [")[0] if line[:1] == ":" else line for line in dump.splitlines()
    )
    tables = spliced(plain, {}, Place.FIRST).split("COMMIT\n")
    return sorted(table for table in tables if "-A " in table)


def settle() -> None:
    """Wait until neither natc nor a guard is at work."""
    end = time.monotonic() + DEADLINE
    store = Store()
    while time.monotonic() < end:
        with store.locked(DEADLINE):
            if not list(store.passing.glob("way-back-*")):
                return
        time.sleep(0.002)
    logs = [log.read_text() for log in store.passing.glob("way-back-*/log")]
    sys.exit(f"a way back is still there: {list(store.passing.iterdir())}, which said {logs}")


def kill_one(process: int) -> None:
    """Kill natc, and leave the programs that it runs alone."""
    os.kill(process, signal.SIGKILL)


def kill_all(process: int) -> None:
    """Kill natc and all that it runs."""
    os.killpg(process, signal.SIGKILL)


def kill_programs(process: int) -> None:
    """Kill what natc runs, and leave natc alone."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    for child in children:
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            continue


def start(policy: str, backend: str) -> int:
    """Start an apply in a process group of its own."""
    process = os.fork()
    if process:
        os.setpgid(process, process)
        return process
    try:
        os.setpgid(0, 0)
        apply(wanted(policy), gateway(), Store(), backend=backend)  # type: ignore[arg-type]
        os._exit(0)
    except HostError:  # Its programs were killed, and it said so.
        os._exit(3)
    finally:
        os._exit(9)


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("policies", nargs=2)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--backend")
    asked = parser.parse_args()
    drawn = random.Random(asked.seed)
    known, took = [], 0.0
    for policy in asked.policies:
        before = time.monotonic()
        _, status = os.waitpid(start(policy, asked.backend), 0)
        took = max(took, time.monotonic() - before)
        if status:
            sys.exit(f"an apply that nobody kills fails: {status}")
        settle()
        known.append(everything())
    if known[0] == known[1]:
        sys.exit("both policies make the same rules")
    at, seen = 1, collections.Counter[str]()
    ways: list[Callable[[int], None]] = [kill_one, kill_all, kill_programs]
    for number in range(asked.count):
        process = start(asked.policies[1 - at], asked.backend)
        time.sleep(drawn.uniform(0, took * 1.1))
        way = drawn.choice(ways)
        ended = os.waitpid(process, os.WNOHANG)[0] != 0
        if not ended:
            way(process)
            os.waitpid(process, 0)
        settle()
        now = everything()
        if now not in known:
            sys.exit(f"number {number}, {way.__name__}: neither the one nor the other:\n{now}")
        after = known.index(now)
        seen["killed" if not ended else "too late"] += 1
        took *= 0.8 if ended else 1.05  # The machine may be faster or slower by now.
        if not ended:
            seen["new" if after != at else "old"] += 1
        at = after
    print(" ".join(f"{name.replace(' ', '-')}={count}" for name, count in sorted(seen.items())))


if __name__ == "__main__":
    main()
