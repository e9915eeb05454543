"""The zones that an imported policy cannot do without."""

from collections.abc import Iterable, Mapping

from natc import address
from natc.address import Family
from natc.dsl import ast
from natc.elaborate.names import check_name
from natc.elaborate.problem import Problem
from natc.importers import sets
from natc.importers.interfaces import EVERY_INTERFACE, interface_name, patterns
from natc.importers.remarks import Unsayable
from natc.ir.intervals import IntervalSet
from natc.record import Record

GATEWAY = "gateway"
"""The zone that stands for all of the gateway's own addresses, whatever they are."""


class Side(Record):
    """What rules tell of a side of the gateway.

    Attributes:
        own: the gateway's address there; None where no rule tells.
        subnet: of the clients there; None where no rule tells.
    """

    name: str
    interfaces: IntervalSet
    own: int | None = None
    subnet: IntervalSet | None = None


_ALL = Side(GATEWAY, EVERY_INTERFACE)


def side(interfaces: IntervalSet) -> Side:
    """Return the side that some interfaces lead to, named after them.

    Raises:
        Unsayable: their names make none.
    """
    named = patterns(interfaces) or ()
    name = "-".join(p.replace("+", "-any").strip("-").replace(".", "_") for p in named)
    try:
        check_name(ast.Name(name))
    except Problem:
        raise Unsayable("interfaces that no zone can be named after") from None
    if name == GATEWAY:
        raise Unsayable(f"a zone for an interface named `{GATEWAY}`")
    return Side(name, interfaces)


def both(one: Side, other: Side) -> Side | None:
    """Return what is known of one side from two places; None when they contradict each other."""
    if one.interfaces != other.interfaces:
        return None
    if one.subnet is None or other.subnet is None:
        return one if other.subnet is None else other
    return one if one == other else None


def together(sides: Iterable[Side]) -> Mapping[str, Side]:
    """Return sides by name, each once; where two contradict, the first."""
    found: dict[str, Side] = {}
    for each in sides:
        known = found.get(each.name)
        found[each.name] = each if known is None else both(known, each) or known
    return found


def gateway() -> Side:
    """Return the side that stands for the gateway itself."""
    return _ALL


def zone(found: Side, family: Family) -> ast.Block:
    """Return the zone of a side."""
    if found == _ALL:
        entries = [
            ast.Entry("interface", ast.String("+")),
            ast.Entry("address", ast.Name("dynamic")),
        ]
        said = ast.Comments(beside="# all of its own addresses, whatever they are")
        return ast.Block("zone", ast.Name(GATEWAY), tuple(entries), comments=said)
    names = patterns(found.interfaces) or ()
    entries = [ast.Entry("interface", sets.braces(interface_name(name) for name in names))]
    if found.own is not None:
        entries.append(ast.Entry("address", ast.Address(address.text_of(family, found.own))))
    if found.subnet is not None:
        entries.append(ast.Entry("subnet", sets.listed(found.subnet, family)))
    return ast.Block("zone", ast.Name(found.name), tuple(entries))
