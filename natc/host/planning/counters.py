"""How often the rules of each policy line were used, as the kernel counts.  Pure."""

import re
from collections.abc import Iterable

from natc.host.planning.prospect import policy_line
from natc.record import Record

_COUNTED = re.compile(r"\[(\d+):(\d+)\] (-A .*)").fullmatch


class Counter(Record):
    """What the rules of one policy line have seen, all together.

    Attributes:
        line: the file, its line and the name of the rule, as in the rules' comments.
        connections: whether connections are counted, by their first packet, as in the table nat;
            else packets.
        bytes: of those packets.
    """

    line: str
    connections: bool
    count: int
    bytes: int


def counters(dumps: Iterable[str]) -> list[Counter]:
    """Return the counters that `iptables-save -c` printed, in the order of the policy's lines.

    Source: only the first packet of a connection meets the rules of nat (docs/kernel.md).
    """
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for dump in dumps:
        table = ""
        for line in dump.splitlines():
            if line.startswith("*"):
                table = line[1:].strip()
            elif counted := _COUNTED(line):
                name = policy_line(counted[3])
                if name is not None:
                    key = name, table == "nat"
                    count, size = found.get(key, (0, 0))
                    found[key] = count + int(counted[1]), size + int(counted[2])
    made = [Counter(*key, *values) for key, values in found.items()]
    return sorted(made, key=lambda counter: _order(counter.line))


def _order(line: str) -> tuple[str, int, str]:
    place, _, name = line.partition(" ")
    file, _, number = place.rpartition(":")
    return file, int(number) if number.isdecimal() else 0, name
