"""Sets of interfaces to the shortest expression that says them."""

from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.dsl import ast
from natc.dsl.keywords import KEYWORDS
from natc.elaborate.names import closest
from natc.importers.remarks import Unsayable
from natc.importers.sets import braces, is_bare
from natc.ir.fields import (
    INTERFACE_BYTES,
    Field,
    interface,
    interface_patterns,
    universe,
    values_of_prefix,
)
from natc.ir.intervals import IntervalSet, interval

EVERY_INTERFACE = universe(Field.IN_INTERFACE, Family.IPV4) - IntervalSet(((0, 0),))

Zones = Mapping[str, IntervalSet]
NO_ZONES: Zones = {}


def interfaces(values: IntervalSet, zones: Zones = NO_ZONES) -> ast.SetExpr:
    """Say a set of interfaces: names, `prefix+`, `prefix+ except name`, `not name`.

    Args:
        zones: what names of zones mean where interfaces stand.

    Raises:
        Unsayable: no patterns describe the set, or a name has odd characters.
    """
    plain = patterns(values)
    if plain is not None:
        return braces(_interface(name, zones) for name in plain)
    others = patterns(EVERY_INTERFACE - values)
    if others is not None:
        return ast.Not(braces(_interface(name, zones) for name in others))
    return braces(_with_exceptions(values, zones))


def patterns(values: IntervalSet) -> list[str] | None:
    """Return names and `prefix+` patterns whose union is `values`; None when there are none."""
    try:
        return interface_patterns(values)
    except UnicodeDecodeError:  # The end of a range need not be a name.
        return None


def _with_exceptions(values: IntervalSet, zones: Zones) -> Iterator[ast.SetExpr]:
    """Yield names, and `prefix+` without some names."""
    left = values
    while left:
        prefix, holes = _widest(left, values)
        said = [_interface(name, zones) for name in holes]
        pattern = _interface(prefix, zones)
        yield ast.Except(pattern, braces(said)) if said else pattern
        left -= interface(prefix)


def _widest(left: IntervalSet, values: IntervalSet) -> tuple[str, list[str]]:
    """Return the widest pattern from the first name of `left` on, and what it holds too much."""
    low, high = left.ranges[0]
    first, last = (n.to_bytes(INTERFACE_BYTES, "big") for n in (low, high))
    if low == high and first.isascii():
        return first.rstrip(b"\0").decode(), []
    common = next((i for i in range(INTERFACE_BYTES) if first[i] != last[i]), 0)
    for length in range(common, 0, -1):
        prefix = first[:length]
        holes = patterns(interval(*values_of_prefix(prefix)) - values)
        if holes is not None and prefix.isascii() and 0 not in prefix:
            return f"{prefix.decode()}+", holes
    raise Unsayable("a set of interfaces that no patterns describe")


def _interface(name: str, zones: Zones) -> ast.SetExpr:
    said = interface_name(name)
    if name in zones:
        return said if zones[name] == interface(name) else ast.String(name)
    # A name without a digit may be taken for a slip of a zone's.
    is_plain = any(char.isdecimal() or char == "+" for char in name)
    return said if is_plain or closest(name, zones) is None else ast.String(name)


def interface_name(name: str) -> ast.Name | ast.String:
    """Say one interface or pattern, where no zone has its name.

    Raises:
        Unsayable: it has odd characters.
    """
    if not name.isascii() or any(char in '/:"\\!, ' for char in name):
        raise Unsayable("an interface name with odd characters")
    is_free = name not in KEYWORDS and name not in ("local", "dynamic")
    return ast.Name(name) if is_free and is_bare(name) else ast.String(name)
