"""Rule sets of shapes that make a linter work in different ways, as IR rules of one hook."""

from collections.abc import Callable, Iterator
from random import Random

from natc.address import Family
from natc.ir.actions import Dnat, Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Rule
from natc.ir.space import Box, Region
from natc.source import Source, Span

_LAST = (1 << 32) - 1
_TCP = {Field.PROTOCOL: point(6)}


def disjoint(count: int, random: Random) -> Iterator[Box]:
    """Yield forwards of one address and port each."""
    for index in range(count):
        address = (198 << 24) + index // 200
        port = point(1024 + index % 200 * 7 + random.randrange(7))
        yield Box.of(_TCP | {Field.DESTINATION: point(address), Field.DESTINATION_PORT: port})


def nested(count: int, random: Random) -> Iterator[Box]:
    """Yield source networks inside each other, the narrow ones first."""
    bits = sorted((random.choice((8, 12, 16, 20, 24, 32)) for _ in range(count)), reverse=True)
    for length in bits:
        size = 1 << 32 - length
        low = random.randrange(1 << 32) & ~(size - 1)
        yield Box.of({Field.SOURCE: interval(low, low + size - 1)})


def mixed(count: int, random: Random) -> Iterator[Box]:
    """Yield forwards, networks, and now and then a rule for nearly all."""
    for index in range(count):
        low = random.randrange(1 << 24) << 8
        match random.randrange(50):
            case 0:
                yield Box.of({Field.SOURCE: interval(low & ~0xFFFF, low | 0xFFFF)})
            case number if number < 20:
                yield Box.of(_TCP | {Field.SOURCE: interval(low, low + 255)})
            case _:
                port = point(random.randrange(1, 65536))
                yield Box.of(
                    _TCP
                    | {Field.DESTINATION: point(low + index % 256), Field.DESTINATION_PORT: port}
                )


def overlapping(count: int, random: Random) -> Iterator[Box]:
    """Yield wide ranges in every field: all meet all."""
    for _ in range(count):
        yield Box.of(
            {
                Field.SOURCE: _wide(random, _LAST),
                Field.DESTINATION: _wide(random, _LAST),
                Field.DESTINATION_PORT: _wide(random, 65535),
            }
        )


def unions(count: int, random: Random) -> Iterator[Box]:
    """Yield lists of twenty addresses each."""
    for _ in range(count):
        values = (random.randrange(1 << 32) for _ in range(20))
        yield Box.of({Field.SOURCE: IntervalSet.of((value, value) for value in values)})


def checkerboard(count: int, random: Random) -> Iterator[Box]:
    """Yield the fields of a board, then rules for all of it: the worst there is."""
    side = max(2, int((count * 0.9) ** 0.5))
    fields = [(row, column) for row in range(side) for column in range(side)]
    random.shuffle(fields)
    for row, column in fields:
        yield Box.of({Field.SOURCE: point(row), Field.DESTINATION: point(column)})
    for _ in range(count - len(fields)):
        yield Box.of(
            {Field.SOURCE: interval(0, side - 1), Field.DESTINATION: interval(0, side - 1)}
        )


def windows(count: int, random: Random) -> Iterator[Box]:
    """Yield hosts in a row, then ranges of many of them: each is covered by many."""
    hosts = count // 2
    for host in range(hosts):
        yield Box.of({Field.SOURCE: point(host)})
    width = min(hosts // 4, 500)
    for _ in range(count - hosts):
        low = random.randrange(hosts - width)
        yield Box.of({Field.SOURCE: interval(low, low + width)})


def _wide(random: Random, last: int) -> IntervalSet:
    low = random.randrange(last // 2)
    return interval(low, min(last, low + random.randrange(last // 4, last // 2)))


SHAPES: dict[str, Callable[[int, Random], Iterator[Box]]] = {
    "disjoint forwards": disjoint,
    "nested networks": nested,
    "mixed": mixed,
    "everything overlaps": overlapping,
    "address unions": unions,
    "checkerboard": checkerboard,
    "hosts, then ranges": windows,
}


def rules(shape: str, count: int) -> list[Rule]:
    """Return `count` rules of a shape, the same each time; three targets take turns."""
    boxes = SHAPES[shape](count, Random(1))
    source = Source("rules", "x" * count)
    return [
        Rule(
            f"{index}",
            Family.IPV4,
            Hook.PREROUTING,
            Region((box,)),
            Dnat(point(index % 3)),
            Span(source, index, index + 1),
        )
        for index, box in enumerate(boxes)
    ]
