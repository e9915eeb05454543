"""Sets of addresses, ports and interfaces as people write them."""

from collections.abc import Callable

from natc import address
from natc.address import Family
from natc.ir.fields import interface_patterns
from natc.ir.intervals import IntervalSet, point
from natc.packet import PROTOCOL_NAMES
from natc.record import Record
from natc.simulate.site import EVERY_INTERFACE

_MOST_NAMES = 4
"""Interfaces that a text names."""


class Side(Record):
    """One end of a packet, as far as it is known.

    Attributes:
        addresses: all that it can be.
        ports: None for protocols without.
        of: the interface whose address it is, where natc does not know that; empty where it does.
    """

    addresses: IntervalSet
    ports: IntervalSet | None
    of: str = ""


def side(family: Family, end: Side) -> str:
    """Return one end as in a packet, with sets where the kernel may choose."""
    text = f"({end.of})" if end.of else addresses(family, end.addresses)
    if end.ports is None:
        return text
    bracketed = family is Family.IPV6 and not end.of and "{" not in text
    return f"[{text}]:{ports(end.ports)}" if bracketed else f"{text}:{ports(end.ports)}"


def addresses(family: Family, values: IntervalSet) -> str:
    """Return addresses and ranges, in braces where there are several."""
    return _listed(values, lambda value: address.text_of(family, value))


def ports(values: IntervalSet) -> str:
    """Return ports and ranges of them."""
    return _listed(values, str)


def _listed(values: IntervalSet, text: Callable[[int], str]) -> str:
    shown = [
        text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in values.ranges
    ]
    return shown[0] if len(shown) == 1 else f"{{ {', '.join(shown)} }}"


def interfaces(values: IntervalSet) -> str:
    """Return names and patterns, or those that are left out; of many, the first."""
    named = interface_patterns(values - point(0))
    if named is not None:
        return _some(named, "or")
    others = interface_patterns(EVERY_INTERFACE - values)
    return "one of many" if others is None else f"any but {_some(others, 'and')}"


def _some(names: list[str], word: str) -> str:
    if len(names) > _MOST_NAMES:
        rest = len(names) - _MOST_NAMES + 1
        names = [*names[: _MOST_NAMES - 1], f"{rest} more"]
        word = "and"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def protocol(number: int) -> str:
    """Return a protocol's name, or its number."""
    return PROTOCOL_NAMES.get(number, str(number))
