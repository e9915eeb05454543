"""IP addresses as integers.  A leaf; the hot path of the compiler, hence no `ipaddress` objects.

IPv4 addresses are integers 0..2**32-1, IPv6 addresses 0..2**128-1.
"""

from enum import IntEnum


class Family(IntEnum):
    """An address family; the value is the IP version."""

    IPV4 = 4
    IPV6 = 6

    __hash__ = int.__hash__  # Enum's own is a function of Python's, and slow.

    @property
    def bits(self) -> int:
        """Width of an address."""
        return 32 if self is Family.IPV4 else 128

    @property
    def last(self) -> int:
        """The highest address."""
        return (1 << self.bits) - 1

    def __str__(self) -> str:
        return f"IPv{self.value}"


FAMILIES = (Family.IPV4, Family.IPV6)
"""The families, for loops that run for every rule: iterating an enum is slow."""


def parse(text: str) -> tuple[Family, int]:
    """Read one address without port, brackets or prefix length.

    Raises:
        ValueError: not an address; the message says what is wrong with it.
    """
    if ":" in text:
        from ipaddress import IPv6Address  # noqa: PLC0415 - start-up

        try:
            return Family.IPV6, int(IPv6Address(text))
        except ValueError:
            raise ValueError(f"`{text}` is not an IPv6 address") from None
    return Family.IPV4, parse_ipv4(text)


def parse_ipv4(text: str) -> int:
    """Read a dotted quad; leading zeros are refused, since some tools read them as octal.

    Raises:
        ValueError: not an IPv4 address; the message says what is wrong with it.
    """
    try:
        a, b, c, d = text.split(".")
        return _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
    except (KeyError, ValueError):
        raise _not_ipv4(text) from None


_OCTETS = {str(number): number for number in range(256)}
"""The numbers of a dotted quad: a table is faster than `int`, and refuses ` 1`, `+1` and `01`."""


def _not_ipv4(text: str) -> ValueError:
    """Return what is wrong with `text`, which is not a dotted quad."""
    parts = text.split(".")
    if len(parts) != 4:
        return ValueError(f"`{text}` is not an IPv4 address: it has {len(parts)} numbers, not 4")
    for part in parts:
        if not part.isdecimal() or not part.isascii():
            break
        if len(part) > 1 and part[0] == "0":
            return ValueError(
                f"`{part}` in `{text}` has a leading zero, which some tools read as octal"
            )
        if len(part) > 3 or int(part) > 255:
            return ValueError(f"`{part}` in `{text}` is over 255")
    return ValueError(f"`{text}` is not an IPv4 address")


def text_of(family: Family, value: int) -> str:
    """Write `value` as an address, IPv6 in the form of RFC 5952; what is no number, as it is."""
    if type(value) is not int:
        return str(value)
    if family is Family.IPV4:
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
    from ipaddress import IPv6Address  # noqa: PLC0415 - start-up

    return str(IPv6Address(value))
