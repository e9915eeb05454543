"""Source translation: `snat`, `masquerade`, and networks that libvirt would translate."""

from collections.abc import Iterator

from natc.address import Family
from natc.dsl import ast
from natc.elaborate import clauses, targets, values
from natc.elaborate.context import Context
from natc.elaborate.matching import Matched, families, matched, region
from natc.elaborate.problem import Problem
from natc.elaborate.scope import place_interfaces
from natc.elaborate.services import of_protocol
from natc.ir.actions import Hook, Masquerade, PortChoice, Return, Snat
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Network, Rule
from natc.ir.space import Box, Region
from natc.packet import PROTOCOLS
from natc.record import replace
from natc.source import Span

TCP, UDP = PROTOCOLS["tcp"], PROTOCOLS["udp"]

_MOST_LISTED = 128
"""Protocols in a list; half of all are rather all but some, which a rule says in another way."""

_LEFT_ALONE = {
    Family.IPV4: (
        ("multicast", interval(224 << 24, (224 << 24) + 255)),
        ("broadcast", point(Family.IPV4.last)),
    ),
    Family.IPV6: (("multicast", interval(0xFF02 << 112, (0xFF03 << 112) - 1)),),
}
"""What libvirt never translates.  Source: libvirt, networkAddMasqueradingFirewallRules."""


def snat(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `snat … -> …`."""
    match = matched(clauses.matches_of(rule), context.scope)
    options = clauses.options_of(rule)
    target = targets.read(targets.required(rule), context.scope)
    if target.addresses is None:
        raise Problem(
            "NAT017",
            "`snat` needs an address",
            target.span,
            help="`masquerade … ports …` takes the address of the interface",
        )
    targets.needs_ports(match.services, target)
    for family in families(match, target.families, target.span):
        action = Snat(
            target.addresses.addresses.of(family),
            target.ports,
            "persistent" in options,
            _port_choice(options),
        )
        yield context.rule(family, Hook.POSTROUTING, _leaving(match, family), action)


def masquerade(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `masquerade …`."""
    targets.forbidden(rule, "the address is that of the interface the packet leaves by")
    match = matched(clauses.matches_of(rule), context.scope)
    options = clauses.options_of(rule)
    ports = _ports(options)
    choice = _port_choice(options)
    for family in families(match, None, rule.span):
        whole = _leaving(match, family)
        if ports is None or (match.services and match.services.has_ports):
            yield context.rule(family, Hook.POSTROUTING, whole, Masquerade(ports, choice))
            continue
        for suffix, number in ((".tcp", TCP), (".udp", UDP)):
            services = of_protocol(number)
            if match.services is not None:
                services = match.services - (match.services - services)
            if services:
                part = _leaving(replace(match, services=services), family)
                yield context.rule(
                    family, Hook.POSTROUTING, part, Masquerade(ports, choice), suffix
                )
        yield context.rule(
            family, Hook.POSTROUTING, _rest(match, whole, family), Masquerade(None, choice)
        )


def _rest(match: Matched, whole: Region, family: Family) -> Region:
    """Return what tcp and udp leave, or more of it where that takes fewer rules in the kernel."""
    if match.services is None or match.services.others.size > _MOST_LISTED:
        return whole
    rest = match.services - of_protocol(TCP) - of_protocol(UDP)
    return _leaving(replace(match, services=rest), family)


def network(where: Network, ports: IntervalSet, context: Context) -> Iterator[Rule]:
    """Yield the rules that libvirt writes for a network that is forwarded with NAT."""
    for family in Family:
        inside = where.subnet.of(family)
        if not inside:
            continue
        outside = universe(Field.DESTINATION, family) - inside
        for suffix, alone in _LEFT_ALONE[family]:
            match = {Field.SOURCE: inside, Field.DESTINATION: alone}
            yield context.rule(
                family, Hook.POSTROUTING, Region((Box.of(match),)), Return(), f".{suffix}"
            )
        away = {Field.SOURCE: inside, Field.DESTINATION: outside}
        for suffix, number in ((".tcp", TCP), (".udp", UDP)):
            match = away | {Field.PROTOCOL: point(number)}
            yield context.rule(
                family, Hook.POSTROUTING, Region((Box.of(match),)), Masquerade(ports), suffix
            )
        yield context.rule(family, Hook.POSTROUTING, Region((Box.of(away),)), Masquerade())


def _leaving(match: Matched, family: Family) -> Region:
    """Return the packets of `match` as they leave."""
    extra: dict[Field, IntervalSet] = {}
    if match.leaving is not None:
        if match.leaving.local:
            raise Problem(
                "NAT017", "`local` is not a way out", match.place_of("out", _nowhere(match))
            )
        extra[Field.OUT_INTERFACE] = match.leaving.interfaces
    if match.on is not None:
        on = place_interfaces(match.on)
        before = extra.get(Field.OUT_INTERFACE)
        extra[Field.OUT_INTERFACE] = on if before is None else before & on
        if not extra[Field.OUT_INTERFACE]:
            raise Problem(
                "NAT006", "no packet leaves by both", match.place_of("out", _nowhere(match))
            )
    return region(match, family, extra)


def _nowhere(match: Matched) -> Span:
    return next(iter(match.clauses.values())).span


def _ports(options: dict[str, ast.Clause]) -> IntervalSet | None:
    clause = options.get("ports")
    if clause is None:
        return None
    value = clause.value
    if not isinstance(value, ast.Number):
        raise AssertionError("the grammar gives `ports` a number")
    return values.ports(value.text, value.span)


def _port_choice(options: dict[str, ast.Clause]) -> PortChoice:
    if "random-fully" in options:
        return PortChoice.FULLY
    return PortChoice.RANDOM if "random" in options else PortChoice.KEEP
