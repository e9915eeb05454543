"""The linter: its set engine against other ways to find dead rules, and whole runs against ferm.

The set engine answers which rules are dead, by which others, and which meet others that do
something else.  The naive way looks at every pair of rules, and so finds only what one rule covers;
decision diagrams (the `dd` package) accumulate what is taken so far, and tell only which rules are
dead.  Both are measured where they end in reasonable time; the ratio is theirs to natc's.

    python benchmarks/lint.py [--sizes 1000,10000,100000] [--runs 3]
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import rules as policies
import shapes
from compile import NATC, pairs, row

from natc.address import Family
from natc.ir.actions import Hook
from natc.ir.fields import Field, universe
from natc.ir.policy import Rule
from natc.ir.stack import inside
from natc.lint.lists import HookList
from natc.lint.relations import Relations

_NAIVE_UP_TO = 1_000
_DIAGRAMS_UP_TO = 1_000
_FIELDS = (Field.SOURCE, Field.DESTINATION, Field.PROTOCOL, Field.DESTINATION_PORT)


def natc(rules: Sequence[Rule]) -> tuple[int, int, int]:
    """Return how many rules are dead, meet others, and are not decided."""
    found = Relations(HookList(Family.IPV4, Hook.PREROUTING, rules))
    return len(found.dead), len(found.meetings), len({rule.name for rule in found.undecided})


def naive(rules: Sequence[Rule]) -> int:
    """Return how many rules one rule above covers, looking at all pairs for both questions."""
    dead = 0
    for position, rule in enumerate(rules):
        box = rule.match.boxes[0]
        above = [other.match.boxes[0] for other in rules[:position]]
        covered = [other for other in above if box & other is not None and inside(box, other)]
        dead += bool(covered)
    return dead


def diagrams(rules: Sequence[Rule]) -> int:
    """Return how many rules are dead, by binary decision diagrams."""
    from dd.autoref import BDD  # noqa: PLC0415 - only where it is installed

    bdd = BDD()
    bits = {field: universe(field, Family.IPV4).last.bit_length() for field in _FIELDS}
    bdd.declare(*(f"{field.name}{bit}" for field in _FIELDS for bit in range(bits[field])))
    taken, dead = bdd.false, 0
    for rule in rules:
        own = bdd.true
        for field, values in rule.match.boxes[0].restricted():
            one = bdd.false
            for low, high in values.ranges:
                at_least = _bound(bdd, field.name, bits[field], low, is_lower=True)
                one |= at_least & _bound(bdd, field.name, bits[field], high, is_lower=False)
            own &= one
        if own & ~taken == bdd.false:
            dead += 1
        taken |= own
    return dead


def has_diagrams() -> bool:
    """Whether the `dd` package is installed."""
    return find_spec("dd") is not None


def _bound(bdd, name: str, bits: int, value: int, *, is_lower: bool):  # noqa: ANN001, ANN202
    """Return the numbers from `value` on, or up to it."""
    found = bdd.true
    for bit in range(bits):
        variable = bdd.var(f"{name}{bits - 1 - bit}")
        if is_lower:
            found = variable & found if value >> bit & 1 else variable | found
        else:
            found = ~variable | found if value >> bit & 1 else ~variable & found
    return found


def seconds(
    function: Callable[[Sequence[Rule]], object], rules: Sequence[Rule], runs: int
) -> float:
    """Return the median of the CPU seconds that `function` takes."""
    taken = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        function(rules)
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def engine(sizes: Sequence[int], runs: int) -> None:
    """Print the table of the set engine."""
    print(f"{'shape':>20} {'rules':>8}   natc s    dead    meet   undecided   pairs/natc  dd/natc")
    for shape in shapes.SHAPES:
        for size in sizes:
            rules = shapes.rules(shape, size)
            times = 1 if size > 10_000 else runs
            ours = seconds(natc, rules, times)
            dead, meet, undecided = natc(rules) if size <= 10_000 else ("", "", "")
            line = f"{shape:>20} {size:>8,} {ours:8.3f} {dead:>7} {meet:>7} {undecided:>11}"
            if size <= _NAIVE_UP_TO:
                line += f" {seconds(naive, rules, times) / ours:>12.1f}"
            if size <= _DIAGRAMS_UP_TO and has_diagrams():
                line += f" {seconds(diagrams, rules, 1) / ours:>8.1f}"
            print(line, flush=True)


def whole(runs: int) -> None:
    """Print whole runs: lint, and compile and lint one after the other, against ferm's compile."""
    print(f"{'rules':>22}    natc s    ferm s   ratio      MiB   ratio  target")
    with tempfile.TemporaryDirectory() as folder:
        for size in (100, 10_000, 100_000):
            ours, theirs = Path(folder, f"{size}.nat"), Path(folder, f"{size}.ferm")
            ours.write_text(policies.sound_policy(size), encoding="utf-8")
            theirs.write_text(policies.ferm(size), encoding="utf-8")
            # A client beside the server is told of each of the forwards, and rightly.
            lint = [*NATC, "lint", "--ignore", "NAT401", str(ours)]
            ferm = ["ferm", "--noexec", "--lines", str(theirs)]
            times = 1 if size > 10_000 else runs
            linted = pairs(lint, ferm, times)
            compiled = pairs([*NATC, "compile", str(ours)], ferm, times)
            row(f"lint {size:,}", linted, None)
            both = [
                (one + other, ferms)
                for (one, _), (other, ferms) in zip(compiled, linted, strict=True)
            ]
            row(f"both {size:,}", both, 1.0 if size == 10_000 else None)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", default="1000,10000,100000")
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    engine([int(size) for size in given.sizes.split(",")], given.runs)
    whole(given.runs)


if __name__ == "__main__":
    main()
