"""What one packet decides of a rule set: the address that it gets of a pool, its first route."""

from collections.abc import Iterator

from natc.address import Family
from natc.ir.actions import Action, Balance, Dnat, Hook
from natc.ir.fields import Field, interface
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box, Region
from natc.packet import Packet
from natc.record import replace
from natc.simulate.pool import chosen
from natc.simulate.site import EVERY_INTERFACE, LOOPBACK_NET, Site
from natc.simulate.way import Choice, Way

_BY_HASH = ("hash", "hash-of-source")
_DESTINATION_HOOKS = (Hook.PREROUTING, Hook.OUTPUT)
_BEFORE_ROUTING = (Hook.RAW_OUTPUT, Hook.MANGLE_OUTPUT, Hook.OUTPUT)


class Foretold:
    """A policy in which every pool of destinations is the one address that a packet gets of it.

    Rules of OUTPUT no longer ask for a way out where the packet's route is known.

    Attributes:
        policy: for this packet alone.
    """

    def __init__(self, policy: Policy, packet: Packet, site: Site) -> None:
        self._written: dict[int, Rule] = {}
        self._packet = packet
        self._route = _first_route(packet, site) if packet.in_interface is None else None
        rules = tuple(self._rules(policy))
        is_changed = self._written or len(rules) < len(policy.rules)
        self.policy = replace(policy, rules=rules) if is_changed else policy

    def written(self, rule: Rule) -> Rule:
        """Return the rule as the policy has it."""
        return self._written.get(id(rule), rule)

    def _rules(self, policy: Policy) -> Iterator[Rule]:
        for rule in policy.rules:
            made = rule
            if rule.family is self._packet.family:
                match, action = rule.match, rule.action
                if self._route is not None and rule.hook in _BEFORE_ROUTING:
                    match = _on_the_way(match, self._route)
                    if not match:
                        continue
                if rule.hook in _DESTINATION_HOOKS:
                    action = self._action(action)
                if match is not rule.match or action is not rule.action:
                    made = replace(rule, match=match, action=action)
                    self._written[id(made)] = rule
            yield made

    def _action(self, action: Action) -> Action:
        if isinstance(action, Dnat):
            return self._dnat(action)
        if isinstance(action, Balance):
            backends = tuple(
                replace(backend, action=self._dnat(backend.action)) for backend in action.backends
            )
            return action if backends == action.backends else replace(action, backends=backends)
        return action

    def _dnat(self, action: Dnat) -> Dnat:
        if not is_pool(action.addresses):
            return action
        packet = self._packet
        address = chosen(
            action.addresses,
            packet.family,
            packet.source,
            packet.destination,
            persistent=action.persistent,
            side="destination",
        )
        return replace(action, addresses=point(address))


def _first_route(packet: Packet, site: Site) -> IntervalSet | None:
    """Return where the gateway's own packet would leave before translation; None is not known."""
    if packet.destination in LOOPBACK_NET[packet.family]:
        return interface("lo")
    if site.own is None:
        return None
    if packet.destination in site.own:
        return interface("lo")
    for subnet, towards in site.routes:
        if packet.destination in subnet:
            return towards
    return EVERY_INTERFACE - interface("lo")


def _on_the_way(match: Region, route: IntervalSet) -> Region:
    """Return the part of `match` that packets on `route` can meet; the same one if that is all."""
    boxes: list[Box] = []
    for box in match.boxes:
        asked = box.get(Field.OUT_INTERFACE)
        if asked is None or (asked & route and not route <= asked):
            boxes.append(box)
        elif route <= asked:
            boxes.append(box.having(Field.OUT_INTERFACE, None))
    made = Region(tuple(boxes))
    return match if made == match else made


def is_pool(addresses: IntervalSet) -> bool:
    """Whether the kernel has a choice that can be foretold: several addresses in one range."""
    return len(addresses.ranges) == 1 and addresses.size > 1


def with_source(way: Way, family: Family, packet: Packet) -> Way:
    """Return `way` with the one source that `packet` gets of a pool, if that can be foretold.

    It cannot where it depends on a destination that is not known.
    """
    moved = way.moved.get(Field.SOURCE)
    if not isinstance(moved, Choice) or moved.how not in _BY_HASH or not is_pool(moved.values):
        return way
    towards = way.now(Field.DESTINATION)
    persistent = moved.how == "hash-of-source"
    if towards.size > 1 and not persistent:
        return way
    address = chosen(
        moved.values,
        family,
        packet.source,
        towards.first,
        persistent=persistent,
        side="source",
    )
    return way.moving({Field.SOURCE: Choice(point(address), moved.how)})
