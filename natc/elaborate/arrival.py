"""Where a destination rule sees packets: arriving on an interface, made by the gateway, or both."""

from collections.abc import Iterator

from natc.address import Family
from natc.elaborate.matching import Matched, own_addresses, region
from natc.elaborate.problem import Problem
from natc.elaborate.scope import place_interfaces
from natc.ir.actions import Hook
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.space import Region
from natc.record import Record

LOOPBACK = {Family.IPV4: interval(127 << 24, (128 << 24) - 1), Family.IPV6: point(1)}
"""Addresses that are the gateway's own, but nobody's public ones."""


class Arrival(Record):
    """The packets that a rule sees in one hook."""

    hook: Hook
    match: Region


def arrivals(match: Matched, family: Family) -> Iterator[Arrival]:
    """Yield where the rule applies: on arrival unless it says `in local` or `user`.

    Raises:
        Problem: NAT006, NAT008, NAT013, NAT209.
    """
    if sees_arriving(match):
        yield Arrival(Hook.PREROUTING, arriving(match, family))
    if sees_local(match):
        yield Arrival(Hook.OUTPUT, local(match, family))


def sees_arriving(match: Matched) -> bool:
    """Whether the rule sees packets that arrive on an interface."""
    if match.arriving is not None:
        return bool(match.arriving.interfaces)
    return match.user is None


def sees_local(match: Matched) -> bool:
    """Whether the rule sees packets that the gateway made, without `hairpin`."""
    if match.arriving is not None:
        return match.arriving.local
    return match.user is not None


def arriving(match: Matched, family: Family) -> Region:
    """Return the packets that arrive on an interface.

    Raises:
        Problem: NAT209 for a `user` match, which only the gateway's own packets have.
    """
    if match.user is not None:
        raise Problem(
            "NAT209",
            "only packets made by the gateway have a user",
            match.clauses["user"].span,
            help="write `in local`, or leave `in` out",
        )
    extra = destination(match, family)
    interfaces = arriving_interfaces(match)
    if interfaces is not None:
        extra[Field.IN_INTERFACE] = interfaces
    return region(match, family, extra)


def arriving_interfaces(match: Matched) -> IntervalSet | None:
    """Return the interfaces that `in` and `on` leave; None is all.

    Raises:
        Problem: NAT006 when they leave none.
    """
    said = match.arriving.interfaces if match.arriving is not None else None
    if match.on is None:
        return said
    on = place_interfaces(match.on)
    both = on if said is None else said & on
    if not both:
        raise Problem("NAT006", "no packet arrives on both", match.clauses["in"].span)
    return both


def local(match: Matched, family: Family) -> Region:
    """Return the packets that the gateway made."""
    extra = destination(match, family)
    if Field.LOCAL_DESTINATION in extra:
        everything = universe(Field.DESTINATION, family)
        extra[Field.DESTINATION] = everything - LOOPBACK[family]
    return region(match, family, extra)


def destination(match: Matched, family: Family) -> dict[Field, IntervalSet]:
    """Return what `on` says of the destination address."""
    if match.on is None:
        return {}
    own = own_addresses(match.on, family, match.clauses["on"].span)
    if own is None:
        return {Field.LOCAL_DESTINATION: point(1)}
    return {Field.DESTINATION: own}
