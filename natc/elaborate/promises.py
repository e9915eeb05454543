"""`test`, `assert` and `allow`: what the policy promises, and what it wants to hear nothing of."""

from collections.abc import Iterator
from typing import Literal as Choice

from natc.address import Family
from natc.diagnostics import codes
from natc.dsl import ast
from natc.elaborate import values
from natc.elaborate.arrival import LOOPBACK, arriving_interfaces, destination
from natc.elaborate.context import Context
from natc.elaborate.matching import (
    Matched,
    by_keyword,
    families,
    matched,
    own_addresses,
    region,
    zones_apart,
)
from natc.elaborate.names import nearest
from natc.elaborate.problem import Problem
from natc.elaborate.scope import Place, place_interfaces
from natc.ir.fields import Field, interface_number
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Allowance, Assertion, EndpointSet, Expectation, Network, Test
from natc.packet import PORT_PROTOCOLS, Packet
from natc.record import Record
from natc.source import Span

_SIDES: dict[str | None, Choice["source", "destination"] | None] = {
    None: None,
    "source": "source",
    "destination": "destination",
}


class _End(Record):
    """One side of a packet, or of an expectation."""

    addresses: IntervalSet | None
    ports: IntervalSet | None
    family: Family | None
    span: Span


def tests(test: ast.Test, context: Context) -> Iterator[Test]:
    """Yield the packets of a `test` block with what is expected of each.

    Raises:
        Problem: NAT020 for a packet without an expectation, or the other way round.
    """
    waiting: tuple[ast.PacketLine, Packet] | None = None
    found = False
    for line in test.lines:
        if isinstance(line, ast.PacketLine):
            if waiting is not None:
                raise Problem("NAT020", "a packet without `expect`", waiting[0].span)
            waiting = (line, packet(line, context))
            continue
        if waiting is None:
            raise Problem("NAT020", "`expect` without a packet before it", line.span)
        expected = _expectation(line.result, waiting[1], waiting[1].family, context)
        yield Test(test.name.text, waiting[1], expected, waiting[0].span, line.span)
        waiting, found = None, True
    if waiting is not None:
        raise Problem("NAT020", "a packet without `expect`", waiting[0].span)
    if not found:
        raise Problem("NAT020", "a test without a packet", test.name.span)


def packet(line: ast.PacketLine, context: Context) -> Packet:
    """Read a packet.

    Raises:
        Problem: NAT020 when it makes no sense, NAT206, NAT008.
    """
    protocol = values.protocol(line.protocol)
    if protocol is None:
        raise Problem("NAT206", f"unknown protocol `{line.protocol.text}`", line.protocol.span)
    said = by_keyword(line.clauses)
    source, destination = _end(line.source, context, None), _end(line.destination, context, None)
    family = source.family or destination.family or Family.IPV4
    source, destination = (
        _end(line.source, context, family),
        _end(line.destination, context, family),
    )
    if source.family is not destination.family:
        raise Problem(
            "NAT008", "source and destination are of different families", destination.span
        )
    arriving = said.get("in")
    if arriving is None:
        raise Problem(
            "NAT020",
            "a packet from nowhere",
            line.span,
            help="say where it arrives: `in ZONE`, or `in local` when the gateway made it",
        )
    if "user" in said and _interface(arriving, context) is not None:
        raise Problem("NAT209", "only packets made by the gateway have a user", said["user"].span)
    return Packet(
        family,
        protocol,
        _one_address(source),
        _port(source, protocol),
        _one_address(destination),
        _port(destination, protocol),
        _interface(arriving, context),
        _interface(said["out"], context, leaving=True) if "out" in said else None,
        _mark(said.get("mark")),
        _user(said.get("user")),
    )


def _one_address(end: _End) -> int:
    if end.addresses is None or end.addresses.size != 1:
        raise Problem("NAT020", "a packet has one address on each side", end.span)
    return end.addresses.first


def _port(end: _End, protocol: int) -> int | None:
    if protocol not in PORT_PROTOCOLS:
        if end.ports is not None:
            name = values.protocol_name(protocol)
            raise Problem("NAT020", f"`{name}` has no ports", end.span)
        return None
    if end.ports is None or end.ports.size != 1:
        name = values.protocol_name(protocol)
        raise Problem("NAT020", f"a {name} packet has one port on each side", end.span)
    return end.ports.first


def _end(expression: ast.SetExpr, context: Context, family: Family | None) -> _End:
    """Read an endpoint; a zone stands for the gateway's first address there."""
    span, ports, host = expression.span, None, expression
    if isinstance(expression, ast.Endpoint):
        text, host_span, ports = values.endpoint_parts(expression)
        if not text:
            return _End(None, ports, family, span)
        host = ast.Name(text, host_span) if values.is_name(text) else ast.Address(text, host_span)
    place = context.scope.named_place(host) if isinstance(host, ast.Name) else None
    if place is not None:
        wanted = family or (place.addresses[0][0] if place.addresses else Family.IPV4)
        return _End(point(_first_own(place, wanted, span)), ports, family, span)
    found = context.scope.addresses(host).addresses
    if family is None:
        only = min(found.families) if len(found.families) == 1 else None
        return _End(None, ports, only, span)
    addresses = found.of(family)
    if not addresses:
        raise Problem("NAT008", f"no {family} address here, for a packet of {family}", span)
    return _End(addresses, ports, family, span)


def _first_own(place: Place, family: Family, span: Span) -> int:
    if isinstance(place, Network) or not place.dynamic:
        own_addresses(place, family, span)
    return next(value for kind, value in place.addresses if kind is family)


def _interface(clause: ast.Clause, context: Context, *, leaving: bool = False) -> str | None:
    """Return the kernel name of one interface, the first of a zone; None for `local`."""
    value = clause.value
    if not isinstance(value, ast.Name | ast.String):
        raise Problem("NAT020", f"`{clause.keyword}` takes one interface or zone", clause.span)
    if value.text == "local" and isinstance(value, ast.Name):
        if leaving:
            raise Problem("NAT017", "`local` is not a way out", clause.span)
        return None
    place = context.scope.named_place(value) if isinstance(value, ast.Name) else None
    if place is None:
        context.scope.interfaces(value)
        name = values.interface(value)
    else:
        name = place.bridge if isinstance(place, Network) else place.interfaces[0]
    return f"{name[:-1]}0" if name.endswith("+") else name


def _mark(clause: ast.Clause | None) -> int:
    if clause is None:
        return 0
    if not isinstance(clause.value, ast.Mark | ast.Number):
        raise AssertionError("the grammar gives `mark` a mark")
    return values.mark(clause.value)[0]


def _user(clause: ast.Clause | None) -> str | None:
    if clause is None:
        return None
    if not isinstance(clause.value, ast.Name | ast.Number | ast.String):
        raise Problem("NAT020", "a packet has one user", clause.span)
    user = values.users(clause.value)
    if isinstance(user, str):
        return user
    if user[0] != user[1]:
        raise Problem("NAT020", "a packet has one user", clause.span)
    return str(user[0])


def _expectation(
    result: ast.Result, packet_: Packet | None, family: Family, context: Context
) -> Expectation:
    """Read what is expected of a packet, or (with None) of every packet of an assertion."""
    if result.kind != "rewritten":
        return Expectation(result.kind, _SIDES[result.side])
    ends = {
        keyword: tuple(
            _endpoint_set(keyword, value, packet_, family, context)
            for value in _alternatives(clause)
        )
        for keyword, clause in by_keyword(result.clauses).items()
    }
    if "proxy" in ends:
        if len(ends) > 1:
            raise Problem("NAT020", "a proxied packet keeps its addresses", result.span)
        return Expectation("proxied", None, None, ends["proxy"])
    return Expectation("rewritten", None, ends.get("from"), ends.get("to"))


def _alternatives(clause: ast.Clause) -> Iterator[ast.SetExpr]:
    """Yield the endpoints of a list one by one, and anything else as it is."""
    value = clause.value
    if not isinstance(value, ast.SetExpr):
        raise AssertionError("the grammar gives this clause a value")
    if isinstance(value, ast.Braces) and any(
        isinstance(item.value, ast.Endpoint) for item in value.items
    ):
        yield from (item.value for item in value.items)
    else:
        yield value


def _endpoint_set(
    keyword: str, value: ast.SetExpr, packet_: Packet | None, family: Family, context: Context
) -> EndpointSet:
    """Return where one side ends; a port not said is unchanged in `to`, any in `from`."""
    end = _end(value, context, family)
    if packet_ is None:
        return EndpointSet(end.addresses, end.ports)
    if end.ports is not None and packet_.protocol not in PORT_PROTOCOLS:
        raise Problem("NAT020", "a port, for a packet without ports", end.span)
    ports = end.ports
    if ports is None and keyword == "to" and packet_.destination_port is not None:
        ports = point(packet_.destination_port)
    addresses = end.addresses
    if addresses is None and keyword != "from":
        addresses = _gateway(packet_, context)
    return EndpointSet(addresses, ports)


def _gateway(packet_: Packet, context: Context) -> IntervalSet | None:
    """Return the addresses that REDIRECT can choose; None when the policy does not know them."""
    if packet_.in_interface is None:
        return LOOPBACK[packet_.family]
    arrives = interface_number(packet_.in_interface)
    own = [
        (value, value)
        for place in context.places
        if arrives in place_interfaces(place)
        for kind, value in place.addresses
        if kind is packet_.family
    ]
    return IntervalSet.of(own) if own else None


def assertion(statement: ast.Assertion, context: Context) -> Iterator[Assertion]:
    """Yield an `assert` for each family that it speaks of."""
    for clauses in zones_apart(statement.clauses).values() or (statement.clauses,):
        yield from _assertion(statement, matched(clauses, context.scope), context)


def _assertion(statement: ast.Assertion, match: Matched, context: Context) -> Iterator[Assertion]:
    for family in families(match, None, statement.span):
        extra: dict[Field, IntervalSet] = {}
        if match.arriving is not None:
            extra[Field.IN_INTERFACE] = match.arriving.interfaces | (
                point(0) if match.arriving.local else IntervalSet()
            )
        if match.leaving is not None:
            extra[Field.OUT_INTERFACE] = match.leaving.interfaces
        if match.on is not None:
            extra |= destination(match, family)
            extra[Field.IN_INTERFACE] = arriving_interfaces(match) or IntervalSet()
        packets = region(match, family, extra)
        yield Assertion(
            statement.quantifier,
            family,
            packets,
            _expectation(statement.result, None, family, context),
            statement.span,
        )


def allowance(statement: ast.Allow, rules: dict[str, Span]) -> Allowance:
    """Read an `allow`.

    Args:
        rules: the names of the policy's rules.

    Raises:
        Problem: NAT019, NAT001, NAT206.
    """
    if not statement.reason.text.strip():
        raise Problem("NAT019", "an `allow` without a reason", statement.reason.span)
    if statement.code.text not in codes.SLUGS and statement.code.text not in codes.SLUGS.values():
        raise Problem(
            "NAT019",
            f"no finding is called `{statement.code.text}`",
            statement.code.span,
            help=codes.nearest(statement.code.text),
        )
    if statement.rule is not None and statement.rule.text not in rules:
        raise Problem(
            "NAT001",
            f"no rule is named `{statement.rule.text}`",
            statement.rule.span,
            help=nearest(statement.rule.text, rules),
        )
    return Allowance(
        statement.code.text,
        statement.rule.text if statement.rule else None,
        values.day(statement.until) if statement.until else None,
        statement.reason.text,
        statement.span,
    )
