"""natc against ferm, whole processes, as ratios of one run.

Both compile the same rules (see `rules`): half port-forwards, the rest snat, masquerade and exempt.
The two programs run in turn, A B A B, and the ratio is taken pair by pair, so that a machine whose
speed drifts does not matter; the median is printed.  Times are CPU seconds of the process.

    python benchmarks/compile.py [--sizes 1,100,10000,100000] [--runs 5]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import rules

_PROGRAM = Path(sys.executable).with_name("natc")
NATC = [str(_PROGRAM)] if _PROGRAM.exists() else [sys.executable, "-m", "natc"]
EMPTY = "import click\n@click.group()\ndef program(): pass\nprogram()\n"

TARGETS = {1: 1.6, 100: 1.6, 10_000: 0.7, 100_000: 0.6}
"""Ratios to ferm's time that natc is to keep, by number of rules."""


class Usage(NamedTuple):
    """What finished processes took: CPU seconds and peak memory in MiB."""

    seconds: float
    mebibytes: float

    def __add__(self, other: object) -> "Usage":
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(self.seconds + other.seconds, max(self.mebibytes, other.mebibytes))


def usage(command: Sequence[str]) -> Usage:
    """Run a command and return what it took."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def pairs(a: Sequence[str], b: Sequence[str], runs: int) -> list[tuple[Usage, Usage]]:
    """Run both in turn, once to warm up and then `runs` times."""
    return [(usage(a), usage(b)) for _ in range(runs + 1)][1:]


def row(name: str, measured: list[tuple[Usage, Usage]], limit: float | None) -> float:
    """Print one line of the table and return natc's median time."""
    ratio = statistics.median(ours.seconds / theirs.seconds for ours, theirs in measured)
    ours = statistics.median(ours.seconds for ours, _ in measured)
    theirs = statistics.median(theirs.seconds for _, theirs in measured)
    memory = statistics.median(ours.mebibytes / theirs.mebibytes for ours, theirs in measured)
    peak = statistics.median(ours.mebibytes for ours, _ in measured)
    verdict = "" if limit is None else f"{limit:5.2f}  {'met' if ratio <= limit else 'MISSED'}"
    cells = f"{ours:8.3f}  {theirs:8.3f}  {ratio:6.2f}  {peak:7.0f}  {memory:6.2f}"
    print(f"{name:>22}  {cells}  {verdict}")
    return ours


def main() -> None:
    """Measure and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", default="1,100,10000,100000")
    arguments.add_argument("--runs", type=int, default=5)
    given = arguments.parse_args()
    if shutil.which("ferm") is None:
        raise SystemExit("ferm is not installed: on Debian, apt-get install ferm")
    print(f"{'rules':>22}    natc s    ferm s   ratio      MiB   ratio  target")
    with tempfile.TemporaryDirectory() as folder:
        times = {}
        for size in map(int, given.sizes.split(",")):
            ours, theirs = Path(folder, f"{size}.nat"), Path(folder, f"{size}.ferm")
            ours.write_text(rules.policy(size), encoding="utf-8")
            theirs.write_text(rules.ferm(size), encoding="utf-8")
            measured = pairs(
                [*NATC, "compile", str(ours)],
                ["ferm", "--noexec", "--lines", str(theirs)],
                given.runs,
            )
            times[size] = row(f"{size:,}", measured, TARGETS.get(size))
        if 10_000 in times and 100_000 in times:
            growth = times[100_000] / times[10_000]
            print(f"growth from 10,000 to 100,000: {growth:.1f} times (target: at most 12)")
        empty = Path(folder, "empty.py")
        empty.write_text(EMPTY, encoding="utf-8")
        help_ = pairs([*NATC, "--help"], [sys.executable, str(empty), "--help"], given.runs)
        row("--help / empty click", help_, 1.3)


if __name__ == "__main__":
    main()
