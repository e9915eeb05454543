"""Follows packets through the hooks, in the kernel's order.

One engine for one packet and for all packets: a set of packets goes in, and comes out in parts that
met the same fate.  A rule takes the part that it matches and leaves the rest to the rules below, so
nothing is guessed; what the rules cannot tell (an ipset, the way out) becomes an assumption of the
part.

Sources: Linux 6.18, net/netfilter, net/ipv4/ip_forward.c, ip_input.c, ip_output.c; measured by
tests/kernel.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from natc.address import Family
from natc.ir.actions import (
    Accept,
    Action,
    Drop,
    Hook,
    Note,
    Redirect,
    Return,
    SetMark,
    Tproxy,
    Unknown,
    Untrack,
)
from natc.ir.conditions import Opaque
from natc.ir.fields import Field, interface
from natc.ir.intervals import point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.record import Record, replace
from natc.simulate import translate
from natc.simulate.lookup import Lookup, Parts
from natc.simulate.setters import setters
from natc.simulate.site import EVERY_INTERFACE, LOOPBACK_NET, Site
from natc.simulate.trace import Step
from natc.simulate.way import Choice, Way

ROUTE_UNKNOWN = "where the packet leaves, which the zones' subnets do not tell (say `out ZONE`)"
OWN_UNKNOWN = "whether the destination is the gateway's own address"

UNTRACKED = "untracked"
"""What is noted of packets that connection tracking, and so translation, leaves alone."""

_YES = point(1)
_NOWHERE = point(0)
"""The way out of a packet that ends at the gateway."""

_LOCAL = (Hook.MANGLE_INPUT, Hook.FILTER_INPUT)
_LOOPED = (Hook.RAW_PREROUTING, Hook.DIVERT, *_LOCAL)
"""The hooks that packets for the gateway meet, and those that its own meet once lo has them."""

_NONE = Choice(_NOWHERE)
_LOOPBACK = Choice(interface("lo"))
_BY_ROUTE = Choice(EVERY_INTERFACE, "route")
"""What hooks know of the way out: nothing before routing and where a packet ends at the gateway; in
OUTPUT a route that a new destination may change.  POSTROUTING still knows the way in.

Source: net/ipv4/ip_output.c, ip_output(), which passes `indev` .
"""


class End(Record):
    """The fate of some packets.

    Attributes:
        verdict: `unknown` where a target that natc does not know decides.
        is_delivered: whether they end at the gateway, without leaving by any interface.
    """

    way: Way
    verdict: Literal["accepted", "dropped", "unknown"] = "accepted"
    is_delivered: bool = False

    @property
    def proxy(self) -> Tproxy | None:
        """The action that has handed them to a transparent listener."""
        return self.way.proxy if self.verdict == "accepted" else None


class Engine:
    """One rule set of one family, at one gateway."""

    def __init__(self, policy: Policy, family: Family, site: Site) -> None:
        self.family = family
        self.site = site
        found: dict[Hook, list[Rule]] = {}
        for rule in policy.rules:
            if rule.family is family:
                found.setdefault(rule.hook, []).append(rule)
        self._rules = {hook: Lookup(rules) for hook, rules in found.items()}
        self._setters = setters(found, family)
        self._is_looped_asked = any(hook in found for hook in _LOOPED)

    def ends(self, packets: Box) -> Iterator[End]:
        """Yield what becomes of `packets`, in parts.

        Parts overlap only where the kernel chooses.
        """
        start = Way(self.family, self.site, packets, {})
        local, arriving = start.having(Field.IN_INTERFACE, point(0))
        if arriving is not None:
            yield from self._arriving(arriving.leaving_by(_NONE))
        if local is not None:
            yield from self._made_here(local.leaving_by(_BY_ROUTE))

    # The packet's way.

    def _arriving(self, way: Way) -> Iterator[End]:
        for received in self._received(way):
            if isinstance(received, End):
                yield received
            else:
                yield from self._turned(received, Hook.PREROUTING)

    def _received(self, way: Way) -> Iterator[Way | End]:
        """Yield what comes as far as translation; what TPROXY takes does, and goes on from there.

        Source: Linux 6.18, net/netfilter/xt_TPROXY.c, tproxy_tg4(): the mark, then NF_ACCEPT.
        """
        for raw in self._filtered([way], (Hook.RAW_PREROUTING,)):
            if isinstance(raw, End):
                yield raw
                continue
            for diverted, action in self._consult(Hook.DIVERT, raw):
                if isinstance(action, Drop | Unknown):
                    yield _ended(diverted, action)
                elif isinstance(action, Tproxy):
                    mark = diverted.mark.changed(action.mark, action.mask)
                    yield replace(diverted, mark=mark, proxy=action)
                else:
                    yield diverted

    def _made_here(self, way: Way) -> Iterator[End]:
        for marked in self._filtered([way], (Hook.RAW_OUTPUT, Hook.MANGLE_OUTPUT)):
            if isinstance(marked, End):
                yield marked
            else:
                yield from self._turned(marked, Hook.OUTPUT)

    def _turned(self, way: Way, hook: Hook) -> Iterator[End]:
        """Consult the destination phase, and go on with what it makes of the packets."""
        for decided, action in self._consult(hook, way):
            match action:
                case Drop() | Unknown():
                    yield _ended(decided, action)
                case None | Accept() | Return():
                    yield from self._going_on(decided, hook)
                case _:
                    rule = decided.steps[-1].rule
                    name = "" if rule is None else rule.name
                    for turned in translate.destination(decided, action, hook, name):
                        if isinstance(action, Redirect) and hook is Hook.PREROUTING:
                            yield from self._delivered(turned)
                        else:
                            yield from self._going_on(turned, hook)

    def _going_on(self, way: Way, hook: Hook) -> Iterator[End]:
        """Route what the destination phase left; the proxy's mark routes to the gateway."""
        if way.proxy is not None:
            yield from self._delivered(way)
            return
        made_here = hook is Hook.OUTPUT
        leave = self._looping if made_here else self._leaving
        before: tuple[Hook, ...] = (Hook.MANGLE_FORWARD, Hook.FILTER_FORWARD)
        ways: Iterable[Way | End] = (way,)
        if made_here:
            before = (Hook.FILTER_OUTPUT,)
            if Field.DESTINATION in way.moved:
                # All of OUTPUT sees the way out to where the packet was going at first.
                ways, before = self._filtered([way], before), ()
        for passed in ways:
            if isinstance(passed, End):
                yield passed
                continue
            here, away = self._routed(passed.leaving_by(None))
            if here is not None and made_here:
                yield from leave(here.leaving_by(_LOOPBACK), before)
            elif here is not None:
                yield from self._delivered(here)
            for leaving in away:
                yield from leave(leaving, before)

    def _leaving(self, way: Way, before: tuple[Hook, ...]) -> Iterator[End]:
        for left in self._filtered([way], (*before, Hook.MANGLE_POSTROUTING)):
            if isinstance(left, End):
                yield left
            else:
                yield from self._sourced(left, Hook.POSTROUTING)

    def _looping(self, way: Way, before: tuple[Hook, ...]) -> Iterator[End]:
        """Follow the gateway's own packets out; what leaves by lo comes back in."""
        for end in self._leaving(way, before):
            if end.verdict != "accepted" or not self._is_looped_asked:
                yield end
                continue
            looped, gone = end.way.having(Field.OUT_INTERFACE, _LOOPBACK.values)
            if gone is not None:
                yield replace(end, way=gone)
            if looped is not None:
                yield from self._back_in(looped)

    def _back_in(self, way: Way) -> Iterator[End]:
        """Follow packets that lo brings back: they keep mark, connection and route.

        So translation has been decided already, in INPUT too, and no mark leads elsewhere.
        Source: Linux 6.18, drivers/net/loopback.c, loopback_xmit(), which keeps the route;
        net/netfilter/nf_conntrack_core.c, nf_conntrack_in(): "previously seen (loopback)".
        """
        out = way.moved.get(Field.OUT_INTERFACE)
        back = way.leaving_by(_NONE).moving({Field.IN_INTERFACE: _LOOPBACK})
        for received in self._received(back):
            passed = [received] if isinstance(received, End) else self._filtered([received], _LOCAL)
            for left in passed:
                end = left if isinstance(left, End) else End(left)
                yield replace(end, way=end.way.leaving_by(out if isinstance(out, Choice) else None))

    def _delivered(self, way: Way) -> Iterator[End]:
        here = way.leaving_by(_NONE)
        for left in self._filtered([here], _LOCAL):
            if isinstance(left, End):
                yield left
            else:
                yield from self._sourced(left, Hook.INPUT)

    def _sourced(self, way: Way, hook: Hook) -> Iterator[End]:
        """Consult the source phase."""
        here = hook is Hook.INPUT
        for decided, action in self._consult(hook, way):
            match action:
                case Drop() | Unknown():
                    yield _ended(decided, action)
                case None | Accept() | Return():
                    yield End(decided, is_delivered=here)
                case _:
                    for turned in translate.source(decided, action):
                        yield End(turned, is_delivered=here)

    # Rules.

    def _filtered(self, ways: Iterable[Way], hooks: tuple[Hook, ...]) -> Iterator[Way | End]:
        """Yield what hooks that do not translate let pass, and what ends there."""
        for hook in hooks:
            if hook not in self._rules:
                continue
            passed: list[Way] = []
            for way in ways:
                for decided, action in self._consult(hook, way):
                    if isinstance(action, Drop | Unknown):
                        yield _ended(decided, action)
                    else:
                        passed.append(decided)
            ways = passed
        yield from ways

    def _consult(self, hook: Hook, way: Way) -> Iterator[tuple[Way, Action | None]]:
        """Yield the parts of `way` with the action that decided each; None where none did."""
        rules = self._rules.get(hook)
        if rules is None or (UNTRACKED in way.noted and hook in _TRANSLATING):
            yield way, None
            return
        parts = Parts(way)
        for note, destinations, rule in rules.candidates(way):
            left: list[Way] = []
            for part in parts.take(note, destinations):
                taken, others = _taken(part, rule)
                left += others
                for inside in taken:
                    decided = replace(inside, steps=(*inside.steps, Step(hook, rule)))
                    match rule.action:
                        case SetMark():
                            left.append(self._marked(decided, rule, rule.action))
                        case Note(key, holds):
                            left.append(_noted(decided, key, holds=holds))
                        case Untrack() if Field.IN_INTERFACE in way.moved:
                            left.append(inside)  # Back from lo, it is tracked already.
                        case Untrack():
                            left.append(_noted(decided, UNTRACKED, holds=True))
                        case Unknown(text):
                            goes_on = Opaque(f"-j {text} lets the packet go on")
                            on, ends = decided.under(goes_on)
                            left += [on] if on is not None else []
                            if ends is not None:
                                yield ends, rule.action
                        case _:
                            yield decided, rule.action
            parts.add(left)
        for part in parts.rest():
            yield replace(part, steps=(*part.steps, Step(hook, None))), None

    def _marked(self, way: Way, rule: Rule, action: SetMark) -> Way:
        if action.value is None:
            return replace(way, mark=way.mark.unknown_by(self._setters[id(rule)], action.mask))
        return replace(way, mark=way.mark.changed(action.value, action.mask))

    # Routing.

    def _routed(self, way: Way) -> tuple[Way | None, list[Way]]:
        """Return the packets that end at the gateway, and the others by their way out."""
        said = way.packets.get(Field.OUT_INTERFACE)
        moved = way.moved.get(Field.DESTINATION)
        if isinstance(moved, Choice) and moved.values <= LOOPBACK_NET[self.family]:
            return way, []  # Every gateway's own, whatever else is known of it.
        if self.site.own is None:
            if said is None:
                way = replace(way, doubts=(*way.doubts, OWN_UNKNOWN))
            here, away = way.having(Field.OUT_INTERFACE, _NOWHERE)
            if moved is None:  # What rules were told of the destination holds for routing as well.
                here = None if here is None else here.having(Field.LOCAL_DESTINATION, _YES)[0]
                return here, [] if away is None else list(_away(away))
            return here, [] if away is None else [away]
        here, away = way.having(Field.DESTINATION, self.site.own)
        if away is not None:
            away, _ = away.having(Field.OUT_INTERFACE, EVERY_INTERFACE)
        if away is None:
            return here, []
        if said is not None:
            return here, [away]
        parts: list[Way] = []
        for subnet, towards in self.site.routes:
            there, rest = away.having(Field.DESTINATION, subnet)
            if there is not None:
                routed, _ = there.having(Field.OUT_INTERFACE, towards)
                parts += [] if routed is None else [routed]
            if rest is None:
                return here, parts
            away = rest
        parts.append(replace(away, doubts=(*away.doubts, ROUTE_UNKNOWN)))
        return here, parts


def _away(way: Way) -> Iterator[Way]:
    """Yield the packets that leave for others; by lo the gateway's own also go to itself."""
    looped: Way | None = None
    rest: Way | None = way
    if way.now(Field.IN_INTERFACE) == _NOWHERE:
        looped, rest = way.having(Field.OUT_INTERFACE, _LOOPBACK.values)
    if looped is not None:
        yield looped
    if rest is not None:
        _, others = rest.having(Field.LOCAL_DESTINATION, _YES)
        if others is not None:
            yield others


_TRANSLATING = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})


def _taken(way: Way, rule: Rule) -> tuple[list[Way], list[Way]]:
    """Return what `rule` takes of `way`, and what it leaves."""
    taken: list[Way] = []
    left = [way]
    for box in rule.match.boxes:
        if box.conditions and any(part.mark.others for part in left):
            left = [settled for part in left for settled in part.settled(box)]
        rest: list[Way] = []
        for part in left:
            inside, outside = part.within(box)
            rest += outside
            if inside is not None:
                taken.append(inside)
        left = rest
    return taken, left


def _ended(way: Way, action: Action) -> End:
    return End(way, "dropped" if isinstance(action, Drop) else "unknown")


def _noted(way: Way, key: str, *, holds: bool) -> Way:
    return replace(way, noted=way.noted | {key} if holds else way.noted - {key})
