"""The dimensions of a packet: one row each, with its universe.

Every dimension is a range of integers, so that one set type serves all.  Interface names become
integers too: the name's bytes, padded with zeros to 15, read as a big-endian number.  Then
`ppp+` is an interval (all names that begin with `ppp`), and 0 is "no interface".
"""

from enum import IntEnum
from functools import cache

from natc.address import Family
from natc.ir.intervals import IntervalSet, interval, point

INTERFACE_BYTES = 15
"""Longest interface name.  Source: include/uapi/linux/if.h, IFNAMSIZ 16 with the final NUL."""

USER_BYTES = 32
NO_USER = 0
"""The user of a packet that no local process sent."""

ANY_USERS = IntervalSet(((1, (1 << 8 * (USER_BYTES + 1)) - 1),))
"""Every user that a local process can have."""

LAST_UID = (1 << 32) - 1
"""What stands for the last uid, 2**32-2; names come after it."""

UNNAMED_USER = LAST_UID
"""Stands for a user that no policy names."""


class Field(IntEnum):
    """A dimension; the value is its index in a `Box`.

    `ORIGINAL_…` and `TRANSLATED` are what connection tracking remembers of the packet before the
    destination phase: they matter in the source phase only.  `TRANSLATED` is 1 when the destination
    became another one; a rule that turns it to where it was going translates nothing.
    """

    IN_INTERFACE = 0
    OUT_INTERFACE = 1
    SOURCE = 2
    DESTINATION = 3
    PROTOCOL = 4
    SOURCE_PORT = 5
    DESTINATION_PORT = 6
    LOCAL_DESTINATION = 7
    USER = 8
    ORIGINAL_DESTINATION = 9
    ORIGINAL_PORT = 10
    TRANSLATED = 11

    __hash__ = int.__hash__  # Enum's own is a function of Python's, and slow.


_INTERFACES = interval(0, (1 << 8 * INTERFACE_BYTES) - 1)
_PORTS = interval(0, 65535)
_BOOLEAN = interval(0, 1)
_ADDRESSES = {family: interval(0, family.last) for family in Family}

_UNIVERSES = {
    Field.IN_INTERFACE: _INTERFACES,
    Field.OUT_INTERFACE: _INTERFACES,
    Field.PROTOCOL: interval(0, 255),
    Field.SOURCE_PORT: _PORTS,
    Field.DESTINATION_PORT: _PORTS,
    Field.LOCAL_DESTINATION: _BOOLEAN,
    Field.USER: interval(0, (1 << 8 * (USER_BYTES + 1)) - 1),
    Field.ORIGINAL_PORT: _PORTS,
    Field.TRANSLATED: _BOOLEAN,
}


_TABLE = {
    family: tuple(_UNIVERSES.get(field, _ADDRESSES[family]) for field in Field) for family in Family
}


def universe(field: Field, family: Family) -> IntervalSet:
    """Return every value that `field` can have."""
    return _TABLE[family][field]


def universes(family: Family) -> tuple[IntervalSet, ...]:
    """Return every value of each field, by index."""
    return _TABLE[family]


@cache
def interface(name: str) -> IntervalSet:
    """Return the set that an interface pattern means: a name, or `prefix+`; `+` is any.

    Raises:
        ValueError: longer than 15 bytes, a bug in natc: NAT204 is reported first.
    """
    if name.endswith("+"):
        prefix = name[:-1].encode()
        rest = INTERFACE_BYTES - len(prefix)
        low = int.from_bytes(prefix.ljust(INTERFACE_BYTES, b"\0"), "big")
        return interval(max(low, 1), low | ((1 << 8 * rest) - 1))
    return point(interface_number(name))


def interface_number(name: str) -> int:
    """Return the integer that stands for an exact interface name."""
    raw = name.encode()
    if len(raw) > INTERFACE_BYTES:
        raise ValueError(f"interface name {name!r} is too long")
    return int.from_bytes(raw.ljust(INTERFACE_BYTES, b"\0"), "big")


def interface_patterns(values: IntervalSet) -> list[str] | None:
    """Return names and `prefix+` patterns whose union is `values`, or None if there are none."""
    patterns = []
    for low, high in values.ranges:
        name = low.to_bytes(INTERFACE_BYTES, "big").rstrip(b"\0")
        if (low, high) == values_of_prefix(b""):
            patterns.append("+")
        elif low == high:
            patterns.append(name.decode())
        elif values_of_prefix(name) == (low, high):
            patterns.append(f"{name.decode()}+")
        else:
            return None
    return patterns


def values_of_prefix(prefix: bytes) -> tuple[int, int]:
    """Return the interval of the names that begin with `prefix`."""
    low = int.from_bytes(prefix.ljust(INTERFACE_BYTES, b"\0"), "big")
    return low or 1, low | ((1 << 8 * (INTERFACE_BYTES - len(prefix))) - 1)


def user_number(user: str) -> int:
    """Return the integer that stands for a uid (decimal) or a login name.

    Names are never looked up: natc does not know the gateway's accounts, so a name and a number
    count as different users.
    """
    if user.isdecimal():
        return int(user) + 1
    return int.from_bytes(b"\1" + user.encode().ljust(USER_BYTES, b"\0"), "big")


def user_text(number: int) -> str:
    """Return the uid or login name that `user_number` made `number` from."""
    if number <= LAST_UID:
        return str(number - 1)
    return number.to_bytes(USER_BYTES + 1, "big")[1:].rstrip(b"\0").decode()
