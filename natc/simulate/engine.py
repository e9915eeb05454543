"""Follows one packet through the hooks.

The packet is a set of packets all along: it begins as one, and where the kernel may choose (a pool,
a random port, an unknown way out) it stands for every choice.  A rule takes the part that it
matches and leaves the rest to the rules below, so nothing is guessed.

Sources: Linux 6.18, net/netfilter/nf_nat_core.c, xt_nat.c, xt_MASQUERADE.c, xt_REDIRECT.c,
nf_tproxy_core; measured by tests/kernel.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.ir.actions import (
    Accept,
    Action,
    Balance,
    Dnat,
    Hook,
    Masquerade,
    Netmap,
    PortChoice,
    Redirect,
    Return,
    Snat,
    Tproxy,
)
from natc.ir.fields import (
    NO_USER,
    UNNAMED_USER,
    Field,
    interface,
    interface_number,
    universe,
    user_number,
)
from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from natc.ir.policy import Network, Policy, Rule, Zone
from natc.ir.space import Box, InSet, Mark
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.trace import Outcome, Step, Trace

_LOOPBACK = {Family.IPV4: point((127 << 24) + 1), Family.IPV6: point(1)}
_LOOPBACK_NET = {Family.IPV4: interval(127 << 24, (128 << 24) - 1), Family.IPV6: point(1)}
_EVERY_INTERFACE = universe(Field.OUT_INTERFACE, Family.IPV4) - IntervalSet(((0, 0),))


class _Way(Record):
    """A set of packets that went the same way so far."""

    box: Box
    steps: tuple[Step, ...] = ()
    undecided: tuple[str, ...] = ()


def simulate(policy: Policy, packet: Packet) -> Trace:
    """Return every way in which the first packet of a connection can end under `policy`."""
    return Trace(packet, tuple(_Simulation(policy, packet).outcomes()))


class _Simulation:
    """One packet under one policy."""

    def __init__(self, policy: Policy, packet: Packet) -> None:
        self.policy = policy
        self.packet = packet
        self.family = packet.family
        self.own = _own_addresses(policy, packet.family)

    def outcomes(self) -> Iterator[Outcome]:
        arriving = self.packet.in_interface is not None
        ways = [_Way(self._first())]
        if arriving:
            for way in self._consult(Hook.DIVERT, ways):
                rule = way.steps[-1].rule if way.steps else None
                if rule is not None and isinstance(rule.action, Tproxy):
                    yield self._proxied(way, rule.action)
                else:
                    yield from self._translated(replace(way, steps=way.steps[:-1]), Hook.PREROUTING)
        else:
            yield from self._translated(ways[0], Hook.OUTPUT)

    def _translated(self, start: _Way, hook: Hook) -> Iterator[Outcome]:
        for way in self._consult(hook, [start]):
            action = way.steps[-1].rule.action if way.steps[-1].rule else None
            for turned in self._turned(way, action):
                if isinstance(action, Redirect) and hook is Hook.PREROUTING:
                    yield from self._delivered(self._forgetting_arrival(turned))
                else:
                    yield from self._leaving(turned)

    def _leaving(self, way: _Way) -> Iterator[Outcome]:
        """Route what the destination phase left, and consult the source phase."""
        for routed in self._routed(way):
            if routed.box.get(Field.OUT_INTERFACE) is None:
                yield from self._delivered(routed)
                continue
            for decided in self._consult(Hook.POSTROUTING, [routed]):
                rule = decided.steps[-1].rule
                yield self._outcome(self._rewritten(decided, rule.action if rule else None))

    def _delivered(self, way: _Way) -> Iterator[Outcome]:
        """Consult what rules there are for packets that end at the gateway."""
        for decided in self._consult(Hook.INPUT, [way]):
            rule = decided.steps[-1].rule
            yield self._outcome(self._rewritten(decided, rule.action if rule else None))

    # The packet as a set.

    def _first(self) -> Box:
        packet = self.packet
        sets = {
            Field.IN_INTERFACE: point(
                0 if packet.in_interface is None else interface_number(packet.in_interface)
            ),
            Field.SOURCE: point(packet.source),
            Field.DESTINATION: point(packet.destination),
            Field.PROTOCOL: point(packet.protocol),
            Field.USER: point(_user(packet)),
            Field.LOCAL_DESTINATION: point(int(packet.destination in self.own)),
        }
        if packet.source_port is not None and packet.destination_port is not None:
            sets[Field.SOURCE_PORT] = point(packet.source_port)
            sets[Field.DESTINATION_PORT] = point(packet.destination_port)
        return Box.of(sets)

    def _consult(self, hook: Hook, ways: list[_Way]) -> Iterator[_Way]:
        """Yield the parts of `ways` with the rule that decided each; None where none did."""
        for rule in self.policy.rules:
            if rule.hook is not hook or rule.family is not self.family:
                continue
            left: list[_Way] = []
            for way in ways:
                taken, rest = self._split(way, rule)
                yield from taken
                left += rest
            ways = left
            if not ways:
                return
        for way in ways:
            yield replace(way, steps=(*way.steps, Step(hook, None)))

    def _split(self, way: _Way, rule: Rule) -> tuple[list[_Way], list[_Way]]:
        """Return what `rule` takes of `way`, and what it leaves."""
        taken: list[_Way] = []
        left = [way]
        for box in rule.match.boxes:
            held, doubts = self._conditions(box)
            if not held:
                continue
            plain = replace(box, conditions=())
            rest: list[_Way] = []
            for part in left:
                met = part.box & plain
                if met is None:
                    rest.append(part)
                    continue
                step = Step(rule.hook, rule)
                undecided = (*part.undecided, *(f"whether {doubt}" for doubt in doubts))
                taken.append(_Way(met, (*part.steps, step), undecided))
                outside = [replace(part, box=b) for b in part.box.minus(plain, self.family)]
                rest += outside
                if doubts:
                    rest.append(
                        _Way(
                            met,
                            part.steps,
                            (*part.undecided, *(f"whether not {d}" for d in doubts)),
                        )
                    )
            left = rest
        return taken, left

    def _conditions(self, box: Box) -> tuple[bool, list[str]]:
        """Return whether the box's conditions can hold, and what decides that natc cannot see."""
        doubts = []
        for condition in box.conditions:
            match condition:
                case Mark(value, mask, negated):
                    if (self.packet.mark & mask == value) is negated:
                        return False, []
                case InSet(name, flags, negated):
                    verb = "is not" if negated else "is"
                    doubts.append(f"the packet {verb} in the ipset {name} ({','.join(flags)})")
        return True, doubts

    # Destination phase.

    def _turned(self, way: _Way, action: Action | None) -> Iterator[_Way]:
        """Yield `way` with its destination rewritten."""
        match action:
            case None | Accept() | Return():
                yield way
            case Dnat():
                yield from self._to(way, action.addresses, self._dnat_ports(way, action))
            case Balance(backends):
                for backend in backends:
                    ports = self._dnat_ports(way, backend.action)
                    yield from self._to(way, backend.action.addresses, ports)
            case Redirect(ports, choice):
                yield from self._to(way, self._redirected(), self._new_ports(way, ports, choice))
            case Netmap(_, network):
                yield from self._to(way, self._mapped(self.packet.destination, network), None)
            case _:
                raise ValueError(f"{type(action).__name__} in the destination phase")

    def _to(self, way: _Way, addresses: IntervalSet, ports: IntervalSet | None) -> Iterator[_Way]:
        """Yield `way` with a new destination; one that is the old one is no translation.

        Source: net/netfilter/nf_nat_core.c, nf_nat_setup_info(): the status bit of a translated
        destination is set when the tuple changes; Linux 6.18.
        """
        sets = dict(way.box.restricted())
        address, port = sets[Field.DESTINATION], sets.get(Field.DESTINATION_PORT)
        new_ports = None if port is None else ports or port
        sets[Field.ORIGINAL_DESTINATION] = address
        if port is not None:
            sets[Field.ORIGINAL_PORT] = port
        # An unknown address of the gateway is no choice that could be the old one.
        is_known = addresses != universe(Field.DESTINATION, self.family)
        kept = address & addresses if is_known else EMPTY
        kept_port = None if port is None or new_ports is None else port & new_ports
        moved = [(addresses - kept, new_ports)]
        if kept and (kept_port is None or kept_port):
            yield replace(way, box=Box.of(sets | {Field.TRANSLATED: point(0)}))
        if kept and new_ports is not None and port is not None:
            moved.append((kept, new_ports - port))
        for to, by in moved:
            if to and (by is None or by):
                sets |= {Field.DESTINATION: to, Field.TRANSLATED: point(1)}
                if by is not None:
                    sets[Field.DESTINATION_PORT] = by
                yield replace(way, box=Box.of(sets))

    def _dnat_ports(self, way: _Way, action: Dnat) -> IntervalSet | None:
        port = self.packet.destination_port
        if action.shift_from is not None and action.ports is not None and port is not None:
            offset = (port - action.shift_from) % action.ports.size
            return point(action.ports.first + offset)
        return self._new_ports(way, action.ports, action.port_choice)

    def _new_ports(
        self, way: _Way, ports: IntervalSet | None, choice: PortChoice
    ) -> IntervalSet | None:
        before = way.box.get(Field.DESTINATION_PORT)
        if ports is None or before is None or choice is not PortChoice.KEEP:
            return ports
        return before if before <= ports else point(ports.first)

    def _redirected(self) -> IntervalSet:
        """Return the address that REDIRECT chooses."""
        if self.packet.in_interface is None:
            return _LOOPBACK[self.family]
        return self._primary_address(point(interface_number(self.packet.in_interface)))

    def _mapped(self, address: int, network: IntervalSet) -> IntervalSet:
        return point(network.first | (address & (network.size - 1)))

    # Routing.

    def _forgetting_arrival(self, way: _Way) -> _Way:
        """Return `way` as the later hooks see it: with its history, without its way in."""
        sets = dict(way.box.restricted())
        sets.setdefault(Field.TRANSLATED, point(0))
        sets.setdefault(Field.ORIGINAL_DESTINATION, sets[Field.DESTINATION])
        if Field.DESTINATION_PORT in sets:
            sets.setdefault(Field.ORIGINAL_PORT, sets[Field.DESTINATION_PORT])
        sets.pop(Field.IN_INTERFACE)
        return replace(way, box=Box.of(sets))

    def _routed(self, way: _Way) -> Iterator[_Way]:
        """Yield `way` with its way out; without one when it ends at the gateway."""
        way = self._forgetting_arrival(way)
        sets = dict(way.box.restricted())
        made_here = self.packet.in_interface is None
        remaining = sets[Field.DESTINATION]
        local = remaining & (self.own | _LOOPBACK_NET[self.family])
        if local:
            out = {Field.OUT_INTERFACE: interface("lo")} if made_here else {}
            yield replace(way, box=Box.of(sets | {Field.DESTINATION: local} | out))
            remaining -= local
        for subnet, towards in self._routes():
            part = remaining & subnet
            if part:
                here = {Field.DESTINATION: part, Field.OUT_INTERFACE: towards}
                yield replace(way, box=Box.of(sets | here))
                remaining -= part
        if remaining:
            here = {Field.DESTINATION: remaining, Field.OUT_INTERFACE: _EVERY_INTERFACE}
            doubt = "where the packet leaves, which the zones' subnets do not tell (say `out ZONE`)"
            yield replace(way, box=Box.of(sets | here), undecided=(*way.undecided, doubt))

    def _routes(self) -> Iterator[tuple[IntervalSet, IntervalSet]]:
        """Yield destinations and the interface towards them, narrow ones first."""
        everywhere = universe(Field.DESTINATION, self.family)
        if self.packet.out_interface is not None:
            yield everywhere, interface(self.packet.out_interface)
            return
        sides = [
            (
                zone.subnet.of(self.family),
                IntervalSet.of(r for i in zone.interfaces for r in interface(i).ranges),
            )
            for zone in self.policy.zones
        ] + [(net.subnet.of(self.family), interface(net.bridge)) for net in self.policy.networks]
        yield from sorted((side for side in sides if side[0]), key=lambda side: side[0].size)
        outside = [side for side in sides if not side[0]]
        if len(outside) == 1:
            yield everywhere, outside[0][1]

    # Source phase.

    def _rewritten(self, way: _Way, action: Action | None) -> _Way:
        """Return `way` with its source rewritten."""
        match action:
            case None | Accept() | Return():
                return way
            case Snat(addresses, ports, _, choice):
                return self._from(way, addresses, ports, choice)
            case Masquerade(ports, choice):
                out = way.box.get(Field.OUT_INTERFACE)
                if out is None:
                    raise ValueError("a packet in the source phase has a way out")
                return self._from(way, self._primary_address(out), ports, choice)
            case Netmap(_, network):
                return self._from(
                    way, self._mapped(self.packet.source, network), None, PortChoice.KEEP
                )
            case _:
                raise ValueError(f"{type(action).__name__} in the source phase")

    def _from(
        self, way: _Way, addresses: IntervalSet, ports: IntervalSet | None, choice: PortChoice
    ) -> _Way:
        sets = dict(way.box.restricted())
        sets[Field.SOURCE] = addresses
        before = sets.get(Field.SOURCE_PORT)
        if before is not None:
            if choice is not PortChoice.KEEP:
                sets[Field.SOURCE_PORT] = ports or _port_class(before.first)
            elif ports is not None and not before <= ports:
                sets[Field.SOURCE_PORT] = ports
        return replace(way, box=Box.of(sets))

    def _primary_address(self, interfaces: IntervalSet) -> IntervalSet:
        """Return the gateway's first address on each interface, which MASQUERADE and REDIRECT take.

        Any address where the policy does not say.
        """
        places: tuple[Zone | Network, ...] = (*self.policy.zones, *self.policy.networks)
        known = EMPTY
        found: list[tuple[int, int]] = []
        for place in places:
            names = place.interfaces if isinstance(place, Zone) else (place.bridge,)
            here = IntervalSet.of(r for name in names for r in interface(name).ranges) & interfaces
            own = [value for family, value in place.addresses if family is self.family]
            if here - known and own:
                known |= here
                found.append((own[0], own[0]))
        everywhere = universe(Field.SOURCE, self.family)
        return IntervalSet.of(found) if interfaces <= known else everywhere

    # Ends.

    def _proxied(self, way: _Way, action: Tproxy) -> Outcome:
        address = self._redirected() if action.address is None else point(action.address)
        turned = replace(
            way,
            box=Box.of(
                dict(way.box.restricted())
                | {Field.DESTINATION: address, Field.DESTINATION_PORT: point(action.port)}
            ),
        )
        return replace(self._outcome(turned), proxied=True)

    def _outcome(self, way: _Way) -> Outcome:
        sets = dict(way.box.restricted())
        return Outcome(
            sets[Field.SOURCE],
            sets.get(Field.SOURCE_PORT),
            sets[Field.DESTINATION],
            sets.get(Field.DESTINATION_PORT),
            undecided=way.undecided,
            steps=way.steps,
        )


def _own_addresses(policy: Policy, family: Family) -> IntervalSet:
    places: tuple[Zone | Network, ...] = (*policy.zones, *policy.networks)
    own = IntervalSet.of(
        (value, value) for place in places for kind, value in place.addresses if kind is family
    )
    return own | _LOOPBACK_NET[family]


def _user(packet: Packet) -> int:
    """Return the sender of a packet; one that is not named is nobody whom a policy names."""
    if packet.in_interface is not None:
        return NO_USER
    return UNNAMED_USER if packet.user is None else user_number(packet.user)


def _port_class(port: int) -> IntervalSet:
    """Return the ports that the kernel draws from for a source port.

    Source: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple, Linux 6.18.
    """
    if port < 512:
        return interval(1, 511)
    return interval(600, 1023) if port < 1024 else interval(1024, 65535)
