"""natc's chains of one family as they fill, rule by rule."""

from collections.abc import Callable, Iterable, Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Return, Tproxy
from natc.ir.policy import Rule
from natc.targets.iptables import model
from natc.targets.iptables.boxes import alternatives
from natc.targets.iptables.comments import Commenter
from natc.targets.iptables.jumps import CannotSay, steps
from natc.targets.iptables.matches import Alternative
from natc.targets.iptables.model import (
    HOOK_CHAINS,
    JUMP_COMMENT,
    Chain,
    Jump,
    PolicyRoute,
    Ruleset,
    Table,
)

Keep = Callable[[model.Rule], "model.Rule | str"]


def as_data(rule: model.Rule) -> model.Rule:
    """Keep a rule as it is."""
    return rule


def refused(rule: Rule, refusal: CannotSay) -> Diagnostic:
    """Return the error of a rule that iptables cannot say."""
    return Diagnostic("NAT210", str(refusal), Label(rule.origin), help=refusal.help)


class Chains:
    """Lowers rules as they come.

    Attributes:
        problems: NAT210 for each rule that iptables cannot say.
    """

    def __init__(self, policy_name: str, family: Family, keep: Keep = as_data) -> None:
        """Begin with empty chains.

        Args:
            policy_name: the main policy's file; comments name others relative to it.
            keep: what to hold of each kernel rule: `as_data`, or its text to save memory.
        """
        names = [name for _, _, name in HOOK_CHAINS.values()]
        self.family = family
        self.problems: list[Diagnostic] = []
        self._keep = keep
        self._commenter = Commenter(policy_name)
        self._rules: dict[str, list[model.Rule | str]] = {name: [] for name in names}
        self._open = {name: name for name in names}  # By chain: where its next rule goes.
        self._extra: dict[str, list[str]] = {name: [] for name in names}
        self._routes: dict[PolicyRoute, None] = {}

    @property
    def is_used(self) -> bool:
        """Whether any rule came."""
        return any(self._rules.values())

    def add(self, rule: Rule) -> None:
        """Append the kernel rules of a rule of this family; what is wrong goes to `problems`."""
        try:
            self._add(rule)
        except CannotSay as refusal:
            self.problems.append(refused(rule, refusal))

    def add_text(self, chain: str, text: str) -> None:
        """Append a rule to one of natc's chains, as `keep` returned it for another such rule."""
        self._rules[self._open[chain]].append(text)

    def _add(self, rule: Rule) -> None:
        chain = HOOK_CHAINS[rule.hook][2]
        comment = self._commenter.comment(rule)
        todo = list(steps(rule))
        if isinstance(rule.action, Tproxy):
            self._routes[PolicyRoute(self.family, rule.action.mark, rule.action.mask)] = None
        for box in rule.match.boxes:
            ways, exceptions = alternatives(box, self.family)
            if exceptions and isinstance(rule.action, Return):
                self._leave(chain, rule, ways, exceptions)
                continue
            target = self._open[chain]
            if exceptions or (len(todo) > 1 and ways != [()]):
                inner = self._new_chain(chain)
                self._append(target, rule, comment, ways, Jump(inner))
                self._append(inner, rule, comment, exceptions, Jump("RETURN"))
                target, ways = inner, _protocols_again(ways)
            rules = self._rules[target]
            for way in ways:
                for step in todo:
                    every = (*way, *step.matches) if step.matches else way
                    rules.append(self._keep(model.Rule(every, step.jump, comment, rule.origin)))

    def _append(
        self, chain: str, rule: Rule, comment: str, ways: Iterable[Alternative], jump: Jump
    ) -> None:
        rules, keep, origin = self._rules[chain], self._keep, rule.origin
        for way in ways:
            rules.append(keep(model.Rule(way, jump, comment, origin)))

    def _leave(
        self, chain: str, rule: Rule, ways: list[Alternative], exceptions: list[Alternative]
    ) -> None:
        """Leave natc's rules for `ways` but not `exceptions`.

        A RETURN in a chain of its own would leave that chain only.  What follows goes into a chain
        that the others go to: its end, and a RETURN in it, leave natc's rules like the end of this
        one.
        """
        comment = self._commenter.comment(rule)
        here, following = self._open[chain], self._new_chain(chain)
        onward = Jump(following, goto=True)
        self._append(here, rule, comment, exceptions, onward)
        self._append(here, rule, comment, ways, Jump("RETURN"))
        self._append(here, rule, comment, [()], onward)
        self._open[chain] = following

    def _new_chain(self, parent: str) -> str:
        name = f"{parent}-{len(self._extra[parent]) + 1}"
        self._extra[parent].append(name)
        self._rules[name] = []
        return name

    def ruleset(self) -> Ruleset:
        """Return what has come so far."""
        return Ruleset(self.family, tuple(self._tables()), tuple(self._routes))

    def _tables(self) -> Iterator[Table]:
        """Yield the nat table, after the mangle table where that is used."""
        for table in ("mangle", "nat"):
            chains = tuple(self._of_table(table))
            if table == "nat" or any(self._rules.get(chain.name) for chain in chains):
                yield Table(table, chains)

    def _of_table(self, table: str) -> Iterator[Chain]:
        """Yield the built-in chains, each with its jump, and natc's own."""
        hooks = [(built_in, own) for where, built_in, own in HOOK_CHAINS.values() if where == table]
        for built_in, own in hooks:
            yield Chain(built_in, (self._keep(_jump_to(own)),))
        for _, own in hooks:
            for name in (own, *self._extra[own]):
                yield Chain(name, tuple(self._rules[name]))


def _jump_to(chain: str) -> model.Rule:
    return model.Rule((), Jump(chain), JUMP_COMMENT)


def _protocols_again(ways: list[Alternative]) -> list[Alternative]:
    """Return what rules of a chain that `ways` lead to must match once more.

    Targets with ports ask for the protocol in their own rule, whatever led to them.
    """
    named = [next((match for match in way if match.options[0].flag == "-p"), None) for way in ways]
    if any(match is None or match.options[0].negated for match in named):
        return [()]
    return [(match,) for match in dict.fromkeys(named) if match is not None]
