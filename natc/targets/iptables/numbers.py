"""Values as iptables reads them: addresses, ports, marks."""

from natc import address
from natc.address import Family
from natc.ir.conditions import EVERY_BIT
from natc.ir.intervals import IntervalSet, interval, point

SERVICES = {
    "ftp-data": 20,
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "bootps": 67,
    "bootpc": 68,
    "tftp": 69,
    "http": 80,
    "kerberos": 88,
    "pop3": 110,
    "sunrpc": 111,
    "ntp": 123,
    "netbios-ns": 137,
    "netbios-dgm": 138,
    "netbios-ssn": 139,
    "imap2": 143,
    "snmp": 161,
    "ldap": 389,
    "https": 443,
    "microsoft-ds": 445,
    "submission": 587,
    "imaps": 993,
    "pop3s": 995,
    "openvpn": 1194,
    "mysql": 3306,
    "ms-wbt-server": 3389,
    "postgresql": 5432,
    "http-alt": 8080,
}
"""Names of ports that a hand-written file may use.  Source: IANA's registry."""


class Unreadable(ValueError):  # noqa: N818 - an answer, not an error of natc
    """natc does not know what a value means, or iptables would refuse it."""


def addresses(text: str, family: Family) -> IntervalSet:
    """Read `a`, `a/length` or `a/mask`; host bits are ignored, as iptables does.

    Raises:
        Unreadable: a host name, or a mask with holes.
    """
    base, slash, mask = text.partition("/")
    value = _address(base, family)
    if not slash:
        return point(value)
    hosts = family.last >> _length(mask, family)
    return interval(value & ~hosts, value | hosts)


def _length(mask: str, family: Family) -> int:
    if mask.isascii() and mask.isdecimal():
        length = int(mask)
    else:
        bits = family.last ^ _address(mask, family)
        length = family.bits - bits.bit_length()
        if bits & (bits + 1):
            raise Unreadable(f"the mask {mask} has holes")
    if length > family.bits:
        raise Unreadable(f"the prefix length {mask} is too long")
    return length


def _address(text: str, family: Family) -> int:
    if family is Family.IPV4 and text.isascii() and text.replace(".", "").isdecimal():
        parts = text.split(".")  # `10.1` is 10.1.0.0 before a mask in old files.
        text = ".".join([*parts, *["0"] * (4 - len(parts))]) if 1 < len(parts) < 4 else text
    try:
        found, value = address.parse(text)
    except ValueError:
        raise Unreadable(f"`{text}` is no address") from None
    if found is not family:
        raise Unreadable(f"`{text}` is no {family} address")
    return value


def address_range(text: str, family: Family) -> IntervalSet:
    """Read `a-b`, or `a`.

    Raises:
        Unreadable: as `addresses`, or a reversed range.
    """
    low, dash, high = text.partition("-")
    first = _address(low, family)
    last = _address(high, family) if dash else first
    if last < first:
        raise Unreadable(f"the range {text} is reversed")
    return interval(first, last)


def port(text: str) -> int:
    """Read a port, 0..65535, by number or a common name.

    Raises:
        Unreadable: neither.
    """
    if text in SERVICES:
        return SERVICES[text]
    value = number(text)
    if value > 65535:
        raise Unreadable(f"`{text}` is no port")
    return value


def ports(text: str, separator: str = ":") -> IntervalSet:
    """Read `a`, `a:b`, `:b` or `a:`.

    Raises:
        Unreadable: not ports, or a reversed range.
    """
    low, colon, high = text.partition(separator)
    if not colon:
        return point(port(low))
    first, last = port(low) if low else 0, port(high) if high else 65535
    if last < first:
        raise Unreadable(f"the range {text} is reversed")
    return interval(first, last)


def number(text: str) -> int:
    """Read a number, decimal or with `0x`.

    Raises:
        Unreadable: not one.
    """
    try:
        if not text.isascii() or "_" in text or text[:1] in "+-":
            raise ValueError
        return int(text, 16 if text[:2].lower() == "0x" else 10)
    except ValueError:
        raise Unreadable(f"`{text}` is no number") from None


def mark(text: str) -> tuple[int, int]:
    """Read `value` or `value/mask`.

    Raises:
        Unreadable: not a mark of 32 bits.
    """
    value_text, slash, mask_text = text.partition("/")
    value = number(value_text)
    mask = number(mask_text) if slash else EVERY_BIT
    if value > EVERY_BIT or mask > EVERY_BIT:
        raise Unreadable(f"`{text}` is no mark")
    return value, mask
