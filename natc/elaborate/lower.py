"""Syntax tree to IR: names resolved, sugar expanded, every problem found."""

from collections.abc import Iterator, Mapping

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl import ast
from natc.elaborate import diversion, places, promises
from natc.elaborate.context import Context
from natc.elaborate.definitions import definitions
from natc.elaborate.destination_rules import balance, dnat, health_check, transparent_proxy
from natc.elaborate.exempt import exempt
from natc.elaborate.names import check_name
from natc.elaborate.problem import Problem, Problems
from natc.elaborate.scope import Place, Scope
from natc.elaborate.source_rules import masquerade, network, snat
from natc.elaborate.static_rules import static
from natc.ir import policy as ir
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
    elaboration = _Elaboration(policy, node, settings)
    rules = tuple(elaboration.rules())
    lowered = elaboration.policy(rules)
    if elaboration.problems.found:
        raise PolicyError(elaboration.problems.found)
    return lowered


class _Elaboration:
    """One policy on its way to the IR."""

    def __init__(self, policy: ast.Policy, node: str | None, settings: Mapping[str, str]) -> None:
        self.source = policy
        self.problems = Problems()
        self.scope = Scope(definitions(policy, node, settings, self.problems))
        self.places: list[Place] = []
        self.names: dict[str, Span] = {}
        self._declare()

    def _declare(self) -> None:
        """Work out all zones, networks and definitions, used or not."""
        blocks = [s for s in self.source.statements if isinstance(s, ast.Block)]
        for position, block in enumerate(blocks, 1):
            with self.problems.caught():
                check_name(block.name)
                known = self.scope.definitions.get(block.name.text)
                place = self.scope.places.get(block.name.text)
                if known is not None or place is not None:
                    earlier = (
                        known.span if known is not None else place.origin if place else block.span
                    )
                    raise _duplicate(block.name, earlier)
                made = places.place(block, self.scope, position)
                self.places.append(made)
                self.scope.places[block.name.text] = made
        for definition in self.scope.definitions.values():
            with self.problems.caught():
                if definition.kind == "address":
                    self.scope.addresses(definition.name)
                else:
                    self.scope.services(definition.name)

    def rules(self) -> Iterator[ir.Rule]:
        """Yield the rules in file order; what is wrong with one goes to `problems`."""
        yield from diversion.in_file_order(self._written_rules())

    def _written_rules(self) -> Iterator[ir.Rule]:
        ordinal = 0
        places_ = tuple(self.places)
        for statement in self.source.statements:
            if isinstance(statement, ast.Rule | ast.Static):
                ordinal += 1
                verb = statement.verb if isinstance(statement, ast.Rule) else "static"
                try:  # Not `caught()`: this runs for every rule.
                    name = self._rule_name(statement, verb, ordinal)
                    context = Context(self.scope, name, statement.span, places_)
                    if isinstance(statement, ast.Rule):
                        yield from _VERBS[verb](statement, context)
                    else:
                        yield from static(statement, context)
                except Problem as problem:
                    self.problems.found.append(problem.diagnostic)
            elif isinstance(statement, ast.Block) and statement.kind == "network":
                with self.problems.caught():
                    yield from self._network_rules(statement, places_)

    def _rule_name(self, statement: ast.Rule | ast.Static, verb: str, ordinal: int) -> str:
        name = f"{verb}-{ordinal}"
        if statement.name is not None:
            check_name(statement.name)
            name = statement.name.text
            if name in self.names:
                raise _duplicate(statement.name, self.names[name])
        self.names[name] = statement.name.span if statement.name else statement.span
        return name

    def _name_of(self, rule: ast.Rule) -> str:
        """Return the name that `rule` was given while it was elaborated."""
        if rule.name is not None:
            return rule.name.text
        return next((name for name, span in self.names.items() if span == rule.span), "")

    def _network_rules(self, block: ast.Block, places_: tuple[Place, ...]) -> Iterator[ir.Rule]:
        where = self.scope.places.get(block.name.text)
        if not isinstance(where, ir.Network) or where.origin != block.span:
            return
        ports = places.network_ports(block)
        if where.forward == "nat" and where.owner in (None, "natc"):
            context = Context(self.scope, f"network-{where.name}", block.span, places_)
            yield from network(where, ports, context)

    def policy(self, rules: tuple[ir.Rule, ...]) -> ir.Policy:
        """Return the whole, with facts and promises; what is wrong goes to `problems`."""
        context = Context(self.scope, "", self.source.span, tuple(self.places))
        tests: list[ir.Test] = []
        assertions: list[ir.Assertion] = []
        allowances: list[ir.Allowance] = []
        checks: list[ir.HealthCheck] = []
        says_something = False
        for statement in self.source.statements:
            if isinstance(statement, ast.Rule | ast.Static) and (
                isinstance(statement, ast.Static) or statement.verb != "balance"
            ):
                says_something = True
                continue
            with self.problems.caught():
                match statement:
                    case ast.Test():
                        says_something = True
                        tests.extend(promises.tests(statement, context))
                    case ast.Assertion():
                        assertions.extend(promises.assertion(statement, context))
                    case ast.Allow():
                        allowances.append(promises.allowance(statement, self.names))
                    case ast.Rule():
                        says_something = True
                        check = health_check(statement, self._name_of(statement))
                        checks.extend([check] if check else [])
                    case ast.Block(kind="network"):
                        says_something = True
        if not says_something:
            self.problems.found.append(_says_nothing(self.source.span))
        return ir.Policy(
            self.source.span.source.name,
            rules,
            tuple(place for place in self.places if isinstance(place, ir.Zone)),
            tuple(place for place in self.places if isinstance(place, ir.Network)),
            tuple(checks),
            tuple(tests),
            tuple(assertions),
            tuple(allowances),
        )


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
