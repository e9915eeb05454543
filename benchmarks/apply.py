"""natc's apply against a plain iptables-restore of the same text, as ratios of one run.

In a throw-away namespace, for each flavour of iptables: two policies of N rules take each other's
place, by `iptables-restore --noflush` of natc's text in its replacing form, and by natc.  The two
run in turn, and the ratio is taken pair by pair; the median is printed.  Times are those of a clock
on the wall, since most of it is waiting for the kernel.

    python benchmarks/apply.py [--sizes 100,1000,10000] [--runs 7]

`apply` is what natc does once it has compiled the policy: it looks at what is there, prepares the
way back, starts its guard, hands the rules over, checks what the kernel holds and remembers it.
`whole` is the process `natc apply POLICY`, its start and the compiling included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import rules

from natc import programs
from natc.address import Family
from natc.host.applying import apply
from natc.host.gateway import gateway
from natc.host.policy import Wanted, wanted
from natc.host.store import Store
from natc.targets.iptables.write import Form, write
from natc.testlab import Flavour, netns
from natc.testlab.restore import install_programs

TARGET = 1.2
"""The ratio of `apply` that natc is to keep."""


def seconds(task: Callable[[], object]) -> float:
    """Run a task and return how long it took."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def restore(text: str) -> None:
    """Load a text without natc."""
    command = ["iptables-restore", "--noflush", "-w", "5"]
    subprocess.run(command, input=text, text=True, check=True)


def whole(path: str) -> None:
    """Run natc as an administrator does."""
    subprocess.run([sys.executable, "-m", "natc", "apply", path], check=True, capture_output=True)


def measured(sizes: list[int], runs: int) -> list[tuple[int, float, float, float]]:
    """Return size, seconds of the restore, and the ratios of both ways to apply."""
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, text in (("a", rules.policy(size)), ("b", rules.policy(size + 1))):
                path = Path(folder) / f"{name}.nat"
                path.write_text(text)
                paths.append(str(path))
            both = [wanted(path) for path in paths]
            texts = [write(one.rulesets[Family.IPV4], Form.REPLACE) for one in both]
            apply(both[1], gateway(), Store())
            found.append((size, *_ratios(both, texts, paths, runs)))
    return found


def _ratios(
    both: list[Wanted], texts: list[str], paths: list[str], runs: int
) -> tuple[float, float, float]:
    plain, inside, outside = [], [], []
    for run in range(runs + 1):
        for turn in (0, 1):
            there, wanted_ = both[turn], both[1 - turn]
            without = seconds(lambda turn=turn: restore(texts[turn]))
            apply(there, gateway(), Store())  # The kernel as natc left it, as it mostly is.
            with_natc = seconds(lambda wanted_=wanted_: apply(wanted_, gateway(), Store()))
            process = seconds(lambda turn=turn: whole(paths[turn]))
            if run:  # The first one warms up.
                plain.append(without)
                inside.append(with_natc / without)
                outside.append(process / without)
    return statistics.median(plain), statistics.median(inside), statistics.median(outside)


def serve(parent: Connection, flavour: Flavour, sizes: list[int], runs: int) -> None:
    """Measure in the namespace."""
    os.environ["XTABLES_LOCKFILE"] = f"{netns.PRIVATE}/xtables.lock"
    os.environ["NATC_STATE_DIR"] = f"{netns.PRIVATE}/state"
    install_programs(flavour)
    os.environ["PATH"] = f"{netns.PRIVATE}/bin:{os.environ['PATH']}"
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    programs.FOLDERS = (f"{netns.PRIVATE}/bin", *programs.FOLDERS)
    parent.send(measured(sizes, runs))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    print("           rules   restore s   apply   limit            whole")
    for flavour in Flavour:
        worker = netns.start(
            lambda parent, flavour=flavour: serve(parent, flavour, sizes, asked.runs)
        )
        try:
            worker.connection.recv()
            for size, plain, inside, outside in worker.connection.recv():
                verdict = "met" if inside <= TARGET else "MISSED"
                print(
                    f"{flavour:>8} {size:>7}  {plain:10.4f}  {inside:6.2f}   {TARGET}  {verdict:6}"
                    f"  {outside:10.2f}"
                )
        finally:
            worker.stop()


if __name__ == "__main__":
    main()
