"""IR to iptables rules, exactly, or a located refusal."""

from collections.abc import Iterable, Iterator
from itertools import product

from natc.address import Family
from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.ir.actions import Hook, Return, Tproxy
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.targets.iptables import matches, model
from natc.targets.iptables.comments import Commenter
from natc.targets.iptables.jumps import CannotSay, steps
from natc.targets.iptables.matches import Alternative, Cover
from natc.targets.iptables.model import HOOK_CHAINS, Chain, Jump, Match, PolicyRoute, Ruleset, Table

_PRINTED = (
    Field.SOURCE,
    Field.DESTINATION,
    *(field for field in Field if field not in (Field.SOURCE, Field.DESTINATION)),
)
"""The dimensions in the order in which iptables-save prints their matches."""

_PORT_FIELDS = {Field.SOURCE_PORT: "source", Field.DESTINATION_PORT: "destination"}


def lower(policy: Policy, family: Family) -> Ruleset:
    """Return the rules of one family.

    Raises:
        PolicyError: NAT210 for what iptables cannot say, all of it at once.
    """
    chains = _Chains(policy.name)
    problems: list[Diagnostic] = []
    for rule in policy.rules:
        if rule.family is family:
            try:
                chains.add(rule)
            except CannotSay as refusal:
                problems.append(
                    Diagnostic("NAT210", str(refusal), Label(rule.origin), help=refusal.help)
                )
    if problems:
        raise PolicyError(problems)
    return Ruleset(family, tuple(chains.tables()), tuple(_routes(policy, family)))


def _routes(policy: Policy, family: Family) -> Iterator[PolicyRoute]:
    """Yield the policy routing that diverted packets need, each once."""
    seen = set()
    for rule in policy.rules:
        if rule.family is family and isinstance(rule.action, Tproxy):
            route = PolicyRoute(family, rule.action.mark, rule.action.mask)
            if route not in seen:
                seen.add(route)
                yield route


class _Chains:
    """The chains of one family as they fill.

    Attributes:
        rules: by chain.
        open: by natc's chain of a hook, the chain that the next rule of the hook goes into.
        extra: by natc's chain of a hook, the chains that it leads to.
    """

    def __init__(self, policy_name: str) -> None:
        self.commenter = Commenter(policy_name)
        self.rules: dict[str, list[model.Rule]] = {name: [] for _, _, name in HOOK_CHAINS.values()}
        self.open = {name: name for name in self.rules}
        self.extra: dict[str, list[str]] = {name: [] for _, _, name in HOOK_CHAINS.values()}

    def add(self, rule: Rule) -> None:
        """Append the kernel rules of `rule` to its chain.

        Raises:
            CannotSay: iptables has no form for it.
        """
        _, _, chain = HOOK_CHAINS[rule.hook]
        comment = self.commenter.comment(rule)
        todo = list(steps(rule))
        for box in rule.match.boxes:
            ways, exceptions = _alternatives(box, rule.family)
            if exceptions and isinstance(rule.action, Return):
                self._leave(chain, rule, ways, exceptions)
                continue
            target = self.open[chain]
            if exceptions or (len(todo) > 1 and ways != [()]):
                inner = self._new_chain(chain)
                jump, back = Jump(inner), Jump("RETURN")
                self.rules[target] += (model.Rule(way, jump, comment, rule.origin) for way in ways)
                self.rules[inner] += (
                    model.Rule(exception, back, comment, rule.origin) for exception in exceptions
                )
                target, ways = inner, _protocols_again(ways)
            self.rules[target] += (
                model.Rule((*way, *step.matches), step.jump, comment, rule.origin)
                for way in ways
                for step in todo
            )

    def _leave(
        self, chain: str, rule: Rule, ways: list[Alternative], exceptions: list[Alternative]
    ) -> None:
        """Leave natc's rules for `ways` but not `exceptions`.

        A RETURN in a chain of its own would leave that chain only.  What follows goes into a chain
        that the others go to: its end, and a RETURN in it, leave natc's rules like the end of this
        one.
        """
        comment = self.commenter.comment(rule)
        here, following = self.open[chain], self._new_chain(chain)
        on, out = Jump(following, goto=True), Jump("RETURN")
        self.rules[here] += (
            *(model.Rule(exception, on, comment, rule.origin) for exception in exceptions),
            *(model.Rule(way, out, comment, rule.origin) for way in ways),
            model.Rule((), on, comment, rule.origin),
        )
        self.open[chain] = following

    def _new_chain(self, parent: str) -> str:
        name = f"{parent}-{len(self.extra[parent]) + 1}"
        self.extra[parent].append(name)
        self.rules[name] = []
        return name

    def tables(self) -> Iterator[Table]:
        """Yield the nat table, after the mangle table where that is used."""
        for table in ("mangle", "nat"):
            chains = tuple(self._of_table(table))
            if table == "nat" or any(chain.rules for chain in chains):
                yield Table(table, chains)

    def _of_table(self, table: str) -> Iterator[Chain]:
        for hook in Hook:
            where, built_in, name = HOOK_CHAINS[hook]
            if where == table:
                yield Chain(name, built_in, tuple(self.rules[name]))
                for extra in self.extra[name]:
                    yield Chain(extra, None, tuple(self.rules[extra]))


def _alternatives(box: Box, family: Family) -> tuple[list[Alternative], list[Alternative]]:
    """Return the ways to be in `box`, and what must be excepted from each.

    Raises:
        CannotSay: the interfaces have no form.
    """
    conditions = tuple(matches.condition(found) for found in box.conditions)
    ways: list[Alternative] = []
    exceptions: list[Alternative] = []
    for numbers in _protocol_parts(box, box.sets[Field.PROTOCOL]):
        several = False
        covers = []
        for cover in _covers(box, family, numbers):
            covers.append(cover)
            several |= len(cover.alternatives) > 1
            exceptions += cover.exceptions
        if several:
            ways += (
                _in_order([*(match for part in chosen for match in part), *conditions])
                for chosen in product(*(cover.alternatives for cover in covers))
            )
        else:
            every = [match for cover in covers for match in cover.alternatives[0]]
            ways.append(_in_order([*every, *conditions]))
    return ways, list(dict.fromkeys(exceptions))


def _protocol_parts(box: Box, protocols: IntervalSet | None) -> Iterable[IntervalSet | None]:
    """Return the protocols one by one where ports need that, together otherwise."""
    if protocols is None or (
        box.sets[Field.SOURCE_PORT] is None and box.sets[Field.DESTINATION_PORT] is None
    ):
        return (protocols,)
    if protocols.size == 1:
        return (protocols,)
    return [
        IntervalSet(((number, number),))
        for low, high in protocols.ranges
        for number in range(low, high + 1)
    ]


def _covers(box: Box, family: Family, protocols: IntervalSet | None) -> Iterator[Cover]:
    """Yield a cover for each restricted dimension, in the order of the printed rule."""
    for field in _PRINTED:
        values = box.sets[field]
        if values is None or values.ranges == universe(field, family).ranges:
            continue
        match field:
            case Field.SOURCE:
                yield matches.addresses(values, "src", family)
            case Field.DESTINATION:
                yield matches.addresses(values, "dst", family)
            case Field.IN_INTERFACE | Field.OUT_INTERFACE:
                cover = matches.interfaces(values, "-i" if field is Field.IN_INTERFACE else "-o")
                if cover is None:
                    raise CannotSay("this set of interfaces has no form in iptables")
                yield cover
            case Field.PROTOCOL:
                if protocols is None:
                    raise AssertionError("a restricted protocol has parts")
                yield matches.protocols(protocols)
            case Field.SOURCE_PORT | Field.DESTINATION_PORT:
                if protocols is None:
                    raise AssertionError("ports come with a protocol that has them")
                name = matches.protocol_text(protocols.first)
                yield matches.ports(values, _PORT_FIELDS[field], name)
            case Field.LOCAL_DESTINATION:
                yield matches.local_destination(values)
            case Field.USER:
                yield matches.users(values, family)
            case Field.ORIGINAL_DESTINATION:
                yield matches.original_destination(values, family)
            case Field.ORIGINAL_PORT:
                yield matches.original_ports(values)
            case Field.TRANSLATED:
                yield matches.translated(values)


def _in_order(found: list[Match]) -> tuple[Match, ...]:
    """Put built-in matches first, as iptables-save prints them, and merge what can be."""
    found.sort(key=_is_module)
    return matches.merged(found)


def _protocols_again(ways: list[Alternative]) -> list[Alternative]:
    """Return what rules of a chain that `ways` lead to must match once more.

    Targets with ports ask for the protocol in their own rule, whatever led to them.
    """
    named = [next((match for match in way if match.options[0].flag == "-p"), None) for way in ways]
    if any(match is None or match.options[0].negated for match in named):
        return [()]
    return [(match,) for match in dict.fromkeys(named) if match is not None]


def _is_module(match: Match) -> bool:
    return match.module != ""
