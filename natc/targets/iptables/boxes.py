"""A box of the IR to the ways of being in it, each one kernel rule's matches."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product

from natc.address import Family
from natc.ir.fields import Field, universes
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.targets.iptables import matches
from natc.targets.iptables.jumps import CannotSay
from natc.targets.iptables.matches import Alternative, Cover
from natc.targets.iptables.model import Match

_SPORT, _DPORT, _PROTOCOL = Field.SOURCE_PORT, Field.DESTINATION_PORT, Field.PROTOCOL


@lru_cache(maxsize=64)
def _interfaces(values: IntervalSet, flag: str) -> Cover:
    cover = matches.interfaces(values, flag)
    if cover is None:
        raise CannotSay("this set of interfaces has no form in iptables")
    return cover


_COVERS: tuple[tuple[Field, Callable[[IntervalSet, Family, str], Cover]], ...] = (
    (Field.SOURCE, lambda values, family, _: matches.addresses(values, "src", family)),
    (Field.DESTINATION, lambda values, family, _: matches.addresses(values, "dst", family)),
    (Field.IN_INTERFACE, lambda values, _, __: _interfaces(values, "-i")),
    (Field.OUT_INTERFACE, lambda values, _, __: _interfaces(values, "-o")),
    (Field.PROTOCOL, lambda values, _, __: matches.protocols(values)),
    (Field.SOURCE_PORT, lambda values, _, name: matches.ports(values, "source", name)),
    (Field.DESTINATION_PORT, lambda values, _, name: matches.ports(values, "destination", name)),
    (Field.LOCAL_DESTINATION, lambda values, _, __: matches.local_destination(values)),
    (Field.USER, lambda values, family, _: matches.users(values, family)),
    (
        Field.ORIGINAL_DESTINATION,
        lambda values, family, _: matches.original_destination(values, family),
    ),
    (Field.ORIGINAL_PORT, lambda values, _, __: matches.original_ports(values)),
    (Field.TRANSLATED, lambda values, _, __: matches.translated(values)),
)
"""How to cover each dimension, in the order in which iptables-save prints the matches."""


def alternatives(box: Box, family: Family) -> tuple[list[Alternative], list[Alternative]]:
    """Return the ways to be in `box`, and what must be excepted from each.

    Raises:
        CannotSay: the interfaces have no form.
    """
    conditions = [matches.condition(found) for found in box.conditions]
    ways: list[Alternative] = []
    exceptions: list[Alternative] = []
    for protocols in _protocol_parts(box):
        covers = _covers(box, family, protocols)
        for chosen in product(*[cover.alternatives for cover in covers]):
            every = [match for part in chosen for match in part]
            ways.append(_in_order(every + conditions))
        for cover in covers:
            exceptions += cover.exceptions
    return ways, list(dict.fromkeys(exceptions))


def _protocol_parts(box: Box) -> Iterable[IntervalSet | None]:
    """Return the protocols one by one where ports need that, together otherwise."""
    protocols = box.sets[_PROTOCOL]
    has_ports = box.sets[_SPORT] is not None or box.sets[_DPORT] is not None
    if protocols is None or not has_ports or protocols.size == 1:
        return (protocols,)
    return [
        IntervalSet(((number, number),))
        for low, high in protocols.ranges
        for number in range(low, high + 1)
    ]


def _covers(box: Box, family: Family, protocols: IntervalSet | None) -> list[Cover]:
    """Return a cover for each restricted dimension."""
    sets, everything = box.sets, universes(family)
    name = "" if protocols is None else matches.protocol_text(protocols.first)
    return [
        cover(values, family, name)
        for field, cover in _COVERS
        if (values := protocols if field is _PROTOCOL else sets[field]) is not None
        and values.ranges != everything[field].ranges
    ]


def check(box: Box, family: Family) -> None:
    """Make sure that `alternatives` has an answer, without the answer.

    Raises:
        CannotSay: the interfaces have no form.
    """
    everything = universes(family)
    for field, flag in ((Field.IN_INTERFACE, "-i"), (Field.OUT_INTERFACE, "-o")):
        values = box.sets[field]
        if values is not None and values.ranges != everything[field].ranges:
            _interfaces(values, flag)


def _in_order(found: list[Match]) -> Alternative:
    """Put built-in matches first, as iptables-save prints them, and merge what can be."""
    built_in = [match for match in found if not match.module]
    modules = [match for match in found if match.module]
    return (*built_in, *matches.merged(modules))
