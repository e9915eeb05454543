"""What stands after the arrow."""

from natc import address
from natc.address import FAMILIES, Family
from natc.diagnostics import Label
from natc.dsl import ast
from natc.elaborate import values
from natc.elaborate.problem import Problem
from natc.elaborate.scope import Addresses, Scope
from natc.elaborate.services import ServiceSet
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Network
from natc.record import Record
from natc.source import Span

_UNUSABLE = {
    Family.IPV4: IntervalSet(((0, 0), (224 << 24, Family.IPV4.last))),
    Family.IPV6: IntervalSet(((0, 0), (0xFF << 120, Family.IPV6.last))),
}
"""Unspecified, multicast, reserved and broadcast addresses: no connection has such an end."""


class Target(Record):
    """Where packets are sent to, or come from, after translation.

    Attributes:
        addresses: None for `:3128`.
        ports: None leaves the port alone.
    """

    addresses: Addresses | None
    ports: IntervalSet | None
    span: Span

    @property
    def families(self) -> frozenset[Family] | None:
        """The families of its addresses, None when it has none."""
        return None if self.addresses is None else self.addresses.addresses.families


def required(rule: ast.Rule) -> ast.SetExpr:
    """Return the target of a rule.

    Raises:
        Problem: NAT013.
    """
    if rule.target is None:
        raise Problem(
            "NAT013",
            f"`{rule.verb}` needs a target",
            rule.span,
            help="add `-> …`: what becomes of the packets",
        )
    return rule.target


def forbidden(rule: ast.Rule, why: str) -> None:
    """Refuse a target.

    Raises:
        Problem: NAT011.
    """
    if rule.target is not None:
        raise Problem("NAT011", f"`{rule.verb}` takes no target", rule.target.span, why)


def read(expression: ast.SetExpr, scope: Scope) -> Target:
    """Read an address, pool or endpoint.

    Raises:
        Problem: NAT017 for other values and for zones, NAT206 for an address that no connection
            can have.
    """
    if isinstance(expression, ast.Endpoint):
        host, host_span, ports = values.endpoint_parts(expression, scope.literal_ports)
        if not host:
            return Target(None, ports, expression.span)
        if values.is_name(host):
            found = _addresses(ast.Name(host, host_span), scope)
        else:
            found = scope.literal_addresses(host, host_span)
        return Target(_usable(found), ports, expression.span)
    if isinstance(expression, ast.Address):
        _check_end(expression)
    if isinstance(expression, ast.Number):
        raise Problem(
            "NAT017",
            "a number is not a target",
            expression.span,
            help=f"write `:{expression.text}` for a port of the gateway itself",
        )
    return Target(_usable(_addresses(expression, scope)), None, expression.span)


def _check_end(target: ast.Address) -> None:
    """Refuse an IPv6 address whose end may be meant as a port: `fd00::1:8080` is an address.

    Raises:
        Problem: NAT206.
    """
    host, colon, port = target.text.rpartition(":")
    if not colon or not (port.isdecimal() and port.isascii() and 2 <= len(port) <= 5):
        return
    try:
        address.parse(host.rpartition("-")[2])
    except ValueError:
        return
    raise Problem(
        "NAT206",
        "an IPv6 address that could end in a port",
        target.span,
        help=f"write `[{host}]:{port}` for the port, `[{target.text}]` for the address",
    )


def _addresses(expression: ast.SetExpr, scope: Scope) -> Addresses:
    if isinstance(expression, ast.Name) and scope.named_place(expression) is not None:
        place = scope.places[expression.text]
        kind = "network" if isinstance(place, Network) else "zone"
        raise Problem(
            "NAT017",
            f"the {kind} `{expression.text}` is not a target",
            expression.span,
            related=(Label(place.origin, "declared here"),),
            help="name an address; `masquerade` takes the address of the interface",
        )
    if isinstance(expression, ast.Braces):
        for item in expression.items:
            if item.weight is not None:
                raise Problem(
                    "NAT011",
                    "a weight outside `balance`",
                    item.span,
                    help="`balance … -> { … weight 3, … }` spreads connections by weight",
                )
            if isinstance(item.value, ast.Endpoint):
                raise Problem(
                    "NAT017",
                    "a list of endpoints outside `balance`",
                    item.value.span,
                    help="`balance` spreads connections over several",
                )
    return scope.addresses(expression)


def _usable(found: Addresses) -> Addresses:
    """Refuse addresses that no end of a connection can have.

    Raises:
        Problem: NAT206.
    """
    for family in FAMILIES:
        pool = found.addresses.of(family).ranges
        bad = _UNUSABLE[family].ranges
        if pool and not (pool[0][0] > bad[0][1] and pool[-1][1] < bad[1][0]):
            raise Problem(
                "NAT206",
                "no connection can have this address",
                found.span,
                "unspecified, multicast, reserved or broadcast",
            )
    return found


def needs_ports(services: ServiceSet | None, target: Target) -> None:
    """Refuse a port in the target of a rule whose packets may have none.

    Raises:
        Problem: NAT203.
    """
    if target.ports is not None and not (services and services.has_ports):
        raise Problem(
            "NAT203",
            "a port in the target, but no protocol that has ports in the match",
            target.span,
            help="name the protocol: `tcp`, `udp`, `tcp/80`",
        )


def single_host(target: Target, family: Family) -> int:
    """Return the only address of `target`.

    Raises:
        Problem: NAT206 when there are several.
    """
    if target.addresses is None:
        raise AssertionError("the caller saw an address")
    pool = target.addresses.addresses.of(family)
    if pool.size != 1:
        raise Problem("NAT206", "one address, not several", target.span)
    return pool.first
