"""A set of one dimension to the fewest kernel matches.

Each function returns alternatives: lists of matches that all hold, so that a packet is in the set
when one alternative holds.  One alternative is one kernel rule.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from natc import address
from natc.address import Family
from natc.ir.conditions import Condition, InSet, Mark
from natc.ir.fields import (
    ANY_USERS,
    INTERFACE_BYTES,
    LAST_UID,
    NO_USER,
    Field,
    interface_patterns,
    universe,
    user_text,
    values_of_prefix,
)
from natc.ir.intervals import IntervalSet, interval
from natc.packet import PROTOCOL_NAMES
from natc.record import Record
from natc.targets.iptables.model import Match, Option

Alternative = tuple[Match, ...]

MULTIPORT_SLOTS = 15
"""Ports in one multiport match; a range takes two.  Source: iptables-extensions(8), multiport."""

_MOST_HOLES = 8
_MOST_PROTOCOLS = 8
"""Protocols listed one by one before exceptions are cheaper."""

PROTOCOL_WORDS = {
    number: name
    for number, name in PROTOCOL_NAMES.items()
    if name in {"tcp", "udp", "sctp", "icmp", "esp", "ah", "udplite", "dccp"}
} | {58: "ipv6-icmp"}
"""Protocols that iptables knows by name in every version; the others go by number."""


class Cover(Record):
    """A set as alternatives, minus exceptions.

    Attributes:
        exceptions: what the alternatives hold too much; empty when they are exact.
    """

    alternatives: tuple[Alternative, ...]
    exceptions: tuple[Alternative, ...] = ()


def one(module: str, flag: str, *values: str, negated: bool = False) -> Match:
    """Return a match of one option."""
    return Match(module, (Option(flag, values, negated),))


# Addresses.


def addresses(values: IntervalSet, side: str, family: Family) -> Cover:
    """Cover addresses; `side` is `src` or `dst`.

    One interval is one CIDR or one iprange.  Intervals with small gaps between them are written as
    one block with exceptions: `-s 10.0.0.0/24`, but not 10.0.0.7.
    """
    if len(values.ranges) == 1:
        text = cidr_text(values.ranges[0], family)
        if text is not None:
            return Cover(((one("", "-s" if side == "src" else "-d", text),),))
    groups = _groups(values.ranges)
    return Cover(tuple(_block(group, side, family) for group in groups))


def _groups(ranges: tuple[tuple[int, int], ...]) -> list[list[tuple[int, int]]]:
    """Put ranges together where the gaps between them are smaller than what they hold."""
    groups: list[list[tuple[int, int]]] = []
    held = gaps = 0
    for low, high in ranges:
        size = high - low + 1
        if groups:
            gap = low - groups[-1][-1][1] - 1
            if gaps + gap < held + size and len(groups[-1]) <= _MOST_HOLES:
                groups[-1].append((low, high))
                held, gaps = held + size, gaps + gap
                continue
        groups.append([(low, high)])
        held, gaps = size, 0
    return groups


def _block(group: list[tuple[int, int]], side: str, family: Family) -> Alternative:
    """Return one block that holds the ranges of `group` and none of the gaps."""
    low, high = group[0][0], group[-1][1]
    holes = [(before[1] + 1, after[0] - 1) for before, after in pairwise(group)]
    if (high - low + 1) * 2 > family.last + 1:
        if low > 0:
            holes.insert(0, (0, low - 1))
        if high < family.last:
            holes.append((high + 1, family.last))
        low, high = 0, family.last
    matches: list[Match] = []
    if (low, high) != (0, family.last):
        matches.append(_address_match((low, high), side, family, negated=False))
    for hole in holes:
        # `-s` can stand once in a rule, so further exceptions are ipranges.
        plain = not matches or not any(match.module == "" for match in matches)
        matches.append(_address_match(hole, side, family, negated=True, plain=plain))
    return tuple(matches)


def _address_match(
    block: tuple[int, int], side: str, family: Family, *, negated: bool, plain: bool = True
) -> Match:
    cidr = cidr_text(block, family)
    if cidr is not None and plain:
        return one("", "-s" if side == "src" else "-d", cidr, negated=negated)
    low, high = (address.text_of(family, value) for value in block)
    return one("iprange", f"--{side}-range", f"{low}-{high}", negated=negated)


def cidr_text(block: tuple[int, int], family: Family) -> str | None:
    """Return `block` as an address or `network/length`, None when it is not one network."""
    low, high = block
    size = high - low + 1
    if size & (size - 1) or low & (size - 1):
        return None
    text = address.text_of(family, low)
    return text if size == 1 else f"{text}/{family.bits - size.bit_length() + 1}"


def cidr_cover(values: IntervalSet) -> Iterator[tuple[int, int]]:
    """Yield the fewest networks whose union is `values`."""
    for low, high in values.ranges:
        start = low
        while start <= high:
            size = start & -start or 1 << (high + 1).bit_length()
            while start + size - 1 > high:
                size >>= 1
            yield start, start + size - 1
            start += size


# Ports.


def ports(values: IntervalSet, side: str, protocol: str) -> Cover:
    """Cover ports of one protocol; `side` is `source` or `destination`."""
    if values.size == 1:
        short = "--sport" if side == "source" else "--dport"
        return Cover(((one(protocol, short, str(values.first)),),))
    rest = interval(0, 65535) - values
    positive = list(_port_chunks(values))
    negative = list(_port_chunks(rest))
    if len(negative) == 1 and (len(positive) > 1 or _slots(negative[0]) < _slots(positive[0])):
        return Cover(((_port_match(negative[0], side, protocol, negated=True),),))
    return Cover(tuple((_port_match(chunk, side, protocol, negated=False),) for chunk in positive))


def _slots(chunk: list[tuple[int, int]]) -> int:
    return sum(1 if low == high else 2 for low, high in chunk)


def _port_chunks(values: IntervalSet) -> Iterator[list[tuple[int, int]]]:
    """Cut a set into lists that one multiport match takes."""
    chunk: list[tuple[int, int]] = []
    for block in values.ranges:
        if chunk and _slots([*chunk, block]) > MULTIPORT_SLOTS:
            yield chunk
            chunk = []
        chunk.append(block)
    if chunk:
        yield chunk


def _port_match(chunk: list[tuple[int, int]], side: str, protocol: str, *, negated: bool) -> Match:
    texts = [str(low) if low == high else f"{low}:{high}" for low, high in chunk]
    short = "sport" if side == "source" else "dport"
    if len(texts) == 1:
        return one(protocol, f"--{short}", texts[0], negated=negated)
    return one("multiport", f"--{short}s", ",".join(texts), negated=negated)


# Protocols, interfaces, users.


@lru_cache(maxsize=512)
def protocols(values: IntervalSet) -> Cover:
    """Cover IP protocol numbers."""
    rest = universe(Field.PROTOCOL, Family.IPV4) - values
    if values.size <= _MOST_PROTOCOLS or values.size <= rest.size:
        return Cover(tuple((one("", "-p", protocol_text(number)),) for number in _members(values)))
    if rest.size == 1:
        return Cover(((one("", "-p", protocol_text(rest.first), negated=True),),))
    return Cover(((),), tuple((one("", "-p", protocol_text(n)),) for n in _members(rest)))


def protocol_text(number: int) -> str:
    """Return how a restore text names a protocol."""
    return PROTOCOL_WORDS.get(number, str(number))


def _members(values: IntervalSet) -> Iterator[int]:
    for low, high in values.ranges:
        yield from range(low, high + 1)


@lru_cache(maxsize=512)
def interfaces(values: IntervalSet, flag: str) -> Cover | None:
    """Cover interface names; `flag` is `-i` or `-o`.  None when no patterns describe the set."""
    everything = universe(Field.IN_INTERFACE, Family.IPV4) - IntervalSet(((0, 0),))
    if everything <= values:
        return Cover(((),))
    patterns = interface_patterns(values)
    if patterns is not None:
        return Cover(tuple((one("", flag, pattern),) for pattern in patterns))
    rest = interface_patterns(everything - values)
    if rest is not None and len(rest) == 1:
        return Cover(((one("", flag, rest[0], negated=True),),))
    if rest is not None:
        return Cover(((),), tuple((one("", flag, pattern),) for pattern in rest))
    return _prefix_with_exceptions(values, flag)


def _prefix_with_exceptions(values: IntervalSet, flag: str) -> Cover | None:
    """Return `prefix+` patterns with exceptions: `eth+` but not `eth0`."""
    positive: list[Alternative] = []
    exceptions: list[Alternative] = []
    left = values
    while left:
        prefix = _widest_prefix(left, values)
        if prefix is None:
            return None
        block = interval(*values_of_prefix(prefix))
        outside = interface_patterns(block - values)
        if outside is None:
            return None
        positive.append((one("", flag, f"{prefix.decode()}+"),))
        exceptions += ((one("", flag, pattern),) for pattern in outside)
        left -= block
    return Cover(tuple(positive), tuple(exceptions))


def _widest_prefix(left: IntervalSet, values: IntervalSet) -> bytes | None:
    """Return the longest prefix of the first name in `left` whose gaps are whole patterns."""
    low, high = left.ranges[0]
    first, last = (n.to_bytes(INTERFACE_BYTES, "big") for n in (low, high))
    common = 0
    while common < INTERFACE_BYTES and first[common] == last[common]:
        common += 1
    for length in range(common, -1, -1):
        prefix = first[:length].rstrip(b"\0")
        if len(prefix) == length:
            block = interval(*values_of_prefix(prefix))
            if interface_patterns(block - values) is not None:
                return prefix
    return None


def users(values: IntervalSet, family: Family) -> Cover:
    """Cover users.  The kernel counts a packet without a sender as not of any user."""
    if NO_USER in values:
        rest = universe(Field.USER, family) - values
        return Cover((tuple(_owner(block, negated=True) for block in rest.ranges),))
    if not all(low == high or high <= LAST_UID for low, high in values.ranges):
        rest = ANY_USERS - values
        sent = Option("--socket-exists")
        if not rest:
            return Cover(((Match("owner", (sent,)),),))
        first, *others = (_owner(block, negated=True) for block in rest.ranges)
        return Cover(((Match("owner", (sent, *first.options)), *others),))
    return Cover(tuple((_owner(block, negated=False),) for block in values.ranges))


def _owner(block: tuple[int, int], *, negated: bool) -> Match:
    low, high = (user_text(number) for number in block)
    return one("owner", "--uid-owner", low if low == high else f"{low}-{high}", negated=negated)


# Connection tracking, address types, conditions.


def local_destination(values: IntervalSet) -> Cover:
    """Cover whether the destination is the gateway's own."""
    return Cover(((one("addrtype", "--dst-type", "LOCAL", negated=1 not in values),),))


def translated(values: IntervalSet) -> Cover:
    """Cover whether the destination of the connection was translated."""
    return Cover(((one("conntrack", "--ctstate", "DNAT", negated=1 not in values),),))


def original_destination(values: IntervalSet, family: Family) -> Cover:
    """Cover the destination that the client asked for."""
    rest = universe(Field.ORIGINAL_DESTINATION, family) - values
    negative = list(cidr_cover(rest))
    positive = list(cidr_cover(values))
    if len(negative) == 1 and len(positive) > 1:
        return Cover(((_original(negative[0], family, negated=True),),))
    return Cover(tuple((_original(block, family, negated=False),) for block in positive))


def _original(block: tuple[int, int], family: Family, *, negated: bool) -> Match:
    text = cidr_text(block, family)
    if text is None:
        raise AssertionError("a cover holds networks")
    return one("conntrack", "--ctorigdst", text, negated=negated)


def original_ports(values: IntervalSet) -> Cover:
    """Cover the destination port that the client asked for."""
    rest = interval(0, 65535) - values
    if len(rest.ranges) < len(values.ranges) and len(rest.ranges) == 1:
        return Cover(((_original_port(rest.ranges[0], negated=True),),))
    return Cover(tuple((_original_port(block, negated=False),) for block in values.ranges))


def _original_port(block: tuple[int, int], *, negated: bool) -> Match:
    low, high = block
    text = str(low) if low == high else f"{low}:{high}"
    return one("conntrack", "--ctorigdstport", text, negated=negated)


def condition(found: Condition) -> Match:
    """Return the match of a condition."""
    if isinstance(found, Mark):
        full = found.mask == 0xFFFFFFFF
        text = f"{found.value:#x}" if full else f"{found.value:#x}/{found.mask:#x}"
        return one("mark", "--mark", text, negated=found.negated)
    if isinstance(found, InSet):
        return one("set", "--match-set", found.name, ",".join(found.flags), negated=found.negated)
    raise AssertionError("natc only reads such matches, it does not write them")


def merged(modules: list[Match]) -> list[Match]:
    """Put what is asked of connection tracking into one match: each option stands there once."""
    tracked = [match for match in modules if match.module == "conntrack"]
    if len(tracked) < 2:
        return modules
    options = tuple(option for match in tracked for option in match.options)
    apart = [match for match in modules if match.module != "conntrack"]
    return [*apart, Match("conntrack", options)]
