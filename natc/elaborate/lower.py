"""Syntax tree to IR: names resolved, sugar expanded, every problem found."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl import ast, lazy
from natc.dsl.shapes import Build
from natc.elaborate import diversion, places, promises
from natc.elaborate.context import Context
from natc.elaborate.definitions import definitions_in_force
from natc.elaborate.destination_rules import balance, dnat, health_check, transparent_proxy
from natc.elaborate.exempt import exempt
from natc.elaborate.further import further_problems
from natc.elaborate.matching import zones_apart
from natc.elaborate.names import check_name, check_rule_name
from natc.elaborate.problem import Problem, Problems
from natc.elaborate.scope import Place, Scope
from natc.elaborate.source_rules import masquerade, network, snat
from natc.elaborate.static_rules import static
from natc.ir import policy as ir
from natc.record import replace
from natc.source import Span

_VERBS = {
    "exempt": exempt,
    "snat": snat,
    "masquerade": masquerade,
    "dnat": dnat,
    "port-forward": dnat,
    "transparent-proxy": transparent_proxy,
    "balance": balance,
}

_NO_SETTINGS: Mapping[str, str] = {}

Shortcut = Callable[[Build, int, int, int], bool]
"""Given what builds a rule, its place and its ordinal, whether it has been dealt with."""


def _none(_build: Build, _start: int, _end: int, _ordinal: int) -> bool:
    return False


def lower(
    policy: ast.Policy, node: str | None = None, settings: Mapping[str, str] = _NO_SETTINGS
) -> ir.Policy:
    """Return the meaning of a policy whose includes are expanded.

    Args:
        node: the gateway whose `node` block is in force; None for none.
        settings: values that win over definitions, by name, as text of the language.

    Raises:
        PolicyError: every problem of the policy.
    """
    elaboration = Elaboration(policy, node, settings)
    rules = tuple(elaboration.rules())
    lowered = elaboration.policy(rules)
    if elaboration.problems.found:
        raise PolicyError(elaboration.problems.found)
    return lowered


class Elaboration:
    """One policy on its way to the IR, rule by rule for those who need no more.

    Attributes:
        problems: everything wrong so far; complete after `rules` and `policy`.
    """

    def __init__(
        self,
        policy: ast.Policy,
        node: str | None = None,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> None:
        self.source = policy
        self.problems = Problems()
        self.scope = Scope(definitions_in_force(policy, node, settings, self.problems))
        self.places: list[Place] = []
        self.names: dict[str, Span] = {}
        self.checks: list[ir.HealthCheck] = []
        self.says_something = False
        self._declare()

    def _declare(self) -> None:
        """Work out all zones, networks and definitions, used or not."""
        blocks = [s for s in lazy.declarations(self.source.statements) if isinstance(s, ast.Block)]
        declared: dict[str, ast.Block] = {}
        for position, block in enumerate(blocks, 1):
            with self.problems.caught():
                self._announce(block, position, declared)
        for block in declared.values():
            with self.problems.caught():
                made = self.scope.named_place(block.name)
                self.places += [made] if made else []
        for definition in self.scope.definitions.values():
            with self.problems.caught():
                if definition.kind == "address":
                    self.scope.addresses(definition.name)
                else:
                    self.scope.services(definition.name)

    def _announce(self, block: ast.Block, position: int, declared: dict[str, ast.Block]) -> None:
        """Tell the scope of a zone or network, which is made when something asks for it.

        Raises:
            Problem: NAT003.
        """
        name = block.name
        definition = self.scope.definitions.get(name.text)
        earlier = definition or declared.get(name.text)
        if earlier is not None:
            raise _duplicate(name, earlier.span)
        declared[name.text] = block
        self.scope.declared[name.text] = partial(_place, block, self.scope, position)

    def rules(self, shortcut: Shortcut = _none) -> Iterator[ir.Rule]:
        """Yield the rules in file order; what is wrong with one goes to `problems`.

        Args:
            shortcut: may deal with one on its own, which is then not among those yielded.
        """
        if lazy.may_mention(self.source.statements, "tproxy"):
            return diversion.in_file_order(self._written_rules(_none))
        return self._written_rules(shortcut)

    def _written_rules(self, shortcut: Shortcut) -> Iterator[ir.Rule]:
        ordinal = 0
        places_ = tuple(self.places)
        source = self.source.span.source
        for kept, start, end in lazy.kept(self.source.statements):
            if isinstance(kept, ast.Block) and kept.kind == "network":
                with self.problems.caught():
                    yield from self._network_rules(kept, places_)
            if isinstance(kept, ast.Node) and not isinstance(kept, ast.Rule | ast.Static):
                continue
            ordinal += 1
            try:  # Not `caught()`: this runs for every rule.
                if isinstance(kept, ast.Node):
                    yield from self._rules_of(kept, ordinal, places_)
                elif not shortcut(kept, start, end, ordinal):
                    rule = lazy.built(source, kept, start, end)
                    yield from self._rules_of(rule, ordinal, places_)
            except Problem as problem:
                statement = (
                    kept if isinstance(kept, ast.Node) else lazy.built(source, kept, start, end)
                )
                further = further_problems(statement, problem, self.scope)
                self.problems.found += [problem.diagnostic, *further]
        self.says_something |= ordinal > 0

    def _rules_of(
        self, statement: ast.Rule | ast.Static, ordinal: int, places_: tuple[Place, ...]
    ) -> Iterator[ir.Rule]:
        verb = statement.verb if isinstance(statement, ast.Rule) else "static"
        name = f"{verb}-{ordinal}" if statement.name is None else self.given_name(statement.name)
        context = Context(self.scope, name, statement.span, places_)
        if isinstance(statement, ast.Rule) and verb == "balance":
            check = health_check(statement, name)
            self.checks += [check] if check else []
        return rules_of(statement, context)

    def given_name(self, name: ast.Name) -> str:
        """Return the name of a rule, which no other may have from now on.

        Raises:
            Problem: NAT003, NAT018, NAT204.
        """
        check_rule_name(name)
        if name.text in self.names:
            raise _duplicate(name, self.names[name.text])
        self.names[name.text] = name.span
        return name.text

    def _network_rules(self, block: ast.Block, places_: tuple[Place, ...]) -> Iterator[ir.Rule]:
        where = self.scope.places.get(block.name.text)
        if not isinstance(where, ir.Network) or where.origin != block.span:
            return
        ports = places.network_ports(block)
        if where.forward == "nat" and where.owner in (None, "natc"):
            context = Context(self.scope, f"network-{where.name}", block.span, places_)
            yield from network(where, ports, context)

    @property
    def context(self) -> Context:
        """The surroundings of what is no rule, such as a packet."""
        return Context(self.scope, "", self.source.span, tuple(self.places))

    def policy(self, rules: tuple[ir.Rule, ...] = ()) -> ir.Policy:
        """Return the whole, with facts and promises; what is wrong goes to `problems`.

        Call it when `rules` has been gone through.
        """
        context = self.context
        tests: list[ir.Test] = []
        assertions: list[ir.Assertion] = []
        allowances: list[ir.Allowance] = []
        for statement in lazy.declarations(self.source.statements):
            with self.problems.caught():
                match statement:
                    case ast.Test():
                        self.says_something = True
                        tests.extend(promises.tests(statement, context))
                    case ast.Assertion():
                        assertions.extend(promises.assertion(statement, context))
                    case ast.Allow():
                        allowances.append(promises.allowance(statement, self.names))
                    case ast.Block(kind="network"):
                        self.says_something = True
        if not self.says_something and not self.problems.found:
            self.problems.found.append(_says_nothing(self.source.span))
        return ir.Policy(
            self.source.span.source.name,
            rules,
            tuple(place for place in self.places if isinstance(place, ir.Zone)),
            tuple(place for place in self.places if isinstance(place, ir.Network)),
            tuple(self.checks),
            tuple(tests),
            tuple(assertions),
            tuple(allowances),
        )


def _place(block: ast.Block, scope: Scope, position: int) -> Place:
    check_name(block.name)
    return places.place(block, scope, position)


def rules_of(statement: ast.Rule | ast.Static, context: Context) -> Iterator[ir.Rule]:
    """Yield the rules of one statement.

    Raises:
        Problem: what is wrong with it.
    """
    parts = zones_apart(statement.clauses)
    if parts:
        return _on_each(statement, parts, context)
    if isinstance(statement, ast.Static):
        return static(statement, context)
    return _VERBS[statement.verb](statement, context)


def _on_each(
    statement: ast.Rule | ast.Static,
    parts: dict[str, tuple[ast.Clause, ...]],
    context: Context,
) -> Iterator[ir.Rule]:
    for zone, clauses in parts.items():
        part = replace(context, part=f".on-{zone}")
        yield from rules_of(replace(statement, clauses=clauses), part)


def _duplicate(name: ast.Name, earlier: Span) -> Problem:
    return Problem(
        "NAT003",
        f"`{name.text}` is defined twice",
        name.span,
        related=(Label(earlier, "first here"),),
    )


def _says_nothing(whole: Span) -> Diagnostic:
    place = Span(whole.source, 0, 0)
    return Diagnostic(
        "NAT016",
        "the policy says nothing about any packet",
        Label(place),
        help="a policy holds at least one rule, network or test",
    )
