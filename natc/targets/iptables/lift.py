"""A ruleset to the IR: the chains that rules jump to become one list a hook.

A jump becomes a rule that notes that the packet came to the chain, and the chain's rules ask for
the note; RETURN takes it back.  So the list means exactly what the chains meant, whatever marks
change on the way, and grows with the rules, not with the packets.

The tables raw, mangle, nat and filter are understood; security does nothing to translation.
"""

from collections.abc import Iterable, Iterator

from natc.ir.actions import (
    Action,
    Dnat,
    Drop,
    Hook,
    Masquerade,
    Netmap,
    Note,
    Redirect,
    Snat,
    Tproxy,
    Unknown,
)
from natc.ir.conditions import Noted
from natc.ir.policy import Policy, Rule
from natc.ir.space import EVERYTHING, Box, Region
from natc.source import NOWHERE, Span
from natc.targets.iptables import model
from natc.targets.iptables.lift_match import Matches
from natc.targets.iptables.lift_target import effect, netmap
from natc.targets.iptables.write import jump_text

HOOKS = {
    ("raw", "PREROUTING"): Hook.RAW_PREROUTING,
    ("raw", "OUTPUT"): Hook.RAW_OUTPUT,
    ("mangle", "PREROUTING"): Hook.DIVERT,
    ("mangle", "INPUT"): Hook.MANGLE_INPUT,
    ("mangle", "FORWARD"): Hook.MANGLE_FORWARD,
    ("mangle", "OUTPUT"): Hook.MANGLE_OUTPUT,
    ("mangle", "POSTROUTING"): Hook.MANGLE_POSTROUTING,
    ("nat", "PREROUTING"): Hook.PREROUTING,
    ("nat", "INPUT"): Hook.INPUT,
    ("nat", "OUTPUT"): Hook.OUTPUT,
    ("nat", "POSTROUTING"): Hook.POSTROUTING,
    ("filter", "INPUT"): Hook.FILTER_INPUT,
    ("filter", "FORWARD"): Hook.FILTER_FORWARD,
    ("filter", "OUTPUT"): Hook.FILTER_OUTPUT,
}
"""Table and built-in chain to hook."""

_PLACES: dict[type[Action], tuple[Hook, ...]] = {
    Dnat: (Hook.PREROUTING, Hook.OUTPUT),
    Redirect: (Hook.PREROUTING, Hook.OUTPUT),
    Snat: (Hook.POSTROUTING, Hook.INPUT),
    Masquerade: (Hook.POSTROUTING,),
    Netmap: (Hook.PREROUTING, Hook.OUTPUT, Hook.POSTROUTING, Hook.INPUT),
    Tproxy: (Hook.DIVERT,),
}
"""Where the kernel takes an action.  Source: iptables-extensions(8)."""

MOST_RULES = 1_000_000
"""Rules after every jump is followed."""


class TooManyJumps(Exception):  # noqa: N818 - an answer, not an error of natc
    """Following every jump gives more than `MOST_RULES` rules."""


def lift(name: str, *rulesets: model.Ruleset, every_jump: bool = False) -> Policy:
    """Return what the rules mean.  What natc does not know stays as an opaque match or target.

    Args:
        name: of the policy.
        rulesets: one for each family.
        every_jump: keep jumps that all packets take, which mean nothing, for those who tell them.

    Raises:
        TooManyJumps: chains jump to chains too often.
    """
    rules: list[Rule] = []
    for ruleset in rulesets:
        for table in ruleset.tables:
            chains = {chain.name: chain for chain in table.chains}
            for chain in table.chains:
                hook = HOOKS.get((table.name, chain.name))
                if hook is not None:
                    lifting = _Hook(ruleset, table.name, hook, chains, every_jump=every_jump)
                    rules += lifting.rules(chain)
    return Policy(name, tuple(rules))


class _Hook:
    """One built-in chain with all that it jumps to, on its way to one list."""

    def __init__(
        self,
        ruleset: model.Ruleset,
        table: str,
        hook: Hook,
        chains: dict[str, model.Chain],
        *,
        every_jump: bool,
    ) -> None:
        self.family = ruleset.family
        self.table = table
        self.hook = hook
        self.chains = chains
        self.matches = Matches(ruleset.family)
        self._every_jump = every_jump
        self._made = 0
        self._visits = 0

    def rules(self, chain: model.Chain) -> Iterator[Rule]:
        """Yield the rules of the built-in chain, and at its end its policy."""
        leaves = _leaves(chain)
        key = self._key(chain.name) if leaves else None
        if key is not None:
            yield self._rule(f"{chain.name} begins", (EVERYTHING,), Note(key), _place(chain))
        yield from self._chain(chain, key)
        if chain.policy == "DROP":
            yield self._rule(f"{chain.name} policy", (EVERYTHING,), Drop(), _place(chain))

    def _chain(self, chain: model.Chain, key: str | None) -> Iterator[Rule]:
        """Yield the rules of a chain for the packets that `key` is noted of."""
        for number, rule in enumerate(chain.rules, 1):
            if isinstance(rule, str):
                raise TypeError("a ruleset that is only to be printed has no meaning")
            if rule.jump is None:
                continue
            name = f"{chain.name}:{number}"
            boxes = tuple(_under(self.matches.boxes(rule, name, self.table), key))
            if boxes:
                yield from self._jump(rule, rule.jump, name, boxes, key)

    def _jump(
        self,
        rule: model.Rule,
        jump: model.Jump,
        name: str,
        boxes: tuple[Box, ...],
        key: str | None,
    ) -> Iterator[Rule]:
        target = self.chains.get(jump.target)
        if target is None and jump.target == "RETURN":
            # The end of a built-in chain is its policy: nothing is left to ask there.
            yield self._rule(name, boxes, Note(key or "", holds=False), rule.origin)
            return
        if target is None:
            if jump.target == "NETMAP":
                is_source = self.hook in (Hook.POSTROUTING, Hook.INPUT)
                action: Action | None = netmap(jump, self.family, source=is_source)
            else:
                action = effect(jump, self.family)
            if action is not None and self.hook not in _PLACES.get(type(action), HOOKS.values()):
                action = Unknown(jump_text(jump))  # The kernel refuses it here.
            if action is not None:
                yield self._rule(name, boxes, action, rule.origin)
            return
        is_taken_by_all = not jump.goto and boxes == tuple(_under((EVERYTHING,), key))
        if is_taken_by_all and not self._every_jump and not _leaves(target):
            # Every packet comes to a chain that none leaves but by its end.
            yield from self._chain(target, key)
            return
        inner = self._key(target.name)
        yield self._rule(name, boxes, Note(inner), rule.origin)
        if jump.goto and key is not None:
            noted = _under((EVERYTHING,), inner)
            yield self._rule(name, tuple(noted), Note(key, holds=False), rule.origin)
        yield from self._chain(target, inner)

    def _key(self, chain: str) -> str:
        self._visits += 1
        return f"{self.hook} {chain}, visit {self._visits}"

    def _rule(self, name: str, boxes: tuple[Box, ...], action: Action, origin: Span) -> Rule:
        self._made += 1
        if self._made > MOST_RULES:
            raise TooManyJumps
        return Rule(name, self.family, self.hook, Region(boxes), action, origin)


def _under(boxes: Iterable[Box], key: str | None) -> Iterator[Box]:
    """Yield the boxes for packets that `key` is noted of; None is all."""
    for box in boxes:
        under = box if key is None else box.under(Noted(key))
        if under is not None:
            yield under


def _place(chain: model.Chain) -> Span:
    """Return where a chain is declared, or else its first rule."""
    if chain.origin is not NOWHERE:
        return chain.origin
    return next((rule.origin for rule in chain.rules if not isinstance(rule, str)), NOWHERE)


def _leaves(chain: model.Chain) -> bool:
    """Whether a rule of a chain can end it without a verdict."""
    return any(
        not isinstance(rule, str)
        and rule.jump is not None
        and (rule.jump.goto or rule.jump.target == "RETURN")
        for rule in chain.rules
    )
