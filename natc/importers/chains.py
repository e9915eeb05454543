"""Chains that jump to each other to one list a hook, in which packets may skip ahead.

A chain's rules stand in the place of the jump to it, each with the packets that the jump lets in.
So the list has decisions, of which the first that holds a packet counts, and skips: RETURN skips to
the end of the chain, `-g` makes the end of the chain that was gone to that of the chain it left.
"""

from collections.abc import Iterable

from natc.address import Family
from natc.importers.packets import normal, unasked
from natc.importers.remarks import Link, Place, Trail
from natc.importers.scope import rules_of
from natc.ir.actions import (
    Accept,
    Action,
    Dnat,
    Drop,
    Hook,
    Masquerade,
    Netmap,
    Redirect,
    SetMark,
    Snat,
    Tproxy,
    Unknown,
    Untrack,
)
from natc.ir.space import EVERYTHING, Box
from natc.record import Record
from natc.targets.iptables import model
from natc.targets.iptables.lift import MOST_RULES, TooManyJumps
from natc.targets.iptables.lift_match import Matches
from natc.targets.iptables.lift_target import effect, netmap

MOST_STEPS = MOST_RULES // 10


class Decision(Record):
    """Packets that a rule decides about; the first decision that holds a packet counts.

    Attributes:
        order: its place in the list; what an earlier step became keeps that step's.
    """

    order: int
    box: Box
    action: Action
    trail: Trail


class End:
    """The end of a chain, which is known when the chain has been gone through."""

    order = 0


class Skip(Record):
    """Packets that go on at the end of a chain."""

    order: int
    box: Box
    end: End
    trail: Trail


class Omitted(Record):
    """A rule that is not expressed, at its place.

    Attributes:
        via: the jump that is not expressed and leads to it; None for one that itself cannot be.
    """

    order: int
    place: Place
    hook: Hook
    via: Place | None = None


Step = Decision | Skip | Omitted

_ALLOWED: dict[Hook, tuple[type, ...]] = {
    Hook.DIVERT: (Tproxy,),
    Hook.PREROUTING: (Accept, Dnat, Redirect, Netmap),
    Hook.INPUT: (),
    Hook.OUTPUT: (Accept, Dnat, Redirect, Netmap),
    Hook.POSTROUTING: (Accept, Snat, Masquerade, Netmap),
}


class Walk:
    """Goes through all chains that a built-in chain leads to.

    Attributes:
        refused: rules that are not expressed, with the reason; those found on the way are added.
        steps: the list.
        jumps: the chain that each jump which packets come to leads to.
    """

    def __init__(
        self,
        family: Family,
        table: model.Table,
        hook: Hook,
        refused: dict[Place, str],
        told: set[Place],
    ) -> None:
        """Begin at the start of a hook.

        Args:
            told: rules whose omission is in some list already.
        """
        self.family = family
        self.hook = hook
        self.refused = refused
        self.steps: list[Step] = []
        self.jumps: dict[Place, str] = {}
        self._table = table.name
        self._chains = {chain.name: chain for chain in table.chains}
        self._matches = Matches(family)
        self._told = told

    def go(self, chain: model.Chain) -> None:
        """Fill `steps` with what a built-in chain does."""
        policy = Place(self._table, chain.name, 0)
        if chain.policy == "DROP" and self._table == "nat":
            self.refused.setdefault(
                policy, "what no rule takes is left alone, and cannot be dropped"
            )
        last = End()
        self._chain(chain, [EVERYTHING], (), last, last)
        last.order = len(self.steps)
        if policy in self.refused:
            self._omit(policy)

    def _chain(
        self, chain: model.Chain, path: list[Box], trail: Trail, end: End, last: End
    ) -> None:
        for number, rule in enumerate(rules_of(chain), 1):
            place = Place(self._table, chain.name, number)
            if place not in self.refused:
                name = f"{chain.name}:{number}"
                read = self._matches.boxes(rule, name, self._table)
                boxes = [b for box in read if (b := normal(box, self.hook, self.family))]
                met = [both for mine in path for box in boxes if (both := mine & box)]
                if met:
                    link = Link(place, rule, tuple(boxes))
                    self._rule(met, (*trail, link), end, last)
            if place in self.refused:
                self._omit(place)
                if rule.jump is not None:
                    self._omit_behind(rule.jump.target, place)

    def _rule(self, met: list[Box], trail: Trail, end: End, last: End) -> None:
        link = trail[-1]
        jump = link.rule.jump
        reason = next((r for box in link.boxes if (r := unasked(box, self.hook))), None)
        if jump is None:
            self.refused[link.place] = "it has no target: it only counts"
        elif jump.target not in self._chains and jump.target != "RETURN":
            self._target(jump, met, trail, last, reason)
        elif reason is not None:
            self.refused[link.place] = reason
        elif jump.target == "RETURN":
            self._skip(met, trail, end)
        else:
            self.jumps[link.place] = jump.target
            inner = End()
            back = end if jump.goto else inner
            self._chain(self._chains[jump.target], met, trail, back, last)
            inner.order = len(self.steps)
            if jump.goto:
                self._skip(met, trail, end)

    def _target(
        self, jump: model.Jump, met: list[Box], trail: Trail, last: End, reason: str | None
    ) -> None:
        if jump.target == "NETMAP":
            is_source = self.hook in (Hook.POSTROUTING, Hook.INPUT)
            action: Action | None = netmap(jump, self.family, source=is_source)
        else:
            action = effect(jump, self.family)
        ends = isinstance(action, Accept) and self.hook in (Hook.DIVERT, Hook.INPUT)
        is_said = ends or (action is not None and isinstance(action, _ALLOWED[self.hook]))
        if action is None and self._table != "nat":
            return
        if not is_said:
            place = trail[0].place if self.hook is Hook.INPUT else trail[-1].place
            self.refused[place] = _untold(jump, action, self.hook)
        elif reason is not None:
            self.refused[trail[-1].place] = reason
        elif ends:
            self._skip(met, trail, last)
        elif action is not None:
            self._append(Decision(len(self.steps), box, action, trail) for box in met)

    def _skip(self, met: list[Box], trail: Trail, end: End) -> None:
        if self.hook is Hook.INPUT:
            return  # Nothing there is translated, so there is nothing to leave out.
        self._append(Skip(len(self.steps), box, end, trail) for box in met)

    def _append(self, steps: Iterable[Step]) -> None:
        self.steps += steps
        if len(self.steps) > MOST_STEPS:
            raise TooManyJumps

    def _omit(self, place: Place, via: Place | None = None) -> None:
        if place not in self._told:
            self._told.add(place)
            self.steps.append(Omitted(len(self.steps), place, self.hook, via))

    def _omit_behind(self, chain: str, via: Place) -> None:
        """Note the rules that a jump which is left out would lead to."""
        waiting, seen = [chain], set[str]()
        while waiting:
            name = waiting.pop()
            if name in self._chains and name not in seen:
                seen.add(name)
                for number, rule in enumerate(rules_of(self._chains[name]), 1):
                    self._omit(Place(self._table, name, number), via)
                    waiting += [] if rule.jump is None else [rule.jump.target]


def _untold(jump: model.Jump, action: Action | None, hook: Hook) -> str:
    """Return why a target is no statement."""
    name = f"`{jump.target}`"
    match action:
        case None:
            return f"{name} does nothing to addresses and ports"
        case Drop():
            return f"{name}: natc translates, the filter table drops"
        case SetMark():
            return f"{name} changes the packet's mark, and no statement does"
        case Untrack():
            return f"{name}: no statement leaves packets untracked"
        case Unknown(text):
            return f"no statement for `{text}`"
        case _:
            return f"{name} has no statement in {hook}"
