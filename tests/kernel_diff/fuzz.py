"""Many random policies and rule sets through a real kernel: `make fuzz-kernel N=5000`.

Each comes from a number, its seed.  Policies are held against four witnesses, rule sets that no
policy stands behind against two (see `cases`), in both flavours of iptables.  What natc and the
kernel disagree on is made as small as it goes and saved beside the regressions, which the tests
replay.

    python -m tests.kernel_diff.fuzz --count 5000 [--seed S] [--packets 100] [--what policies]
        [--flavour nft] [--workers 2]
"""

import argparse
import os
import random
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from natc.record import Record
from natc.testlab import Flavour
from tests.kernel_diff import kept, seeds, shrink
from tests.kernel_diff.cases import Case
from tests.kernel_diff.rig import Complaint, Rig, Verdict

RIGS = 4
"""Rule sets that one worker has in the kernel at once: iptables-nft waits for RCU, not for a CPU."""

MOST_WRONG = 5
"""Disagreements after which a worker stops: the next ones are most likely the same."""


PROGRESS = 1000
"""Cases after which a worker says how far it is."""


class Share(Record):
    """What one worker is to try."""

    kind: seeds.Kind
    seeds: range
    packets: int
    flavours: tuple[Flavour, ...]


class Tally(Record):
    """What has been tried, and how often it went wrong."""

    cases: int = 0
    probes: int = 0
    swaps: int = 0
    refused: int = 0
    disagreements: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field) + getattr(other, field) for field in self.FIELDS))


def run(share: Share, cpu: int) -> Tally:
    """Try a share of the cases, on one CPU."""
    os.sched_setaffinity(0, {cpu})
    tally = Tally()
    for verdict in verdicts(share):
        tally += Tally(
            1,
            verdict.probes,
            len(share.flavours) * len(verdict.case.texts),
            int(bool(verdict.refusals)),
            int(bool(verdict.complaints)),
        )
        if tally.cases % PROGRESS == 0:
            print(f"{share.kind}: {tally.cases} of {len(share.seeds)} on CPU {cpu}", flush=True)
        for error in verdict.refusals:
            print(f"{verdict.case.name}: not loaded: {error}", flush=True)
        if verdict.complaints:
            _report(verdict.case, verdict.complaints[0])
            if tally.disagreements >= MOST_WRONG:
                break
    return tally


def verdicts(share: Share) -> Iterator[Verdict]:
    """Yield how each case fared, several of them under way at any time."""
    with ExitStack() as stack:
        rigs: dict[bool, deque[Rig]] = {False: deque(), True: deque()}
        for seed in share.seeds:
            case = seeds.case(share.kind, seed, share.packets)
            queue = rigs[case.has_listeners]
            if len(queue) < RIGS:
                rig = stack.enter_context(Rig(share.flavours, listeners=case.has_listeners))
            else:
                rig = queue.popleft()
                yield rig.finish()
            rig.begin(case)
            queue.append(rig)
        for rig in (*rigs[False], *rigs[True]):
            yield rig.finish()


def _report(case: Case, complaint: Complaint) -> None:
    """Make a disagreement small and keep it, if it happens again in a new kernel."""
    print(f"{case.name}: {complaint}", flush=True)
    with Rig([complaint.flavour], listeners=case.has_listeners) as rig:
        alone = case.about(complaint.packet)
        if not rig.fails(alone):
            print(f"{case.name}: does not happen again by itself", flush=True)
            return
        small = shrink.smallest(alone, rig.fails)
        (left,) = rig.judge(small).complaints
        path = kept.save(small, left)
        print(f"{left}\n{small.text}saved as {path}", flush=True)


def fuzz(kind: seeds.Kind, first: int, count: int, given: argparse.Namespace) -> Tally:
    """Try `count` cases on all CPUs, say how that went, and return it."""
    began = time.monotonic()
    flavours = tuple(Flavour) if given.flavour == "both" else (Flavour(given.flavour),)
    cpus = sorted(os.sched_getaffinity(0))
    workers = min(given.workers or len(cpus), count)
    shares = [
        Share(kind, range(first + index, first + count, workers), given.packets, flavours)
        for index in range(workers)
    ]
    with ProcessPoolExecutor(workers, get_context("fork")) as pool:
        tallies = pool.map(run, shares, (cpus[index % len(cpus)] for index in range(workers)))
        tally = sum(tallies, Tally())
    seconds = time.monotonic() - began
    print(
        f"{kind}: {tally.cases} from seed {first} by {' and '.join(flavours)}, "
        f"{tally.refused} refused, {tally.disagreements} disagreements; {tally.probes} probes, "
        f"{tally.swaps} swaps of rules; a second: {tally.cases / seconds:.0f} {kind}, "
        f"{tally.probes / seconds:.0f} probes, {tally.swaps / seconds:.0f} swaps",
        flush=True,
    )
    return tally


def main() -> None:
    """Run the fuzzer."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--count", type=int, default=1000, help="of each kind")
    arguments.add_argument("--seed", type=int, default=None, help="the first; default: a fresh one")
    arguments.add_argument("--packets", type=int, default=100, help="for each of them")
    arguments.add_argument("--what", choices=[*seeds.KINDS, "both"], default="both")
    arguments.add_argument("--flavour", choices=[*Flavour, "both"], default="both")
    arguments.add_argument("--workers", type=int, default=None, help="default: one for each CPU")
    given = arguments.parse_args()
    first = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    kinds = seeds.KINDS if given.what == "both" else (given.what,)
    tallies = [fuzz(kind, first, given.count, given) for kind in kinds]
    sys.exit(1 if any(tally.refused or tally.disagreements for tally in tallies) else 0)


if __name__ == "__main__":
    main()
