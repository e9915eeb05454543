"""Rules of chains that fit none of the jumps to them, by trying every packet on every way."""

import os
from collections.abc import Iterator
from itertools import product
from random import Random

from natc.record import Record
from tests.lint.dumps import lines_of, subject

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))

SOURCES = {
    "": {0, 1, 2},
    "-s 10.0.0.0": {0},
    "-s 10.0.0.0/31": {0, 1},
    "! -s 10.0.0.0/31": {2},
}
WAYS = {"": {0, 1}, "-i eth0": {0}, "! -i eth0": {1}}
SERVICES = {
    "": {0, 1, 2, 3},
    "-p tcp": {0, 1},
    "-p tcp -m tcp --dport 80": {0},
    "-p udp": {2},
    "! -p udp": {0, 1, 3},
}
EVERY_PACKET = frozenset(product(range(3), range(2), range(4)))

Packets = frozenset[tuple[int, int, int]]

BUILT_IN = ("PREROUTING", "OUTPUT")
CHAINS = ("A", "B", "C")


class Line(Record):
    """A rule, and the packets that it matches wherever it stands."""

    text: str
    target: str
    takes: Packets


def line(random: Random, chain: str, below: tuple[str, ...]) -> Line:
    """Return a rule of a chain that may jump to those of `below`."""
    source, service = random.choice(tuple(SOURCES)), random.choice(tuple(SERVICES))
    way = random.choice(tuple(WAYS)) if chain != "OUTPUT" else ""
    target = random.choice((*below, *below, "RETURN", "ACCEPT"))
    words = ("-A", chain, source, way, service, "-j", target)
    takes = frozenset(product(SOURCES[source], WAYS[way], SERVICES[service]))
    return Line(" ".join(filter(None, words)), target, takes)


def rules(random: Random) -> dict[str, list[Line]]:
    """Return the rules of each chain; chains jump to later ones only."""
    made = {}
    for name in (*BUILT_IN, *CHAINS):
        below = CHAINS if name in BUILT_IN else CHAINS[CHAINS.index(name) + 1 :]
        lines = [line(random, name, below) for _ in range(random.randrange(3))]
        made[name] = list({each.text: each for each in lines}.values())
    return made


def comings(
    made: dict[str, list[Line]], chain: str, packets: Packets, *, returned: bool
) -> Iterator[tuple[Line, Packets]]:
    """Yield each rule behind a jump, once for each way to it, with the packets that the jump has.

    Args:
        returned: whether those that the chain gave back before a jump do not come to it.  What
            other rules decide is not looked at.
    """
    for each in made[chain]:
        if each.target in CHAINS:
            left = packets & each.takes
            for behind in made[each.target]:
                yield behind, left
            yield from comings(made, each.target, left, returned=returned)
        elif each.target == "RETURN" and returned:
            packets -= each.takes


def ways(made: dict[str, list[Line]], *, returned: bool) -> list[tuple[Line, Packets]]:
    """Return the same for all built-in chains.

    That what the gateway sends came by no interface is another finding's business, NAT202.
    """
    return [
        way for name in BUILT_IN for way in comings(made, name, EVERY_PACKET, returned=returned)
    ]


def fitting(found: list[tuple[Line, Packets]]) -> set[str]:
    """Return the rules that match some packets of a jump to their chain."""
    return {each.text for each, packets in found if each.takes & packets}


def test_a_jump_without_conditions_lets_everything_through():
    rules = ("-A PREROUTING -p tcp -j A", "-A OUTPUT -j A", "-A A -p udp -j ACCEPT")
    assert lines_of(subject(":A - [0:0]", *rules), "NAT006") == []


def test_a_rule_is_told_when_it_fits_no_jump_and_only_when_none_of_its_packets_comes():
    seen = 0
    for seed in range(FIRST, FIRST + COUNT):
        made = rules(Random(seed))
        lines = [each.text for name in made for each in made[name]]
        declared = [f":{name} - [0:0]" for name in CHAINS]
        told = set(lines_of(subject(*declared, *lines), "NAT006"))
        let_through, coming = ways(made, returned=False), ways(made, returned=True)
        reached = {each.text for each, packets in coming if packets}
        assert reached - fitting(let_through) <= told, f"seed {seed}\n" + "\n".join(lines)
        assert not told & fitting(coming), f"seed {seed}\n" + "\n".join(lines)
        seen += len(told)
    assert seen > COUNT / 5
