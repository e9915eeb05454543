"""A packet's way, station by station, in the kernel's order and in netfilter's words."""

from collections.abc import Iterable, Iterator

from natc.ir.actions import Hook
from natc.ir.fields import Field, interface, interface_number
from natc.ir.intervals import IntervalSet, point
from natc.packet import Packet
from natc.record import replace
from natc.simulate.effects import destination_of, flow, sides_of, source_of
from natc.simulate.engine import UNTRACKED, End
from natc.simulate.events import Event, HookEvents, Scene, none_of
from natc.simulate.layout import CHAINS
from natc.simulate.paths import Group
from natc.simulate.site import EVERY_INTERFACE
from natc.simulate.spelling import interfaces
from natc.simulate.trace import Step

OVER_LOOPBACK = point(interface_number("lo"))
"""The way out of what the gateway sends to itself."""

_TRANSLATING = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})

_ARRIVING = (Hook.RAW_PREROUTING, Hook.DIVERT, Hook.PREROUTING)
_MADE_HERE = (Hook.RAW_OUTPUT, Hook.MANGLE_OUTPUT, Hook.OUTPUT)
_INPUT = (Hook.MANGLE_INPUT, Hook.FILTER_INPUT, Hook.INPUT)
_OUTPUT = (Hook.FILTER_OUTPUT, Hook.MANGLE_POSTROUTING, Hook.POSTROUTING)
_FORWARD = (Hook.MANGLE_FORWARD, Hook.FILTER_FORWARD, *_OUTPUT[1:])
_LOOPED = (*_ARRIVING[:2], *_INPUT[:2])
"""What the gateway sends itself meets when lo brings it back: no translation."""


def events(scene: Scene, group: Group) -> tuple[Event, ...]:
    """Return what happens on the first of the ways to one end."""
    return tuple(_Telling(scene, group).events())


def leaving_by(ways: Iterable[End]) -> IntervalSet:
    """Return the interfaces by which packets leave on some of `ways`; 0 stands for none."""
    return IntervalSet.of(
        block for end in ways for block in end.way.now(Field.OUT_INTERFACE).ranges
    )


def is_input(end: End) -> bool:
    """Whether the packet ends at the gateway, or would but for a rule of INPUT."""
    ended = end.verdict != "accepted"
    return end.is_delivered or (ended and end.way.steps[-1].hook in _INPUT)


class _Telling:
    """The way to one end."""

    def __init__(self, scene: Scene, group: Group) -> None:
        self.scene = scene
        self.ways = group.ends
        self.end = group.ends[0]
        self.leaving = leaving_by(group.ends)

    def events(self) -> Iterator[Event]:
        is_over_loopback = self.leaving == OVER_LOOPBACK
        for hook in _stations(self.scene.packet, self.end, over_loopback=is_over_loopback):
            if hook is None:
                yield self._routing()
                continue
            steps = _steps(self.end, hook)
            told = list(self._met(hook, steps) if steps else self._silent(hook))
            others = {_steps(way, hook) for way in self.ways}
            if len(others) > 1 and told:
                several = f"one of {len(others)} ways through this chain, all to the same end"
                told[-1] = replace(told[-1], details=(*told[-1].details, several))
            yield from told

    def _met(self, hook: Hook, steps: Iterable[Step]) -> Iterator[Event]:
        return HookEvents(self.scene, self.end, hook).of(steps)

    def _silent(self, hook: Hook) -> Iterator[Event]:
        """Yield what there is to say of a hook without rules."""
        table, name = CHAINS[hook]
        stage = f"{table} {name}"
        layout = self.scene.layout
        chain = layout.chains.get((table, name))
        policy = f"policy {chain.policy}" if chain and chain.policy else ""
        if hook in _TRANSLATING and UNTRACKED in self.end.way.noted:
            yield Event(stage, "unmatched", "not asked", label="the packet is not tracked")
        elif table == "filter" and table not in layout.tables:
            yield Event(stage, "unseen", f"must accept {self._flow(hook)}")
        elif chain and chain.rules:
            yield Event(stage, "unmatched", none_of("verdict", chain), label=policy)
        elif table == "filter" or (table == "nat" and hook is not Hook.INPUT):
            words = "no rules" if table in layout.tables else f"no table {table} in these rules"
            yield Event(stage, "unmatched", words, label=policy)

    def _flow(self, hook: Hook) -> str:
        """Return the packet as a filtering hook sees it."""
        packet, way, leaving = self.scene.packet, self.end.way, self.leaving
        arrives_by_loopback = hook is Hook.FILTER_INPUT and leaving == OVER_LOOPBACK
        source, _ = sides_of(packet)
        if arrives_by_loopback:
            source = source_of(way, packet)
        parts = [flow(packet, source, destination_of(way, packet))]
        if packet.in_interface is not None:
            parts.append(f"in {packet.in_interface}")
        if arrives_by_loopback:
            parts.append("in lo")
        elif hook is not Hook.FILTER_INPUT and leaving.size == 1 and leaving != point(0):
            parts.append(f"out {interfaces(leaving)}")
        return " ".join(parts)

    def _routing(self) -> Event:
        leaving, label = self.leaving, ""
        proxy = self.end.way.proxy
        if leaving == OVER_LOOPBACK:
            words = "to the gateway itself, over lo"
        elif proxy is not None:
            words, label = "to the gateway itself", f"by mark {proxy.mark:#x}"
        elif is_input(self.end):
            words = "to the gateway itself"
        elif leaving - point(0) == EVERY_INTERFACE:
            words = "out, by an interface that is not known"
        else:
            words = f"out {interfaces(leaving)}"
            is_said = self.scene.packet.out_interface is not None
            label = "as the packet says" if is_said else next(self._places(), "")
        return Event("routing", "routed", words, label=label)

    def _places(self) -> Iterator[str]:
        """Yield the sides of the gateway by which the packet leaves."""
        policy = self.scene.policy
        for zone in policy.zones:
            if any(self.leaving <= interface(name) for name in zone.interfaces):
                yield f"zone {zone.name}"
        for network in policy.networks:
            if self.leaving <= interface(network.bridge):
                yield f"network {network.name}"


def _stations(packet: Packet, end: End, *, over_loopback: bool) -> list[Hook | None]:
    """Return the hooks that the packet comes to, and None for routing."""
    made_here = packet.in_interface is None
    first: tuple[Hook, ...] = _MADE_HERE if made_here else _ARRIVING
    last = _OUTPUT if made_here else _INPUT if is_input(end) else _FORWARD
    whole = [*first, None, *last, *(_LOOPED if over_loopback else ())]
    if end.verdict != "accepted":
        return whole[: whole.index(end.way.steps[-1].hook) + 1]
    return whole


def _steps(end: End, hook: Hook) -> tuple[Step, ...]:
    return tuple(step for step in end.way.steps if step.hook is hook)
