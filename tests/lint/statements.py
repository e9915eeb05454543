"""Random statements of the language over a few packets, and what each does to every one of them.

Nothing here knows natc: a statement is a text, and beside it what the text means.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random

from natc.ir.actions import Hook
from natc.record import Record

Word = tuple[str, frozenset[int]]
"""A part of a statement, and which values of its field it holds."""

SOURCES: tuple[Word, ...] = (
    ("", frozenset({0, 1, 2})),
    ("from 192.168.3.8", frozenset({0})),
    ("from 192.168.3.8/31", frozenset({0, 1})),
    ("from { 192.168.3.9, 192.168.3.8 }", frozenset({0, 1})),
    ("from not 192.168.3.8", frozenset({1, 2})),
)
"""Hosts 192.168.3.8 and 192.168.3.9, and all others."""

DESTINATIONS: tuple[Word, ...] = (
    ("", frozenset({0, 1, 2})),
    ("to 203.0.113.2", frozenset({0})),
    ("to 203.0.113.3", frozenset({1})),
    ("to 203.0.113.2-203.0.113.3", frozenset({0, 1})),
    ("to not 203.0.113.3", frozenset({0, 2})),
)

SERVICES: tuple[Word, ...] = (
    ("tcp/80", frozenset({0})),
    ("tcp/{80,81}", frozenset({0, 1})),
    ("tcp/80-81", frozenset({0, 1})),
    ("tcp/81", frozenset({1})),
    ("tcp", frozenset({0, 1, 2})),
    ("udp/80", frozenset({3})),
    ("", frozenset(range(6))),
)
"""tcp 80, 81 and others, udp 80 and others, other protocols."""

PORTS = {0: 80, 1: 81, 3: 80}
"""Of the services that have one port."""

WAYS: tuple[Word, ...] = (("", frozenset({0, 1})), ("{} eth0", frozenset({0})))


class Packet(Record):
    """The way is 0 for eth0, and 1 for the others."""

    way: int
    source: int
    destination: int
    service: int


EVERY_PACKET = tuple(Packet(*values) for values in product(range(2), range(3), range(3), range(6)))


class Statement(Record):
    """One statement.

    Attributes:
        takes: the packets that it matches in each hook.
        target: what stands behind the arrow; None for `exempt`.
        claim: of a forward of ports, for which packets it is, wherever they come from; None for
            others.
    """

    text: str
    takes: dict[Hook, frozenset[Packet]]
    target: tuple[str, int | None] | None = None
    claim: frozenset[tuple[int, int]] | None = None

    def effect(self, packet: Packet) -> object:
        """Return what becomes of a packet that the statement decides on."""
        if self.target is None:
            return "unchanged"
        address, port = self.target
        return address, PORTS.get(packet.service) if port is None else port


def statements(random: Random, count: int) -> list[Statement]:
    """Return random statements, some of which come twice."""
    made: list[Statement] = []
    while len(made) < count:
        again = made and random.random() < 0.1
        made.append(random.choice(made) if again else _statement(random))
    return made


def _statement(random: Random) -> Statement:
    match random.randrange(3):
        case 0:
            return _forward(random)
        case 1:
            target = random.choice(("203.0.113.5", "203.0.113.6", None))
            text, packets = _matches(random, "out")
            verb, arrow = ("masquerade", "") if target is None else ("snat", f" -> {target}")
            takes = {Hook.POSTROUTING: packets}
            return Statement(f"{verb} {text}{arrow}", takes, (target or "own", None))
    return _exemption(random)


def _forward(random: Random) -> Statement:
    port = random.choice((None, None, 80, 8080))
    services = SERVICES if port is None else SERVICES[:-1]
    service, to = random.choice(services), random.choice(DESTINATIONS[1:])
    text, packets = _matches(random, "in", service, to)
    address = random.choice(("192.168.4.8", "192.168.4.9"))
    arrow = address if port is None else f"{address}:{port}"
    claim = frozenset(product(service[1], to[1])) if "/" in service[0] else None
    return Statement(f"dnat {text} -> {arrow}", {Hook.PREROUTING: packets}, (address, port), claim)


def _exemption(random: Random) -> Statement:
    word, hook = random.choice((("in", Hook.PREROUTING), ("out", Hook.POSTROUTING)))
    text, packets = _matches(random, word)
    hooks = [hook] if word in text.split() else [Hook.PREROUTING, Hook.OUTPUT, Hook.POSTROUTING]
    return Statement(f"exempt {text}", dict.fromkeys(hooks, packets))


def _matches(
    random: Random, word: str, service: Word | None = None, to: Word | None = None
) -> tuple[str, frozenset[Packet]]:
    way = random.choice(WAYS)
    source = random.choice(SOURCES)
    destination = to or random.choice(DESTINATIONS)
    service = service or random.choice(SERVICES)
    parts = (service[0], source[0], destination[0], way[0].format(word))
    packets = (Packet(*values) for values in product(way[1], source[1], destination[1], service[1]))
    return " ".join(part for part in parts if part), frozenset(packets)


def deciders(
    above: Sequence[Statement], hook: Hook, packets: frozenset[Packet]
) -> Iterator[tuple[Packet, Statement | None]]:
    """Yield each packet with the first statement that takes it."""
    for packet in packets:
        yield packet, next((each for each in above if packet in each.takes.get(hook, ())), None)


def dead_in(made: Sequence[Statement], place: int) -> list[Hook]:
    """Return the hooks in which statements above take all packets of a statement."""
    above = made[:place]
    return [
        hook
        for hook, packets in made[place].takes.items()
        if all(first is not None for _, first in deciders(above, hook, packets))
    ]


def text_of(made: Sequence[Statement]) -> str:
    return "".join(f"{statement.text}\n" for statement in made)
