"""Which address of a pool the kernel takes: a hash decides, so it can be foretold.

Source: net/netfilter/nf_nat_core.c, get_unique_tuple(), find_best_ips_proto(); Linux 6.18.
"""

from collections.abc import Sequence
from typing import Literal

from natc.address import Family
from natc.ir.actions import PortChoice
from natc.ir.intervals import IntervalSet

_WORD = 0xFFFF_FFFF
_HASHED_WORDS = 4
"""The kernel hashes the room for an IPv6 address in both families; IPv4 fills it up with zeros."""

_JHASH_INITVAL = 0xDEAD_BEEF
_MIX = (4, 6, 8, 16, 19, 4)
_FINAL = (14, 11, 25, 16, 4, 14, 24)


def chosen(
    pool: IntervalSet,
    family: Family,
    source: int,
    destination: int,
    *,
    persistent: bool,
    side: Literal["source", "destination"],
) -> int:
    """Return the address that a translation takes from its pool.

    Neither ports nor the protocol matter.  Exact on little-endian machines, in the default zone of
    connection tracking.  For SNAT something may come first: see `is_kept`.

    In IPv4 the pool is shared out evenly, and so is one of IPv6 whose addresses differ in their
    last 32 bits alone.  Else the hash is spent on each of the four words of an address in turn: on
    the word's part of the range while the words before it are those of the last address, on any
    value from then on.  The kernel's arithmetic has two odd ends.  A word that may be anything
    becomes 0 if it is the first to differ: a /64 uses 2**32 addresses, a /96 one.  And the choice
    may lie *outside* a range, unless the words of its first address are 0 after the first that
    differs: `fd00::fff0-fd00::1:0:10` is such a range.

    Args:
        pool: one range.
        source: as the packet came.
        destination: at the moment of the choice: for `side` "source", already translated.
        side: which of the two is chosen.
    """
    ((low, high),) = pool.ranges
    if low == high:
        return low
    towards = _words(family, destination)
    hashed = _jhash2(
        (*_words(family, source), 0, 0, 0)[:_HASHED_WORDS], 0 if persistent else towards[-1]
    )
    address = 0
    is_below_high = False
    for seen, shift in zip(towards, range(family.bits - 32, -1, -32), strict=True):
        least, most = low >> shift & _WORD, high >> shift & _WORD
        base, count = (0, _WORD) if is_below_high else (least, most - least + 1 & _WORD)
        word = base + (hashed * count >> 32) & _WORD
        address = address << 32 | word
        is_below_high = is_below_high or word != most
        if not persistent:
            hashed ^= seen if side == "source" else _as_read(word)
    return address


def is_kept(
    pool: IntervalSet,
    ports: IntervalSet | None,
    address: int,
    port: int | None,
    choice: PortChoice = PortChoice.KEEP,
) -> bool:
    """Return whether SNAT prefers this address and port to what `chosen` returns.

    It asks first for the packet's own source; then for what a connection that exists was mapped
    to, if it began with the same source address, port and protocol, whatever its destination.
    Either is taken only if no other connection looks the same towards this destination.  DNAT
    prefers nothing, nor does SNAT with a random port.

    Args:
        ports: of the rule; None when it names none.
        port: None for protocols without.
    """
    is_right = ports is None or port is None or port in ports
    return choice is PortChoice.KEEP and address in pool and is_right


def _words(family: Family, address: int) -> tuple[int, ...]:
    """Return an address's words, first one first, each as the kernel reads it from the packet."""
    shifts = range(family.bits - 32, -1, -32)
    return tuple(_as_read(address >> shift & _WORD) for shift in shifts)


def _as_read(word: int) -> int:
    """Return a word of a packet as a little-endian machine reads it."""
    return int.from_bytes(word.to_bytes(4, "big"), "little")


def _jhash2(words: Sequence[int], initval: int) -> int:
    """Return Bob Jenkins's hash of 32-bit words.

    Source: include/linux/jhash.h, jhash2(), Linux 6.18; it is lookup3.c's hashword(), in the public
    domain.  The reference names its three variables at each of its steps.  Here they change places
    instead, so that all steps are the same.
    """
    a = b = c = _JHASH_INITVAL + 4 * len(words) + initval & _WORD
    start = 0
    while len(words) - start > 3:
        a, b, c = (x + word & _WORD for x, word in zip((a, b, c), words[start:], strict=False))
        for bits in _MIX:
            a, b, c = b, c + b & _WORD, (a - c & _WORD) ^ _rotated(c, bits)
        start += 3
    rest = (*words[start:], 0, 0, 0)
    a, b, c = a + rest[0] & _WORD, b + rest[1] & _WORD, c + rest[2] & _WORD
    for bits in _FINAL:
        a, b, c = b, (c ^ b) - _rotated(b, bits) & _WORD, a
    return b


def _rotated(word: int, bits: int) -> int:
    """Return a word rotated to the left."""
    return (word << bits | word >> 32 - bits) & _WORD
