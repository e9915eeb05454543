"""Zones and networks: the sides of the gateway."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, cast

from natc.address import Family
from natc.diagnostics import Label
from natc.dsl import ast
from natc.elaborate import values
from natc.elaborate.problem import Problem
from natc.elaborate.scope import Place, Scope
from natc.ir.intervals import IntervalSet, interval
from natc.ir.policy import AddressSet, Network, Zone

_FORWARD = ("nat", "route", "open", "isolated", "bridge")
_LISTED = ("interface", "address", "subnet")
_MOST_ADDRESSES = 256
"""Addresses of the gateway in one zone."""

LIBVIRT_PORTS = interval(1024, 65535)
"""Source: libvirt, src/network/bridge_driver_linux.c, the default of `<nat><port/></nat>`."""


def place(block: ast.Block, scope: Scope, position: int) -> Place:
    """Return the zone or network that `block` declares.

    Args:
        position: 1-based, among the policy's zones and networks; it numbers stand-in addresses.

    Raises:
        Problem: NAT012, NAT013, NAT017 and what its values raise.
    """
    entries = _entries(block)
    if block.kind == "zone":
        return _zone(block, entries, scope, position)
    return _network(block, entries, scope)


def network_ports(block: ast.Block) -> IntervalSet:
    """Return the source ports of a `forward nat` network.

    Raises:
        Problem: NAT017, NAT206.
    """
    entry = _entries(block).get("ports")
    if entry is None:
        return LIBVIRT_PORTS
    if not isinstance(entry.value, ast.Number):
        raise Problem("NAT017", "expected a range of ports", entry.value.span)
    return values.ports(entry.value.text, entry.value.span)


def _entries(block: ast.Block) -> dict[str, ast.Entry]:
    found: dict[str, ast.Entry] = {}
    for entry in block.entries:
        earlier = found.get(entry.keyword)
        if earlier is not None:
            raise Problem(
                "NAT012",
                f"`{entry.keyword}` twice in one {block.kind}",
                entry.span,
                related=(Label(earlier.span, "first here"),),
                help="write a list: `{ a, b }`" if entry.keyword in _LISTED else "keep one of them",
            )
        found[entry.keyword] = entry
    return found


def _required(
    block: ast.Block, entries: dict[str, ast.Entry], keyword: str, example: str
) -> ast.Entry:
    entry = entries.get(keyword)
    if entry is None:
        raise Problem(
            "NAT013",
            f"the {block.kind} `{block.name.text}` has no {keyword}",
            block.name.span,
            help=f"add `{example}`",
        )
    return entry


def _zone(block: ast.Block, entries: dict[str, ast.Entry], scope: Scope, position: int) -> Zone:
    interfaces = _required(block, entries, "interface", "interface eth0")
    address = entries.get("address")
    subnet = entries.get("subnet")
    dynamic = address is not None and address.value == ast.Name("dynamic")
    own: tuple[tuple[Family, int], ...] = ()
    if dynamic:
        own = _stand_ins(position)
    elif address is not None:
        own = _own_addresses(address.value, scope)
    return Zone(
        block.name.text,
        tuple(_interface_names(interfaces.value, scope)),
        own,
        dynamic,
        scope.addresses(subnet.value).addresses if subnet else AddressSet(),
        block.span,
    )


def _stand_ins(position: int) -> tuple[tuple[Family, int], ...]:
    ipv4 = (198 << 24) + (18 << 16) + ((position & 0x1FF) << 8) + 1
    ipv6 = (0x20010002 << 96) + (position << 64) + 1
    return (Family.IPV4, ipv4), (Family.IPV6, ipv6)


def _network(block: ast.Block, entries: dict[str, ast.Entry], scope: Scope) -> Network:
    bridge = _required(block, entries, "bridge", "bridge virbr1").value
    subnet = _required(block, entries, "subnet", "subnet 192.168.50.0/24")
    forward = _required(block, entries, "forward", "forward nat").value
    address, owner, ports = (entries.get(word) for word in ("address", "owner", "ports"))
    if not isinstance(bridge, ast.Name | ast.String):
        raise Problem("NAT017", "a bridge is one interface", bridge.span)
    if not isinstance(forward, ast.Name) or forward.text not in _FORWARD:
        raise Problem(
            "NAT206",
            f"unknown way to forward: `{forward.span.text}`",
            forward.span,
            help=f"one of {', '.join(f'`{way}`' for way in _FORWARD)}",
        )
    if owner is not None and not isinstance(owner.value, ast.Name):
        raise Problem("NAT017", "the owner is the name of a program", owner.value.span)
    if ports is not None and forward.text != "nat":
        raise Problem("NAT011", "`ports` belong to `forward nat`", ports.span)
    where = scope.addresses(subnet.value).addresses
    own: Iterable[tuple[Family, int]] = ()
    if address is not None:
        own = _own_addresses(address.value, scope)
    elif forward.text != "bridge":  # Whose first host is somebody else's router.
        own = _first_hosts(where)
    return Network(
        block.name.text,
        _exact_interface(bridge),
        where,
        cast(Literal["nat", "route", "open", "isolated", "bridge"], forward.text),
        tuple(own),
        owner.value.text if owner is not None and isinstance(owner.value, ast.Name) else None,
        block.span,
    )


def _first_hosts(subnet: AddressSet) -> Iterator[tuple[Family, int]]:
    """Yield the address that libvirt and people give the gateway: the first host's."""
    for family in Family:
        values_ = subnet.of(family)
        if values_ and values_.size > 2:
            yield family, values_.first + 1


def _own_addresses(expression: ast.SetExpr, scope: Scope) -> tuple[tuple[Family, int], ...]:
    """Return single addresses, in the order written."""
    own = tuple(islice(_single_addresses(expression, scope), _MOST_ADDRESSES + 1))
    if len(own) > _MOST_ADDRESSES:
        raise Problem(
            "NAT206",
            f"more than {_MOST_ADDRESSES} addresses of the gateway itself",
            expression.span,
            help="`address` is the gateway's own address, `subnet` the addresses around it",
        )
    return own


def _single_addresses(expression: ast.SetExpr, scope: Scope) -> Iterator[tuple[Family, int]]:
    if isinstance(expression, ast.Braces):
        for item in expression.items:
            yield from _single_addresses(item.value, scope)
        return
    if expression == ast.Name("dynamic"):
        raise Problem(
            "NAT017",
            "`dynamic` stands alone, in a zone",
            expression.span,
            help="`address dynamic` is for addresses that only the kernel knows",
        )
    found = scope.addresses(expression).addresses
    for family in Family:
        for low, high in found.of(family).ranges:
            yield from ((family, value) for value in range(low, high + 1))


def _interface_names(expression: ast.SetExpr, scope: Scope) -> Iterator[str]:
    match expression:
        case ast.Name() | ast.String():
            yield values.interface(expression)
        case ast.Braces(items):
            for item in items:
                yield from _interface_names(item.value, scope)
        case _:
            raise Problem("NAT017", "expected an interface or a list of them", expression.span)


def _exact_interface(name: ast.Name | ast.String) -> str:
    text = values.interface(name)
    if text.endswith("+"):
        raise Problem("NAT204", "a bridge has one exact name", name.span)
    return text
