"""Many random rule sets through a real kernel: `make fuzz-kernel N=5000`.

Rule sets come from numbers, one seed each, so that any of them can be made again.  What natc's model
and the kernel disagree on is made as small as it goes and saved beside the regressions, which the
tests replay.

    python -m tests.kernel_diff.fuzz --count 5000 [--seed S] [--packets 40] [--flavour both]
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from natc.address import Family
from natc.diagnostics import PolicyError
from natc.packet import Packet
from natc.record import replace
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from natc.testlab import Flavour, Lab, LoadError
from tests.kernel_diff import bench
from tests.kernel_diff.witnesses import Model
from tests.strategies.dumps import Dump, packet_near

REGRESSIONS = Path(__file__).with_name("regressions")


class Case:
    """A rule set and the packets that go through it."""

    def __init__(self, seed: int, packets: int) -> None:
        chance = random.Random(seed)
        self.family = Family.IPV6 if seed % 3 == 2 else Family.IPV4
        self.text = Dump(chance, self.family).text()
        drawn = (packet_near(chance, self.text, self.family) for _ in range(packets))
        # One connection each: the second packet of a connection is not looked up.
        self.packets = list(
            {
                replace(packet, out_interface=None): packet for packet in map(bench.at_home, drawn)
            }.values()
        )


def complaints(
    lab: Lab, text: str, family: Family, packets: Sequence[Packet]
) -> Iterator[tuple[Packet, str]]:
    """Yield each packet that the kernel treats as the model does not allow.

    Raises:
        LoadError: the kernel refuses the rules.
    """
    model = Model(lift("dump", read(Source("dump", text), family)))
    lab.load(text, family, whole=True)
    probes = [packet for packet in packets if bench.can_be_judged(lab, packet)]
    for packet, seen in zip(probes, lab.probe(probes), strict=True):
        wrong = model.complaint(packet, seen)
        if wrong is not None:
            yield packet, wrong


def smallest(lab: Lab, text: str, family: Family, packet: Packet) -> str:
    """Return the text with every rule and every match left out that the complaint does not need."""
    lines = text.splitlines()
    while True:
        for shorter in _shorter(lines):
            try:
                if any(complaints(lab, "\n".join([*shorter, ""]), family, [packet])):
                    lines = shorter
                    break
            except (LoadError, PolicyError):
                continue
        else:
            return "".join(f"{line}\n" for line in lines)


def _shorter(lines: list[str]) -> Iterator[list[str]]:
    for index, line in enumerate(lines):
        if not line.startswith("-A"):
            continue
        yield [*lines[:index], *lines[index + 1 :]]
        words = line.split()
        for first in range(2, len(words)):
            for last in range(first + 1, min(first + 5, len(words) + 1)):
                yield [
                    *lines[:index],
                    " ".join([*words[:first], *words[last:]]),
                    *lines[index + 1 :],
                ]


def save(text: str, packet: Packet, wrong: str) -> Path:
    """Keep a disagreement for the tests to replay."""
    REGRESSIONS.mkdir(exist_ok=True)
    name = hashlib.sha256(f"{text}{packet}".encode()).hexdigest()[:12]
    path = REGRESSIONS / f"{name}.rules"
    fields = json.dumps({field: getattr(packet, field) for field in packet.FIELDS})
    head = f"# {packet}\n# {wrong}\n# {fields}\n"
    path.write_text(head + text, encoding="utf-8")
    return path


def saved() -> Iterator[tuple[Path, str, Packet]]:
    """Yield the disagreements that were kept: file, rules and packet."""
    for path in sorted(REGRESSIONS.glob("*.rules")):
        text = path.read_text(encoding="utf-8")
        fields = json.loads(text.splitlines()[2].removeprefix("# "))
        yield path, text, Packet(**(fields | {"family": Family(fields["family"])}))


def run(flavour: Flavour, first: int, count: int, packets: int) -> int:
    """Try `count` rule sets and return how many the kernel and the model disagree on."""
    began = time.monotonic()
    probes = wrong_sets = refused = 0
    with Lab(bench.topology(), flavour) as lab:
        for seed in range(first, first + count):
            case = Case(seed, packets)
            try:
                found = list(complaints(lab, case.text, case.family, case.packets))
            except LoadError as error:
                refused += 1
                print(f"{flavour}: seed {seed}: not loaded: {error}", flush=True)
                continue
            probes += len(case.packets)
            if found:
                wrong_sets += 1
                packet, wrong = found[0]
                text = smallest(lab, case.text, case.family, packet)
                path = save(text, packet, wrong)
                print(
                    f"{flavour}: seed {seed}: {packet}: {wrong}\n{text}saved as {path}", flush=True
                )
                if wrong_sets >= 5:
                    break
    seconds = time.monotonic() - began
    print(
        f"{flavour}: {count} rule sets from seed {first}, {probes} probes, {refused} not loaded, "
        f"{wrong_sets} disagreements; {probes / seconds:.0f} probes/s, "
        f"{count / seconds:.0f} rule sets/s",
        flush=True,
    )
    return wrong_sets


def main() -> None:
    """Run the fuzzer."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=None, help="the first; default: a fresh one")
    arguments.add_argument("--packets", type=int, default=40, help="for each rule set")
    arguments.add_argument("--flavour", choices=[*Flavour, "both"], default="both")
    given = arguments.parse_args()
    first = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    flavours = list(Flavour) if given.flavour == "both" else [Flavour(given.flavour)]
    print(f"first seed: {first}", flush=True)
    wrong = [run(flavour, first, given.count, given.packets) for flavour in flavours]
    sys.exit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
