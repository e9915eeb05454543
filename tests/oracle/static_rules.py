"""One to one: `static`, in both directions."""

from natc.address import Family
from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.answers import Choice, Verdict
from tests.oracle.matching import families
from tests.oracle.scope import Scope
from tests.oracle.sets import is_interface, members


def inward(scope: Scope, static: ast.Static, packet: Packet) -> Verdict | None:
    """Turn what comes for an outer address to the inner one."""
    if packet.in_interface is None or not _is_about(scope, static, packet):
        return None
    if not _is_on(scope, static, packet.in_interface):
        return None
    return _mapped(
        scope,
        static.outside,
        static.inside,
        packet.family,
        packet.destination,
        packet.destination_port,
    )


def outward(scope: Scope, static: ast.Static, packet: Packet) -> Verdict | None:
    """Have what comes from an inner address come from the outer one."""
    if not _is_about(scope, static, packet):
        return None
    if not _is_on(scope, static, packet.out_interface):
        return None
    return _mapped(
        scope, static.inside, static.outside, packet.family, packet.source, packet.source_port
    )


def _is_about(scope: Scope, static: ast.Static, packet: Packet) -> bool:
    return packet.family in families(scope, static.clauses, static.inside, static.outside)


def _is_on(scope: Scope, static: ast.Static, interface: str | None) -> bool:
    return all(
        is_interface(scope, clause.value, interface)
        for clause in static.clauses
        if clause.keyword == "on"
    )


def _mapped(
    scope: Scope,
    before: ast.SetExpr,
    after: ast.SetExpr,
    family: Family,
    address: int,
    port: int | None,
) -> Verdict | None:
    """Send the k-th address of one set to the k-th of the other."""
    theirs = sorted(members(scope, before, family))
    if address not in theirs:
        return None
    new = sorted(members(scope, after, family))[theirs.index(address)]
    ports = None if port is None else frozenset({port})
    return Verdict("translated", (Choice(frozenset({new}), ports),))
