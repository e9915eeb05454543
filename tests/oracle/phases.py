"""The two phases: statements in file order, the first that is about the packet decides."""

from collections.abc import Iterator
from typing import Literal

from natc.address import Family
from natc.dsl import ast
from natc.packet import Packet
from tests.oracle import hairpins, static_rules
from tests.oracle.answers import EMPTY, Arrival, Verdict, World
from tests.oracle.destination_rules import destination_rule
from tests.oracle.places import first_address
from tests.oracle.scope import Scope
from tests.oracle.sets import is_place_interface
from tests.oracle.source_rules import network, source_rule
from tests.oracle.words import clause_of


class Oracle:
    """Answers for one policy, whose includes have been replaced by what they include.

    Attributes:
        hairpins_by: how the way back of `hairpin` knows the connections that its rule translated:
            by the `rule` that did it, as the language says, or by what they `original`ly asked for
            and where they ended, which is all that a kernel remembers.
    """

    def __init__(
        self,
        policy: ast.Policy,
        world: World = EMPTY,
        hairpins_by: Literal["rule", "original"] = "rule",
    ) -> None:
        self.policy = policy
        self.hairpins_by = hairpins_by
        self.world = world
        self._scope = Scope(policy, world)

    def destination(self, packet: Packet) -> Verdict:
        """Return what the destination phase makes of `packet`."""
        for index, statement in enumerate(self.policy.statements):
            if isinstance(statement, ast.Static):
                verdict = static_rules.inward(self._scope, statement, packet)
            elif isinstance(statement, ast.Rule):
                verdict = destination_rule(self._scope, statement, packet)
            else:
                continue
            if verdict is not None:
                return _decided(verdict, index)
        return Verdict("unchanged")

    def source(self, packet: Packet, arrival: Arrival) -> Verdict:
        """Return what the source phase makes of `packet`, which leaves by its `out_interface`."""
        if arrival.here and packet.in_interface is not None:
            return Verdict("unchanged")
        for index, statement in enumerate(self.policy.statements):
            if isinstance(statement, ast.Static):
                verdict = static_rules.outward(self._scope, statement, packet)
            elif isinstance(statement, ast.Block) and statement.kind == "network":
                verdict = network(self._scope, statement, packet, arrival)
            elif isinstance(statement, ast.Rule):
                verdict = self._source_rule(statement, packet, arrival, index)
            else:
                continue
            if verdict is not None:
                return _decided(verdict, index)
        return Verdict("unchanged")

    def _source_rule(
        self, rule: ast.Rule, packet: Packet, arrival: Arrival, index: int
    ) -> Verdict | None:
        if clause_of(rule, "hairpin") is None:
            return source_rule(self._scope, rule, packet, arrival)
        if self._has_translated(rule, packet, arrival, index):
            return hairpins.hairpin(self._scope, packet, arrival)
        return None

    def _has_translated(self, rule: ast.Rule, packet: Packet, arrival: Arrival, index: int) -> bool:
        """Say whether the connection is one that `rule`, with `hairpin`, translated."""
        if (arrival.destination, arrival.port) == (packet.destination, packet.destination_port):
            return False  # Turned to where it was going: the kernel translates nothing.
        if self.hairpins_by == "rule" or arrival.place is None:
            return arrival.place == index
        return hairpins.asked_for(self._scope, rule, packet, arrival)

    def arrivals(self, packet: Packet, verdict: Verdict) -> Iterator[Arrival]:
        """Yield every destination that `verdict`, of the destination phase, leaves possible."""
        if verdict.kind == "unchanged":
            here = (packet.family, packet.destination) in self.world.local
            yield Arrival(packet.destination, packet.destination_port, here)
        elif verdict.kind == "listener":
            yield Arrival(packet.destination, packet.destination_port, here=True)
        elif verdict.kind == "gateway":
            for family, address in sorted(self.world.local):
                if family is packet.family:
                    for port in verdict.ports or (None,):
                        yield Arrival(address, port, here=True, place=verdict.place)
        for choice in verdict.choices:
            for address in sorted(choice.addresses):
                here = (packet.family, address) in self.world.local
                for port in choice.ports or (None,):
                    yield Arrival(address, port, here, verdict.place)

    def interface_address(self, interface: str, family: Family) -> int | None:
        """Return the gateway's first address on `interface`, None where the policy says none."""
        for name, place in self._scope.places.items():
            if is_place_interface(place, interface):
                if place.dynamic:
                    return self.world.dynamic.get(name, {}).get(family)
                return first_address(place, family)
        return None


def _decided(verdict: Verdict, index: int) -> Verdict:
    return Verdict(verdict.kind, verdict.choices, verdict.ports, verdict.listener, index)
