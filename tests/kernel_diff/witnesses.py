"""What natc's model says a packet may end as, held against what the kernel did."""

from collections.abc import Iterable, Iterator
from functools import cache

from natc.address import Family
from natc.ir.actions import Dnat, Snat
from natc.ir.conditions import Condition, InSet
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.simulate import Site
from natc.simulate.engine import End, Engine
from natc.simulate.pool import chosen
from natc.simulate.single import box_of
from natc.simulate.way import Choice
from natc.testlab import Observation
from tests.kernel_diff import bench
from tests.strategies import universe as world

_LOOPBACK = {Family.IPV4: interval(127 << 24, (128 << 24) - 1), Family.IPV6: point(1)}


@cache
def site(family: Family) -> Site:
    """Return the lab's gateway as the model is to know it: all of it."""
    own = IntervalSet.of((v, v) for (_, kind), v in bench.OWN.items() if kind is family)
    routes = sorted(
        (route for route in bench.topology().routes if route.family is family),
        key=lambda route: -route.length,
    )
    return Site(
        own | _LOOPBACK[family],
        tuple(
            (
                interval(route.network, route.network + (family.last >> route.length)),
                interface(route.interface),
            )
            for route in routes
        ),
        tuple(
            (interface(name), point(value))
            for (name, kind), value in bench.OWN.items()
            if kind is family
        ),
    )


class Model:
    """A rule set at the lab's gateway, by natc's model."""

    def __init__(self, policy: Policy) -> None:
        self.engines = {family: Engine(policy, family, site(family)) for family in Family}

    def complaint(self, packet: Packet, seen: Observation) -> str | None:
        """Return what the kernel did and the model does not allow, None when there is nothing."""
        if (packet.family, seen.destination) in bench.ODD:
            return None
        ends = []
        for end in self.engines[packet.family].ends(box_of(packet)):
            if _is_refuted(end.way.packets.conditions, packet):
                continue
            if _allows(end, packet, seen):
                return None
            ends.append(end)
        if seen.verdict == "dropped" and any(_is_odd(end) for end in ends):
            return None
        return f"the kernel: {seen}; the model: {' or '.join(map(_shown, ends))}"


def _is_refuted(conditions: Iterable[Condition], packet: Packet) -> bool:
    """Say whether an assumption about a kernel set is wrong: the lab knows its members."""
    for condition in conditions:
        if isinstance(condition, InSet) and condition.flags in (("src",), ("dst",)):
            value = packet.source if condition.flags == ("src",) else packet.destination
            listed = (packet.family, value) in world.LISTED[condition.name]
            if listed is condition.negated:
                return True
    return False


def _allows(end: End, packet: Packet, seen: Observation) -> bool:
    if end.verdict != "accepted" or seen.verdict == "dropped":
        return end.verdict == seen.verdict
    proxy = None if end.proxy is None else (end.proxy.address, end.proxy.port)
    taken = None if seen.listener is None else (seen.listener.address, seen.listener.port)
    if proxy != taken:
        return False
    if (seen.verdict == "delivered") != (end.is_delivered or _goes_home(end)):
        return False
    if seen.out_interface is not None and not (
        interface(seen.out_interface) & end.way.now(Field.OUT_INTERFACE)
    ):
        return False
    return _is_chosen(end, packet, seen) and all(
        value is None or value in end.way.now(field)
        for field, value in (
            (Field.SOURCE, seen.source),
            (Field.SOURCE_PORT, seen.source_port),
            (Field.DESTINATION, seen.destination),
            (Field.DESTINATION_PORT, seen.destination_port),
        )
    )


def _is_chosen(end: End, packet: Packet, seen: Observation) -> bool:
    """Say whether the address taken from a pool is the one that the kernel's hash chooses."""
    for field, taken, towards in (
        (Field.DESTINATION, seen.destination, packet.destination),
        (Field.SOURCE, seen.source, seen.destination),
    ):
        moved = end.way.moved.get(field)
        if not isinstance(moved, Choice) or moved.how not in ("hash", "hash-of-source"):
            continue
        pool = _pool(end, field)
        if pool is None:
            continue
        expected = chosen(
            pool,
            packet.family,
            packet.source,
            towards,
            persistent=moved.how == "hash-of-source",
            side="source" if field is Field.SOURCE else "destination",
        )
        if taken != expected:
            return False
    return True


def _pool(end: End, field: Field) -> IntervalSet | None:
    """Return the pool of the rule that translated `field`; its choice may have been cut since."""
    for step in reversed(end.way.steps):
        action = step.rule.action if step.rule is not None else None
        if isinstance(action, Dnat if field is Field.DESTINATION else Snat):
            return action.addresses if len(action.addresses.ranges) == 1 else None
    return None


def _goes_home(end: End) -> bool:
    return end.way.now(Field.OUT_INTERFACE) == interface("lo")


def _is_odd(end: End) -> bool:
    """Say whether the destination may be one that the kernel drops for reasons of its own."""
    destination = end.way.now(Field.DESTINATION)
    family = end.way.family
    return any(kind is family and value in destination for kind, value in bench.ODD) or bool(
        destination & _LOOPBACK[family]
    )


def _shown(end: End) -> str:
    parts: Iterator[str] = (
        f"{field.name.lower()} {end.way.now(field).ranges}"
        for field in (
            Field.SOURCE,
            Field.SOURCE_PORT,
            Field.DESTINATION,
            Field.DESTINATION_PORT,
        )
        if end.way.now(field) != universe(field, end.way.family)
    )
    rules = [step.rule.name for step in end.way.steps if step.rule is not None]
    return f"{end.verdict} {' '.join(parts)} by {rules}"
