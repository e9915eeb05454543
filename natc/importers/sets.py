"""Exact sets to the shortest expression that says them."""

import re
from collections.abc import Iterable, Iterator

from natc import address
from natc.address import Family
from natc.dsl import ast
from natc.elaborate.services import ALL_PORTS, EVERY_SERVICE, ServiceSet
from natc.importers.remarks import Unsayable
from natc.ir.fields import (
    ANY_USERS,
    LAST_UID,
    Field,
    user_text,
)
from natc.ir.intervals import IntervalSet, interval
from natc.packet import PORT_PROTOCOLS, PROTOCOL_NAMES

_PORTED = tuple(sorted(PORT_PROTOCOLS))
_NAMES = {number: name for number, name in PROTOCOL_NAMES.items() if name != "ipv6"}
"""Protocols that can be named; `ipv6` means the family."""


def braces(values: Iterable[ast.SetExpr]) -> ast.SetExpr:
    """Return a list of values, or the only one."""
    listed = tuple(values)
    return listed[0] if len(listed) == 1 else ast.Braces(tuple(ast.Item(v) for v in listed))


def _fewest(ways: Iterable[tuple[int, ast.SetExpr]]) -> ast.SetExpr:
    """Return the cheapest of several ways to say a set; the first of equal ones."""
    return min(ways, key=lambda way: way[0])[1]


# Addresses.


def addresses(values: IntervalSet, family: Family) -> ast.SetExpr:
    """Say a set of addresses: as a list, as a network with exceptions, or by what is not in it."""
    everything = interval(0, family.last)
    ways = [(_cost(values, family), listed(values, family))]
    hull = _network_around(values)
    holes = hull - values
    if hull != everything and holes:
        base = ast.Address(range_text(hull, family))
        ways.append((3 + _cost(holes, family), ast.Except(base, listed(holes, family))))
    others = everything - values
    if others:
        ways.append((1 + _cost(others, family), ast.Not(listed(others, family))))
    return _fewest(ways)


def _cost(values: IntervalSet, family: Family) -> int:
    """Return what a list costs a reader: ranges are harder than networks."""
    texts = [range_text(IntervalSet((block,)), family) for block in values.ranges]
    return sum(3 if "-" in text else 2 for text in texts) + (len(texts) > 1)


def listed(values: IntervalSet, family: Family) -> ast.SetExpr:
    """Say a set of addresses as a list of hosts, networks and ranges."""
    return braces(ast.Address(range_text(IntervalSet((r,)), family)) for r in values.ranges)


def range_text(values: IntervalSet, family: Family) -> str:
    """Return one range of addresses as a host, a network or `a-b`."""
    low, size = values.first, values.size
    if size > 1 and (size & (size - 1) or low & (size - 1)):
        return bounds_text(values, family)
    first = address.text_of(family, low)
    return first if size == 1 else f"{first}/{family.bits - size.bit_length() + 1}"


def bounds_text(values: IntervalSet, family: Family) -> str:
    """Return one range of addresses as `a-b`."""
    first, last = (address.text_of(family, value) for value in (values.first, values.last))
    return f"{first}-{last}"


def _network_around(values: IntervalSet) -> IntervalSet:
    hosts = (1 << (values.first ^ values.last).bit_length()) - 1
    return interval(values.first & ~hosts, values.last | hosts)


# Ports and services.


def ports(values: IntervalSet) -> ast.SetExpr:
    """Say a set of ports.  Port 0 has no number in the language, but may be left over."""
    if 0 in values:
        return ast.Not(_port_list(ALL_PORTS - values))
    return _port_list(values)


def _port_list(values: IntervalSet) -> ast.SetExpr:
    return braces(ast.Number(number_text(low, high)) for low, high in values.ranges)


def number_text(low: int, high: int) -> str:
    """Return one number, or a range."""
    return str(low) if low == high else f"{low}-{high}"


def services(values: ServiceSet) -> ast.SetExpr:
    """Say a set of protocols and ports.

    Raises:
        Unsayable: neither it nor its complement can be named.
    """
    plain = _service_list(values)
    if plain is not None:
        return braces(plain)
    others = _service_list(EVERY_SERVICE - values)
    if others is None:
        raise Unsayable("a protocol without a name in the language", Field.PROTOCOL)
    return ast.Not(braces(others))


def _service_list(values: ServiceSet) -> list[ast.SetExpr] | None:
    """Return the services one by one; None when one has no name."""
    listed: list[ast.SetExpr] = []
    for number, held in zip(_PORTED, values.ports, strict=True):
        name = _NAMES[number]
        if held == ALL_PORTS:
            listed.append(ast.Name(name))
        elif 0 in held:
            listed.append(ast.Except(ast.Name(name), _of_protocol(name, ALL_PORTS - held)))
        elif held:
            listed.append(_of_protocol(name, held))
    for low, high in values.others.ranges:
        for number in range(low, high + 1):
            if number not in _NAMES:
                return None
            listed.append(ast.Name(_NAMES[number]))
    return listed


def _of_protocol(name: str, values: IntervalSet) -> ast.SetExpr:
    numbers = _port_list(values)
    if isinstance(numbers, ast.Braces):
        return ast.PortList(name, numbers)
    (low, high), *_ = values.ranges
    return ast.Service(f"{name}/{number_text(low, high)}")


# Names and users.


_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")


def is_bare(name: str) -> bool:
    """Whether a name needs no quotes after a word that asks for one."""
    return _BARE.fullmatch(name) is not None and name != "not"


def users(values: IntervalSet) -> ast.SetExpr:
    """Say a set of users of the gateway.

    Raises:
        Unsayable: packets without a sender are in it, or names that nobody named.
    """
    if not values <= ANY_USERS:
        raise Unsayable("packets without a sender cannot be asked for", Field.USER)
    plain = list(_user_list(values))
    if None not in plain:
        return braces(user for user in plain if user is not None)
    others = list(_user_list(ANY_USERS - values))
    if None in others or not others:
        raise Unsayable("packets of any sender cannot be asked for", Field.USER)
    return ast.Not(braces(user for user in others if user is not None))


def _user_list(values: IntervalSet) -> Iterator[ast.SetExpr | None]:
    """Yield uids and login names; None for a range of names."""
    for low, high in values.ranges:
        if high <= LAST_UID:
            yield ast.Number(number_text(low - 1, high - 1))
        elif low != high:
            yield None
        else:
            name = user_text(low)
            yield ast.Name(name) if is_bare(name) else ast.String(name)
