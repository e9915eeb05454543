"""Packets that come to a rule: the witnesses of findings, each confirmed by the simulator."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product

from natc.ir.actions import Hook
from natc.ir.fields import Field, interface
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import EVERYTHING, Box
from natc.ir.stack import NotDecided
from natc.lint.forwards import TURNING
from natc.lint.lists import HookList
from natc.lint.ordinary import ordinary_of, shown
from natc.lint.subject import Subject
from natc.packet import PROTOCOLS, Packet
from natc.simulate.single import Simulator
from natc.simulate.site import Site
from natc.simulate.trace import Trace

_MOST_TRIES = 8
"""Boxes of a rule that a packet is tried of, before the rules above it are looked at."""

_LESS_COMMON = (
    Box.of({Field.PROTOCOL: point(PROTOCOLS["tcp"]), Field.DESTINATION_PORT: point(443)}),
    Box.of({Field.PROTOCOL: point(PROTOCOLS["udp"])}),
    Box.of({Field.PROTOCOL: point(PROTOCOLS["icmp"])}),
)
"""Packets that leave where a rule before routing, such as a proxy's, takes the usual ones."""

_LOCAL = frozenset({Hook.RAW_OUTPUT, Hook.MANGLE_OUTPUT, Hook.OUTPUT, Hook.FILTER_OUTPUT})
"""Hooks of packets that the gateway makes."""


def coming(subject: Subject, rule: Rule) -> tuple[Box, ...]:
    """Return the packets that can come to `rule`, when no rule above decides on them.

    None where that is too much to say.
    """
    position, where = _positions(subject)[id(rule)]
    return where.boxes[position] or ()


@lru_cache(maxsize=1)  # Several lint rules ask, one after another.
def _positions(subject: Subject) -> dict[int, tuple[int, HookList]]:
    return {
        id(rule): (position, where)
        for where in subject.lists.values()
        for position, rule in enumerate(where.rules)
    }


@lru_cache(maxsize=1)
def _simulator(subject: Subject) -> Simulator:
    return Simulator(subject.policy, Site() if subject.is_dump else None)


def trace(subject: Subject, packet: Packet) -> Trace:
    """Return what becomes of a packet."""
    return _simulator(subject)(packet)


def witness(subject: Subject, rule: Rule, within: Box | None = None) -> Packet | None:
    """Return a packet that comes to `rule`, an ordinary one if there is; None if none was found.

    Args:
        within: the packets that show what is wrong; None is all that the rule takes.
    """
    if rule.hook in _LOCAL:
        within = (within or EVERYTHING).having(Field.IN_INTERFACE, point(0))
    boxes = [box if within is None else box & within for box in coming(subject, rule)]
    turned: Packet | None = None
    for packets in _tried(subject, rule, [box for box in boxes if box is not None]):
        packet = shown(subject, rule.family, packets)
        ways = _ways_to(subject, packet, rule)
        if not all(map(_is_turned, ways)):
            return packet
        if ways and turned is None:
            turned = packet
    return turned


def taken(subject: Subject, packets: Sequence[Box], by: Sequence[Rule]) -> Packet | None:
    """Return one of some packets that comes to one of some rules, None if none was found."""
    tries = product(packets[:_MOST_TRIES], by[:_MOST_TRIES])
    found = (witness(subject, rule, within=box) for box, rule in tries)
    return next((packet for packet in found if packet is not None), None)


def _tried(subject: Subject, rule: Rule, boxes: list[Box]) -> Iterator[Box]:
    """Yield packets to try: any of the rule's first, and then some that no rule above takes."""
    yield from boxes[:_MOST_TRIES]
    if rule.hook is Hook.POSTROUTING:
        # One that leaves: of others, a trace may tell only that they end at the gateway.
        leaving = EVERYTHING.having(Field.OUT_INTERFACE, interface("eth0"))
        yield from filter(None, (box & leaving for box in boxes[:_MOST_TRIES]))
        yield from filter(None, (box & kind for box in boxes[:1] for kind in _LESS_COMMON))
    relations = subject.relations.get((rule.family, rule.hook))
    if relations is None or not boxes:
        return
    stack, position = relations.stack, _positions(subject)[id(rule)][0]
    try:
        for box in boxes[:_MOST_TRIES]:
            left = ordinary_of(
                subject, rule.family, box, lambda some: stack.left((some,), position)
            )
            if left is not None:
                yield left
        left = stack.left(boxes[_MOST_TRIES:], position)
        if left is not None:
            yield left
    except NotDecided:
        return


def _ways_to(subject: Subject, packet: Packet, rule: Rule) -> list[list[Rule]]:
    """Return the rules above, on each way of a packet that comes to `rule`."""
    ways: list[list[Rule]] = []
    for outcome in trace(subject, packet).outcomes:
        met = [step.rule for step in outcome.steps if step.rule is not None]
        ways += [met[:place] for place, one in enumerate(met) if one is rule]
    return ways


def _is_turned(way: Iterable[Rule]) -> bool:
    """Whether a packet has another destination by then: it may show something else."""
    return any(isinstance(rule.action, TURNING) for rule in way)
