"""Whole policies that natc must accept."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.vendor import pretty

from natc.address import Family
from natc.dsl import ast
from natc.dsl.format import format as write
from natc.record import replace
from tests.strategies import universe
from tests.strategies.chance import Chance, Drawn
from tests.strategies.comments import decorated
from tests.strategies.expressions import Expressions, Families, Known, braces
from tests.strategies.promises import Promises
from tests.strategies.rules import Rules
from tests.strategies.shape import Shape
from tests.strategies.universe import Side

NODE = "gw-lab"
"""The gateway that `node` blocks are about; another one is named beside it."""

_DEFAULT = Shape()

# A failing example is read by people: as text, not as a tree.
pretty.for_type_by_name(
    ast.Policy.__module__, "Policy", lambda policy, printer, _: printer.text("\n" + write(policy))
)


@st.composite
def policies(draw: Callable[..., Any], shape: Shape = _DEFAULT) -> ast.Policy:
    """Return policies of `shape` that natc must accept without an error."""
    policy = policy_of(Drawn(draw), shape)
    return decorated(draw, policy) if shape.comments else policy


def policy_of(chance: Chance, shape: Shape = _DEFAULT) -> ast.Policy:
    """Return one of those policies, without comments."""
    maker = _Maker(chance, shape)
    head = [*maker.sides(), *maker.definitions()]
    rules = maker.rules()
    nodes = maker.nodes()
    promises = Promises(maker.say, rules).all() if shape.promises else []
    statements = [*head, *nodes, *rules, *promises]
    if maker.say.chance(4):
        # Names may be used above their definition.
        statements = [*nodes, *rules, *head, *promises]
    if shape.includes and maker.say.chance(2):
        statements.insert(0, ast.Include(ast.String("services.nat")))
    return ast.Policy(tuple(statements))


class _Maker:
    """Draws the statements of one policy in the order in which they need each other."""

    def __init__(self, chance: Chance, shape: Shape) -> None:
        self.shape = shape
        self.known = Known()
        self.say = Expressions(chance, shape, self.known)
        self.say_rules = Rules(self.say)

    # Zones and networks.

    def sides(self) -> list[ast.AnyStatement]:
        """Return the zones and networks: the outside and one inside always, others by chance."""
        chosen = [universe.WAN, universe.LAN]
        chosen += [side for side in (universe.PPP, universe.DMZ) if self.say.chance(2)]
        networks = [side for side in (universe.VIRT, universe.GUESTS) if self.say.chance(3)]
        made: list[ast.AnyStatement] = [self._zone(side) for side in chosen]
        return [*made, *(self._network(side) for side in networks)]

    def _subnet(self, side: Side) -> Families:
        """Decide of which families a side has a subnet, and remember it."""
        have = frozenset(side.subnets) & frozenset(self.shape.families)
        if len(have) > 1 and self.say.chance(3):
            have = frozenset({Family.IPV4})
        self.known.sides[side.name] = side, have
        return have

    def _zone(self, side: Side) -> ast.Block:
        entries = [ast.Entry("interface", _names(side.interfaces))]
        have = self._subnet(side)
        own: list[ast.SetExpr] = [
            ast.Address(text) for family, text in side.gateway.items() if family in have
        ]
        if side.dynamic:
            entries.append(ast.Entry("address", ast.Name("dynamic")))
        else:
            entries.append(ast.Entry("address", _one_or_list(own)))
        if have:
            entries.append(ast.Entry("subnet", self._blocks(side, have)))
        return ast.Block("zone", ast.Name(side.name), tuple(entries))

    def _network(self, side: Side) -> ast.Block:
        entries = [ast.Entry("bridge", ast.Name(side.interfaces[0]))]
        have = self._subnet(side)
        own: list[ast.SetExpr] = [ast.Address(side.gateway[family]) for family in sorted(have)]
        entries.append(ast.Entry("address", _one_or_list(own)))
        entries.append(ast.Entry("subnet", self._blocks(side, have)))
        forward = self.say.pick(("nat", "nat", "nat", "route", "open", "isolated", "bridge"))
        entries.append(ast.Entry("forward", ast.Name(forward)))
        if forward == "nat" and self.say.chance(3):
            entries.append(ast.Entry("ports", ast.Number("8000-8010")))
        if forward == "nat" and self.say.chance(4):
            entries.append(ast.Entry("owner", ast.Name("libvirt")))
        return ast.Block("network", ast.Name(side.name), tuple(entries))

    def _blocks(self, side: Side, have: Families) -> ast.SetExpr:
        return _one_or_list([ast.Address(side.subnets[family]) for family in sorted(have)])

    # Definitions.

    def definitions(self) -> list[ast.AnyStatement]:
        """Return definitions of addresses and services, some in terms of each other."""
        made: list[ast.AnyStatement] = []
        made += [self._target(f"host{number}") for number in range(self.say.count(0, 3))]
        for number in range(self.say.count(0, 2)):
            families = self._some_families()
            value, named = self.say.addresses(families)
            if named:
                name = f"hosts{number}"
                self.known.addresses[name] = named
                made.append(ast.Definition("address", ast.Name(name), value))
        for number in range(self.say.count(0, 2)):
            ported = self.say.chance(2)
            name = f"serv{number}"
            value = self.say.service(frozenset({Family.IPV4}), ported=ported)
            self.known.services.append(name)
            if ported:
                self.known.ported.append(name)
            made.append(ast.Definition("service", ast.Name(name), value))
        return made

    def _target(self, name: str) -> ast.Definition:
        """Return a definition of what may stand after an arrow."""
        families = self._some_families()
        public = self.say.chance(2)
        texts = [self.say.pool(family, public=public) for family in sorted(families)]
        self.known.targets[name] = self.known.addresses[name] = families
        if not any("-" in text for text in texts):
            self.known.hosts[name] = families
        value = _one_or_list([ast.Address(text) for text in texts])
        return ast.Definition("address", ast.Name(name), value)

    def _some_families(self) -> Families:
        if len(self.shape.families) == 1:
            return frozenset(self.shape.families)
        return frozenset(
            self.say.pick([(Family.IPV4,), (Family.IPV4,), (Family.IPV6,), tuple(Family)])
        )

    def nodes(self) -> list[ast.AnyStatement]:
        """Return blocks that give a defined host another value on some gateways."""
        names = [name for name, have in self.known.hosts.items() if len(have) == 1]
        if not names or not self.say.chance(3):
            return []
        made: list[ast.AnyStatement] = []
        for node in (NODE, "gw-other")[: self.say.count(1, 2)]:
            name = self.say.pick(names)
            (family,) = self.known.hosts[name]
            value = ast.Address(self.say.inside_host(family))
            definition = ast.Definition("address", ast.Name(name), value)
            made.append(ast.Host(ast.String(node), (definition,)))
        return made

    # Rules.

    def rules(self) -> list[ast.AnyStatement]:
        """Return the rules, some with a name."""
        made: list[ast.AnyStatement] = []
        for number in range(self.say.count(1, self.shape.most_rules)):
            families = self._some_families()
            statement = self.say_rules.any(families)
            statements = [statement]
            if isinstance(statement, ast.Rule) and self.say.chance(self.shape.echo):
                echo = self.say_rules.echo(statement, _families_of(statement, families))
                statements.insert(self.say.count(0, 1), echo)
            if self.say.chance(4):
                statements[0] = replace(statements[0], name=ast.Name(f"rule-{number}"))
            made += statements
        return made


def _families_of(rule: ast.Rule, families: Families) -> Families:
    """Return the families of a rule drawn for `families`: those that it says, if it says any."""
    words = {family for family in families if ast.Clause(f"ipv{family.value}") in rule.clauses}
    return frozenset(words) or frozenset({min(families)})


def _names(texts: tuple[str, ...]) -> ast.SetExpr:
    return _one_or_list([ast.Name(text) for text in texts])


def _one_or_list(values: list[ast.SetExpr]) -> ast.SetExpr:
    return values[0] if len(values) == 1 else braces(values)
