"""One-to-one translations that disagree, and pools that lend their addresses: every address tried."""

import os
from collections.abc import Iterator, Sequence
from random import Random

from natc.record import Record
from tests.lint.test_paths import found
from tests.lint.test_sides import subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

ZONES = """\
zone wan { interface eth0; address 198.51.100.2 }
zone dsl { interface ppp0; address dynamic }
"""
HEAD = ZONES.count("\n")
WAYS = {"": {"eth0", "ppp0", "eth1"}, " on wan": {"eth0"}, " on dsl": {"ppp0"}}


class Block(Record):
    """Some addresses of 192.168.3.0/29 or 203.0.113.0/29, in a row."""

    first: int
    size: int

    def of(self, network: str) -> str:
        """Return the block as it is written, after a network's first three numbers."""
        if self.size in {2, 4} and self.first % self.size == 0:
            return f"{network}.{self.first}/{33 - self.size.bit_length()}"
        ends = f"{network}.{self.first}", f"{network}.{self.first + self.size - 1}"
        return ends[0] if self.size == 1 else "-".join(ends)

    @property
    def members(self) -> frozenset[int]:
        return frozenset(range(self.first, self.first + self.size))


class Pair(Record):
    """One `static`: which host has which outside address, and on which ways."""

    text: str
    outside: dict[int, int]
    ways: frozenset[str]

    @property
    def inside(self) -> dict[int, int]:
        """Which outside address belongs to which host."""
        return {host: address for address, host in self.outside.items()}


def block(random: Random, size: int) -> Block:
    step = size if size in {2, 4} else 1
    return Block(random.randrange((8 - size) // step + 1) * step, size)


def pair(random: Random) -> Pair:
    size = random.choice((1, 1, 1, 2, 4))
    hosts, addresses = block(random, size), block(random, size)
    on = random.choice(tuple(WAYS))
    text = f"static {hosts.of('192.168.3')} <-> {addresses.of('203.0.113')}{on}"
    outside = {addresses.first + index: hosts.first + index for index in range(size)}
    return Pair(text, outside, frozenset(WAYS[on]))


def pairs() -> Iterator[tuple[int, Random, list[Pair]]]:
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        made = [pair(random) for _ in range(random.randrange(1, 5))]
        if random.random() < 0.2:
            made.append(random.choice(made))
        yield seed, random, made


def disagree(one: Pair, other: Pair) -> bool:
    """Whether an address is somebody else's by `other`, on some way."""
    return bool(one.ways & other.ways) and any(
        mine[each] != theirs[each]
        for mine, theirs in ((one.outside, other.outside), (one.inside, other.inside))
        for each in mine.keys() & theirs.keys()
    )


def told(text: str, *slugs: str) -> list[int]:
    """Return the places of the statements with findings."""
    linted = subject(f"{ZONES}{text}")
    return sorted(
        each.primary.span.line - 1 - HEAD for slug in slugs for each in found(linted, slug)
    )


def text_of(made: Sequence[Pair]) -> str:
    return "".join(f"{each.text}\n" for each in made)


def test_pairs_conflict_exactly_when_they_give_an_address_to_two():
    seen = 0
    for seed, _, made in pairs():
        expected = [
            place
            for place, one in enumerate(made)
            if any(disagree(one, other) for other in made[:place])
        ]
        assert told(text_of(made), "static-conflict") == expected, f"seed {seed}\n{text_of(made)}"
        seen += len(expected)
    assert seen > COUNT / 5


def test_a_pair_that_others_hold_and_agree_with_is_there_twice():
    seen = 0
    for seed, _, made in pairs():
        again = [
            place
            for place, one in enumerate(made)
            if not any(disagree(one, other) for other in made[:place])
            and is_held(one, made[:place])
        ]
        found = told(text_of(made), "duplicate-rule", "redundant-covered")
        conflicts = told(text_of(made), "static-conflict")
        assert [each for each in found if each not in conflicts] == again, (
            f"seed {seed}\n{text_of(made)}"
        )
        seen += len(again)
    assert seen


def is_held(one: Pair, above: Sequence[Pair]) -> bool:
    """Whether pairs above translate all that `one` does, one way or the other."""
    return any(
        all(
            any(way in other.ways and each in theirs(other) for other in above)
            for way in one.ways
            for each in theirs(one)
        )
        for theirs in (lambda pair: pair.outside, lambda pair: pair.inside)
    )


def test_a_pool_is_told_exactly_when_it_lends_an_address_of_a_pair():
    seen = 0
    for seed, random, made in pairs():
        lent = block(random, random.choice((1, 2, 4, 5)))
        text = f"{text_of(made)}snat from 10.0.0.0/8 out wan -> {lent.of('203.0.113')}\n"
        owned = {address for each in made for address in each.outside}
        findings = found(subject(f"{ZONES}{text}"), "pool-static-overlap")
        assert len(findings) == bool(owned & lent.members), f"seed {seed}\n{text}"
        for finding in findings:
            (owner,) = finding.related
            address = int(finding.primary.text.rpartition(".")[2])
            assert address in lent.members & made[owner.span.line - 1 - HEAD].outside.keys(), text
            seen += 1
    assert seen > COUNT / 5
