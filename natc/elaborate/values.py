"""Single values: the text of one token to numbers, range-checked."""

import re
from collections.abc import Callable
from datetime import date

from natc import address
from natc.address import Family
from natc.diagnostics import Edit, Fix
from natc.dsl import ast
from natc.elaborate.problem import Problem
from natc.ir.fields import INTERFACE_BYTES, USER_BYTES
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import AddressSet
from natc.packet import PORT_PROTOCOLS, PROTOCOL_NAMES, PROTOCOLS
from natc.source import Span

PortReader = Callable[[str, Span, int], IntervalSet]
"""Reads ports as `ports` does."""

LAST_MARK = 0xFFFFFFFF
LAST_USER = 0xFFFFFFFE
"""The last uid; 2**32-1 means "no change" to the system calls.  Source: chown(2), setreuid(2)."""

_SPECIAL = re.compile(r"[/:\[-]")
"""What an address has that is not a plain IPv4 host."""

_WHOLE = re.compile(r"0x[0-9A-Fa-f]+|[0-9]+")

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def addresses(text: str, span: Span) -> AddressSet:
    """Read `a`, `a/length` or `a-b`, IPv4 or IPv6, in brackets or not.

    Raises:
        Problem: NAT206 for a bad value, NAT009 for host bits, NAT008 for a range across families.
    """
    if not _SPECIAL.search(text):
        try:
            return AddressSet(point(address.parse_ipv4(text)))
        except ValueError as error:
            raise Problem("NAT206", str(error), span) from None
    if text.startswith("["):
        if not text.endswith("]"):
            raise Problem("NAT206", f"`{text}` is not an IPv6 address", span)
        text, span = text[1:-1], Span(span.source, span.start + 1, span.end - 1)
    if "-" in text:
        low_text, _, high_text = text.partition("-")
        family, low = _one(low_text, _part(span, 0, low_text))
        high_span = _part(span, len(low_text) + 1, high_text)
        other, high = _one(high_text, high_span)
        if other is not family:
            raise Problem("NAT008", "a range from one address family to the other", span)
        if low > high:
            raise Problem(
                "NAT206", "the range is reversed", span, help=f"write `{high_text}-{low_text}`"
            )
        return _of(family, interval(low, high))
    base, slash, length_text = text.partition("/")
    family, value = _one(base, _part(span, 0, base))
    if not slash:
        return _of(family, interval(value, value))
    length = _prefix_length(family, length_text, _part(span, len(base) + 1, length_text))
    hosts = (1 << family.bits - length) - 1
    if value & hosts:
        network = f"{address.text_of(family, value & ~hosts)}/{length}"
        raise Problem(
            "NAT009",
            "the address has bits set beyond its prefix length",
            span,
            help=f"write `{network}` for the network, or `{base}` for the host",
            fix=Fix(
                f"write `{network}`, which is what iptables makes of it",
                (Edit(span, network),),
                is_safe=False,  # Nobody knows which of the two was meant.
            ),
        )
    return _of(family, interval(value, value | hosts))


def endpoint_parts(
    literal: ast.Endpoint, read: PortReader | None = None
) -> tuple[str, Span, IntervalSet]:
    """Split `HOST:PORTS` into the host's text, empty for `:3128`, its place, and the ports."""
    host, _, ports_text = literal.text.rpartition(":")
    found = (read or ports)(ports_text, literal.span, len(host) + 1)
    return host, _part(literal.span, 0, host), found


def is_name(host: str) -> bool:
    """Tell a name from an address, of the host part of an endpoint."""
    return host[:1].isalpha() or host[:1] == "_"


def ports(text: str, span: Span, offset: int = 0) -> IntervalSet:
    """Read `80` or `8000-8010`, each 1..65535, which stands at `offset` of `span`.

    Raises:
        Problem: NAT206.
    """
    if len(text) <= 5 and _is_decimal(text) and 0 < (value := int(text)) <= 65535:
        return point(value)
    return _numbers(text, _part(span, offset, text), "port", 1, 65535)


def service(protocol_text: str, protocol_span: Span) -> int:
    """Read the protocol of `tcp/…`: one that has ports.

    Raises:
        Problem: NAT203 for a protocol without ports, NAT206 for an unknown one.
    """
    number = PROTOCOLS.get(protocol_text)
    if number is None:
        raise Problem(
            "NAT206",
            f"unknown protocol `{protocol_text}`",
            protocol_span,
            help="ports belong to `tcp`, `udp` or `sctp`",
        )
    if number not in PORT_PROTOCOLS:
        raise Problem(
            "NAT203",
            f"`{protocol_text}` has no ports that the kernel can match and translate",
            protocol_span,
            help="ports belong to `tcp`, `udp` or `sctp`",
        )
    return number


def service_parts(literal: ast.Service, read: PortReader | None = None) -> tuple[int, IntervalSet]:
    """Read `tcp/80`."""
    protocol, _, ports_text = literal.text.partition("/")
    number = PROTOCOLS.get(protocol, -1)
    if number not in PORT_PROTOCOLS:
        number = service(protocol, _part(literal.span, 0, protocol))
    return number, (read or ports)(ports_text, literal.span, len(protocol) + 1)


def protocol(literal: ast.Name | ast.Number) -> int | None:
    """Read a protocol by name or number; None when it is neither.

    Raises:
        Problem: NAT206 for a number over 255.
    """
    if isinstance(literal, ast.Number):
        return _numbers(literal.text, literal.span, "protocol", 0, 255).first
    return PROTOCOLS.get(literal.text)


def protocol_name(number: int) -> str:
    """Return the name of a protocol, or its number."""
    return PROTOCOL_NAMES.get(number, str(number))


def mark(literal: ast.Mark | ast.Number) -> tuple[int, int]:
    """Read `V` or `V/MASK` to value and mask.

    Raises:
        Problem: NAT206 when out of 0..2**32-1, or with bits of the value outside the mask.
    """
    value_text, slash, mask_text = literal.text.partition("/")
    try:
        value = _whole(value_text)
        mask = _whole(mask_text) if slash else LAST_MARK
    except ValueError:
        raise Problem(
            "NAT206",
            f"`{literal.text}` is not a mark",
            literal.span,
            help="write `0x1` or `0x1/0xff`",
        ) from None
    if value > LAST_MARK or mask > LAST_MARK:
        raise Problem("NAT206", "a mark has 32 bits", literal.span)
    if value & ~mask:
        raise Problem(
            "NAT206",
            f"the mark `{literal.text}` can never match: it has bits outside its mask",
            literal.span,
            help=f"write `{value & mask:#x}/{mask:#x}`",
        )
    return value, mask


def users(literal: ast.Name | ast.Number | ast.String) -> tuple[int, int] | str:
    """Read a uid range, both ends included, or a login name.

    Raises:
        Problem: NAT206 for a uid out of range, NAT204 for a name over 32 bytes.
    """
    if isinstance(literal, ast.Number):
        return _numbers(literal.text, literal.span, "uid", 0, LAST_USER).ranges[0]
    if len(literal.text.encode()) > USER_BYTES or not is_login(literal.text):
        raise Problem("NAT204", f"`{literal.text}` is not a login name", literal.span)
    return literal.text


def is_login(text: str) -> bool:
    """Whether `text` can be a login name.  Source: useradd(8), CAVEATS."""
    return text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum()


def interface(literal: ast.Name | ast.String) -> str:
    """Read a kernel interface name, with a final `+` as a wildcard.

    Raises:
        Problem: NAT204.
    """
    text = literal.text
    if len(text.encode().removesuffix(b"+")) > INTERFACE_BYTES or len(text) > INTERFACE_BYTES:
        raise Problem(
            "NAT204",
            f"interface name of {len(text.encode())} bytes, more than {INTERFACE_BYTES}",
            literal.span,
        )
    unwanted = not text or text in (".", "..") or not text.isascii()
    if unwanted or any(
        char.isspace() or char in '/:"\\!,' or not char.isprintable() for char in text
    ):
        raise Problem("NAT204", f"`{text}` is not an interface name", literal.span)
    if "+" in text[:-1]:
        raise Problem(
            "NAT204",
            f"`{text}` has a `+` inside",
            literal.span,
            help="`+` stands at the end: `ppp+`",
        )
    return text


def seconds(literal: ast.Duration) -> float:
    """Read `500ms`, `2s`, `5m`, `3h`, `1d`.

    Raises:
        Problem: NAT206 for no time at all, or more than 30 days.
    """
    digits = literal.text.rstrip("msdh")
    value = int(digits[:12]) * _SECONDS[literal.text[len(digits) :]]
    if not 0 < value <= 30 * 86400:
        raise Problem("NAT206", "a duration lies between 1ms and 30d", literal.span)
    return value


def count(literal: ast.Number, what: str, low: int, high: int) -> int:
    """Read one whole number in `low`..`high`.

    Raises:
        Problem: NAT206.
    """
    values = _numbers(literal.text, literal.span, what, low, high)
    if values.size != 1:
        raise Problem("NAT206", f"a {what} is one number, not a range", literal.span)
    return values.first


def day(literal: ast.Date) -> date:
    """Read `2027-01-31`.

    Raises:
        Problem: NAT206 for a day that no calendar has.
    """
    try:
        return date.fromisoformat(literal.text)
    except ValueError:
        raise Problem("NAT206", f"there is no day `{literal.text}`", literal.span) from None


def _one(text: str, span: Span) -> tuple[Family, int]:
    try:
        return address.parse(text)
    except ValueError as error:
        raise Problem("NAT206", str(error), span) from None


def _prefix_length(family: Family, text: str, span: Span) -> int:
    if "." in text:
        raise Problem("NAT206", f"`{text}` is a mask", span, help=_length_of(text))
    return _numbers(text, span, f"{family} prefix length", 0, family.bits).first


def _length_of(mask: str) -> str:
    """Return help that names the prefix length of a mask, an example where it has none."""
    every = Family.IPV4.last
    try:
        value = address.parse_ipv4(mask)
    except ValueError:
        value = 1
    length = value.bit_count()
    if value == every ^ (every >> length):
        return f"write the prefix length: `/{length}`"
    return "write the prefix length: `/24` for 255.255.255.0"


def _numbers(text: str, span: Span, what: str, low: int, high: int) -> IntervalSet:
    first_text, dash, last_text = text.partition("-")
    first = _number(first_text, _part(span, 0, first_text), what, low, high)
    if not dash:
        return interval(first, first)
    last = _number(last_text, _part(span, len(first_text) + 1, last_text), what, low, high)
    if first > last:
        raise Problem(
            "NAT206", "the range is reversed", span, help=f"write `{last_text}-{first_text}`"
        )
    return interval(first, last)


def _whole(text: str) -> int:
    """Read `16` or `0x10`; `int` alone would take `1_6` and `0b10000` as well.

    Raises:
        ValueError: anything else, an octal-looking `020` included.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text, 0)


def _is_decimal(text: str) -> bool:
    return text.isascii() and text.isdecimal()  # `isdecimal()` holds for digits of any script.


def _number(text: str, span: Span, what: str, low: int, high: int) -> int:
    # int() of a very long text is slow and, from 4,300 digits on, an error of its own.
    value = int(text) if _is_decimal(text) and len(text) <= 12 else -1
    if not low <= value <= high:
        raise Problem("NAT206", f"{what} `{text}` is not in {low} to {high}", span)
    return value


def _of(family: Family, values: IntervalSet) -> AddressSet:
    return AddressSet(ipv4=values) if family is Family.IPV4 else AddressSet(ipv6=values)


def _part(span: Span, offset: int, text: str) -> Span:
    return Span(span.source, span.start + offset, span.start + offset + len(text))
