"""Translations that change nothing, by trying every packet that rules can tell apart."""

import os
from collections.abc import Iterator, Sequence
from itertools import product
from random import Random

from natc.record import Record
from tests.lint.test_paths import found
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

NETWORK = "203.0.113"
ADDRESSES = range(5)
"""203.0.113.0 to 203.0.113.3, and all others."""

TCP, UDP = (frozenset((name, port) for port in (80, 81, 82)) for name in ("tcp", "udp"))
SERVICES = {
    "tcp/80": {("tcp", 80)},
    "tcp/80-81": {("tcp", 80), ("tcp", 81)},
    "tcp": TCP,
    "udp/80": {("udp", 80)},
    "": TCP | UDP | {("gre", None)},
}
ENDS = ("", "0", "1", "0-1", "2/31", "0/30")

Sent = tuple[int, tuple[str, int | None]]
"""Address on the side that is translated, protocol and destination port."""


class Statement(Record):
    """A source or a destination rule; `keeps` says whether it leaves every packet as it is."""

    text: str
    is_source: bool
    takes: frozenset[Sent]
    keeps: bool


def members(text: str) -> set[int]:
    """Return the addresses of a block, 4 for all others."""
    if not text:
        return set(ADDRESSES)
    if "/" in text:
        first, length = map(int, text.split("/"))
        return set(range(first, first + (1 << 32 - length)))
    first, _, last = text.partition("-")
    return set(range(int(first), int(last or first) + 1))


def written(text: str) -> str:
    return "-".join(f"{NETWORK}.{end}" for end in text.split("-"))


def statement(random: Random) -> Statement:
    is_source = random.random() < 0.5
    service = random.choice(tuple(SERVICES))
    asked, given = random.choice(ENDS), random.choice(("0", "1", "0-1", "0-3"))
    port = random.choice((None, 80, 81)) if service and not is_source else None
    held, new = members(asked), members(given)
    takes = frozenset(product(held, SERVICES[service]))
    # Of a pool the kernel keeps a source, but takes any for a destination.
    is_kept = held <= new and (is_source or len(new) == 1)
    keeps = is_kept and all(port in {None, number} for _, (_, number) in takes)
    word = ("from" if is_source else "to") if asked else ""
    arrow = written(given) + (f":{port}" if port else "")
    way = "out eth0" if is_source else "in eth0"
    verb = "snat" if is_source else "dnat"
    words = (verb, service, word, written(asked) if asked else "", way, "->", arrow)
    return Statement(" ".join(filter(None, words)), is_source, takes, keeps)


def policies() -> Iterator[tuple[int, list[Statement]]]:
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        yield seed, [statement(random) for _ in range(random.randrange(1, 6))]


def is_reached(made: Sequence[Statement], place: int) -> bool:
    above = [one.takes for one in made[:place] if one.is_source == made[place].is_source]
    return bool(made[place].takes.difference(*above))


def test_a_translation_is_told_exactly_when_it_is_reached_and_changes_no_packet():
    seen = 0
    for seed, made in policies():
        text = "".join(f"{one.text}\n" for one in made)
        expected = [
            place for place, one in enumerate(made) if one.keeps and is_reached(made, place)
        ]
        findings = found(subject(text), "no-op-translation")
        told = [finding.primary.span.line - 1 for finding in findings]
        assert told == expected, f"seed {seed}\n{text}"
        seen += len(told)
    assert seen > COUNT / 5
