"""What happens to a packet in one hook: the rules it meets, and the chains that they lead to."""

from collections.abc import Iterable, Iterator

from natc.ir.actions import Drop, Hook, Note, SetMark, Tproxy, Untrack
from natc.ir.conditions import EVERY_BIT
from natc.ir.policy import Policy, Rule
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.effects import Effect, effect
from natc.simulate.engine import End
from natc.simulate.foretell import Foretold
from natc.simulate.layout import CHAINS, Chain, Layout, Place
from natc.simulate.marks import PacketMark
from natc.simulate.trace import Kind, Step

_SOURCE_HOOKS = frozenset({Hook.INPUT, Hook.POSTROUTING})


class Event(Record):
    """Something on the packet's way.

    Attributes:
        stage: `nat PREROUTING` and its like, or `routing`.
        words: what happens.
        rule: whose doing.
        label: the rule's name or text; where there is no rule, the reason.
        comment: the rule's.
        details: more about it, a line each.
        chain: the chain that rules have led to; empty for the built-in one.
        depth: how many chains lead there.
    """

    stage: str
    kind: Kind
    words: str
    rule: Rule | None = None
    label: str = ""
    details: tuple[str, ...] = ()
    chain: str = ""
    depth: int = 0
    comment: str = ""


class Scene(Record):
    """One packet and the rule set that it meets.

    Attributes:
        policy: as it is written.
        foretold: the policy with the kernel's choices for this packet.
    """

    policy: Policy
    packet: Packet
    layout: Layout
    foretold: Foretold


class HookEvents:
    """One hook on the way to one end, with the chains that the packet enters there."""

    def __init__(self, scene: Scene, end: End, hook: Hook) -> None:
        self._scene = scene
        self._end = end
        self._hook = hook
        self._layout = scene.layout
        self._table, self._built_in = CHAINS[hook]
        self._open = [self._built_in]
        self._mark = _mark_before(scene.packet, end, hook)

    def of(self, steps: Iterable[Step]) -> Iterator[Event]:
        """Yield what happens, of the steps in this hook."""
        for step in steps:
            if step.rule is None:
                yield from self._back_in(self._built_in)
                yield self._unmatched()
                continue
            place, action = self._layout.place(step.rule), step.rule.action
            is_goto = place is not None and place.is_goto
            if is_goto and isinstance(action, Note) and not action.holds:
                continue  # Its second half, which forgets the chain that it leaves.
            if place is not None:
                yield from self._back_in(place.chain)
                yield from self._rule(step.rule, place)
            elif isinstance(action, Drop):  # The chain's policy is no rule.
                yield from self._back_in(self._built_in)
                dropped = self._event(Effect("dropped", "dropped"), step.rule)
                yield replace(dropped, label="policy DROP")

    def _event(self, what: Effect, rule: Rule | None = None, place: Place | None = None) -> Event:
        return Event(
            f"{self._table} {self._built_in}",
            what.kind,
            what.words,
            rule,
            "" if place is None else place.text,
            what.details,
            self._open[-1] if len(self._open) > 1 else "",
            len(self._open) - 1,
            "" if place is None else place.comment,
        )

    def _back_in(self, chain: str) -> Iterator[Event]:
        """Leave the chains below `chain`, which ended without a verdict."""
        while len(self._open) > 1 and self._open[-1] != chain:
            yield self._unmatched()
            self._open.pop()

    def _unmatched(self) -> Event:
        chain = self._layout.chains.get((self._table, self._open[-1]))
        policy = f"policy {chain.policy}" if chain and chain.policy else ""
        what = "match" if self._layout.kind == "policy" else "verdict"
        return replace(self._event(Effect("unmatched", none_of(what, chain))), label=policy)

    def _rule(self, rule: Rule, place: Place) -> Iterator[Event]:
        match rule.action:
            case Note(_, True) if place.is_goto and len(self._open) > 1:
                yield self._event(Effect("entered", f"on to {place.target}"), rule, place)
                self._open[-1] = place.target
            case Note(_, True):
                yield self._event(Effect("entered", f"into {place.target}"), rule, place)
                self._open.append(place.target)
            case Note():
                yield self._event(Effect("left", "back"), rule, place)
                self._open = self._open[:-1] or self._open
            case SetMark():
                self._mark = _marked(self._mark, rule.action)
                yield self._event(Effect("marked", _mark_words(self._mark)), rule, place)
            case Untrack():
                what = Effect("untracked", "not tracked from here on")
                yield self._event(what, rule, place)
            case _:
                yield self._event(self._effect(rule), rule, place)

    def _effect(self, rule: Rule) -> Effect:
        return effect(
            self._scene.foretold.written(rule).action,
            self._end.way,
            self._scene.packet,
            source=self._hook in _SOURCE_HOOKS,
            policy=self._layout.kind == "policy",
        )


def none_of(what: str, chain: Chain | None) -> str:
    """Return that no rule of a chain gave one, a verdict or a match."""
    if chain is None or not chain.rules:
        return "no rules"
    return f"no {what} in {chain.rules:,} rule{'' if chain.rules == 1 else 's'}"


def _mark_before(packet: Packet, end: End, hook: Hook) -> PacketMark:
    mark = PacketMark(kept=0, flipped=packet.mark)
    for step in end.way.steps:
        if step.hook is hook:
            break
        action = None if step.rule is None else step.rule.action
        if isinstance(action, SetMark):
            mark = _marked(mark, action)
        elif isinstance(action, Tproxy):
            mark = mark.changed(action.mark, action.mask)
    return mark


def _marked(before: PacketMark, action: SetMark) -> PacketMark:
    if action.value is None:
        return before.unknown_by("", action.mask)
    return before.changed(action.value, action.mask)


def _mark_words(mark: PacketMark) -> str:
    unknown = mark.unknown
    if unknown == EVERY_BIT:
        return "a mark not known"
    known = f"mark {mark.flipped & ~unknown:#x}"
    return f"{known}, not known in {unknown:#x}" if unknown else known
