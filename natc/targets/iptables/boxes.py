"""A box of the IR to the ways of being in it, each one kernel rule's matches."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

from natc.address import Family
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.targets.iptables import matches
from natc.targets.iptables.jumps import CannotSay
from natc.targets.iptables.matches import Alternative, Cover
from natc.targets.iptables.model import Match

_SPORT, _DPORT, _PROTOCOL = Field.SOURCE_PORT, Field.DESTINATION_PORT, Field.PROTOCOL

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
    for numbers in _protocol_parts(box):
        several = False
        covers = []
        for cover in _covers(box, family, numbers):
            covers.append(cover)
            several |= len(cover.alternatives) > 1
            exceptions += cover.exceptions
        if several:
            ways += (
                _in_order([*(match for part in chosen for match in part), *conditions])
                for chosen in product(*(cover.alternatives for cover in covers))
            )
        else:
            every = [match for cover in covers for match in cover.alternatives[0]]
            ways.append(_in_order(every + conditions))
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


def _covers(box: Box, family: Family, protocols: IntervalSet | None) -> Iterator[Cover]:
    """Yield a cover for each restricted dimension."""
    sets = box.sets
    name = "" if protocols is None else matches.protocol_text(protocols.first)
    for field, cover in _COVERS:
        values = protocols if field is _PROTOCOL else sets[field]
        if values is not None and values.ranges != universe(field, family).ranges:
            yield cover(values, family, name)


def _interfaces(values: IntervalSet, flag: str) -> Cover:
    cover = matches.interfaces(values, flag)
    if cover is None:
        raise CannotSay("this set of interfaces has no form in iptables")
    return cover


def _in_order(found: list[Match]) -> Alternative:
    """Put built-in matches first, as iptables-save prints them, and merge what can be."""
    found.sort(key=_is_module)
    return matches.merged(found)


def _is_module(match: Match) -> bool:
    return match.module != ""
