"""Set expressions, each with at least one member and of families that are known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from natc.address import Family
from natc.dsl import ast
from tests.strategies import universe
from tests.strategies.chance import Chance, one_of
from tests.strategies.shape import Shape
from tests.strategies.universe import Side

Families = frozenset[Family]
T = TypeVar("T")
NO_FAMILY: Families = frozenset()
_PORTLESS = {Family.IPV4: ("icmp", "gre", "esp"), Family.IPV6: ("icmpv6", "gre", "esp")}


@dataclass
class Known:
    """The names that a policy defines.

    Attributes:
        addresses, services: general sets, by name.
        targets: names of one address or one contiguous pool, for what stands after an arrow.
        hosts: among them, those of a single address.
        ported: services of tcp, udp and sctp alone.
        sides: zones and networks with the families that each has a subnet for.
    """

    addresses: dict[str, Families] = field(default_factory=dict)
    targets: dict[str, Families] = field(default_factory=dict)
    hosts: dict[str, Families] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    ported: list[str] = field(default_factory=list)
    sides: dict[str, tuple[Side, Families]] = field(default_factory=dict)


class Expressions:
    """Draws expressions over the names known so far."""

    def __init__(self, source: Chance, shape: Shape, known: Known) -> None:
        self.source = source
        self.shape = shape
        self.known = known

    # Drawing.

    def pick(self, values: Sequence[T]) -> T:
        """Return one of `values`."""
        return one_of(self.source, values)

    def chance(self, one_in: int) -> bool:
        """Return True about once in `one_in` times; shrinks to False."""
        return self.source.integer(0, one_in - 1) == one_in - 1

    def count(self, low: int, high: int) -> int:
        """Return an integer of `low`..`high`."""
        return self.source.integer(low, high)

    # Addresses.

    def literal(self, family: Family) -> ast.Address:
        """Return a host, CIDR or range of up to sixteen addresses."""
        block = self.pick(universe.blocks(family))
        first = self.count(0, 15)
        match self.pick(("host", "host", "cidr", "range", "block", "all")):
            case "host":
                return ast.Address(universe.address(block, first))
            case "cidr":
                length = 30 if family is Family.IPV4 else 126
                return ast.Address(f"{universe.address(block, first & ~3)}/{length}")
            case "range":
                last = self.count(first, 15)
                low, high = universe.address(block, first), universe.address(block, last)
                return ast.Address(f"{low}-{high}")
            case "all":
                return ast.Address("0.0.0.0/0" if family is Family.IPV4 else "::/0")
        return ast.Address(block)

    def addresses(self, families: Families, *, exact: bool = True) -> tuple[ast.SetExpr, Families]:
        """Return a set with addresses of each of `families`, and the families that it names.

        Args:
            exact: it names no other family; it may name none at all (zones and networks).
        """
        sides = [name for name, (_, have) in self.known.sides.items() if families <= have]
        names = [
            name
            for name, have in self.known.addresses.items()
            if have == families or (not exact and families <= have)
        ]
        kinds = ["literal", "literal", "literal", "list", "except", "not"]
        kinds += ["side"] * 3 if sides else []
        kinds += ["name"] * 2 if names else []
        match self.pick(kinds):
            case "side":
                return ast.Name(self.pick(sides)), NO_FAMILY
            case "name":
                name = self.pick(names)
                return ast.Name(name), self.known.addresses[name]
            case "list":
                return self._address_list(families)
            case "except":
                return self._address_except(families, sides)
            case "not":
                inner = self._literals(families, whole=False)
                return ast.Not(inner), families
        return self._literals(families), families

    def _literals(self, families: Families, *, whole: bool = True) -> ast.SetExpr:
        """Return one literal for each family; without `whole`, none that is everything."""
        found: list[ast.SetExpr] = []
        for family in sorted(families):
            literal = self.literal(family)
            if not whole and literal.text.endswith("/0"):
                literal = ast.Address(universe.blocks(family)[0])
            found.append(literal)
        return found[0] if len(found) == 1 else braces(found)

    def _address_list(self, families: Families) -> tuple[ast.SetExpr, Families]:
        items: list[ast.SetExpr] = [self.literal(family) for family in sorted(families)]
        for _ in range(self.count(0, 2)):
            item, _named = self.addresses(families)
            items.append(item)
        return braces(items), families

    def _address_except(self, families: Families, sides: list[str]) -> tuple[ast.SetExpr, Families]:
        """Subtract one or two of the sixteen addresses of a block, or of a whole zone."""
        indices = [self.count(0, 15) for _ in range(self.count(1, 2))]
        if sides and self.chance(2):
            name = self.pick(sides)
            base: ast.SetExpr = ast.Name(name)
            found = {family: self.known.sides[name][0].subnets[family] for family in families}
        else:
            found = {family: self.pick(universe.blocks(family)) for family in sorted(families)}
            parts: list[ast.SetExpr] = [ast.Address(block) for block in found.values()]
            base = parts[0] if len(parts) == 1 else braces(parts)
        taken: list[ast.SetExpr] = [
            ast.Address(universe.address(block, index))
            for _, block in sorted(found.items())
            for index in indices
        ]
        without = taken[0] if len(taken) == 1 else braces(taken)
        return ast.Except(base, without), families

    # What stands after an arrow.

    def inside_host(self, family: Family) -> str:
        """Return a server behind the gateway, in a zone or network that has this family."""
        sides = [
            side
            for side, have in self.known.sides.values()
            if family in have and side is not universe.WAN
        ]
        block = self.pick(sides).subnets[family] if sides else universe.OUTSIDE[family]
        return universe.address(block, self.count(2, 9))

    def pool(self, family: Family, *, public: bool) -> str:
        """Return one address or a short range."""
        if not public:
            return self.inside_host(family)
        block = universe.PUBLIC[family]
        first = self.count(0, 12)
        if self.chance(2):
            return universe.address(block, first)
        return (
            f"{universe.address(block, first)}-{universe.address(block, first + self.count(1, 3))}"
        )

    # Services.

    def service(self, families: Families, *, ported: bool) -> ast.SetExpr:
        """Return a set of services; with `ported`, of protocols that have ports alone."""
        names = self.known.ported if ported else self.known.services
        kinds = ["one", "one", "one", "range", "protocol", "ports", "list", "except"]
        kinds += ["name"] * 3 if names else []
        kinds += [] if ported else ["portless", "not"]
        match self.pick(kinds):
            case "name":
                return ast.Name(self.pick(names))
            case "range":
                return ast.Service(f"{self._transport()}/{self.pick(universe.PORT_RANGES)}")
            case "protocol":
                return ast.Name(self._transport())
            case "ports":
                return self._port_list()
            case "list":
                items = [self.service(families, ported=ported) for _ in range(self.count(1, 3))]
                return braces(items)
            case "except":
                transport = self._transport()
                bases: list[ast.SetExpr] = [
                    ast.Name(transport),
                    ast.Service(f"{transport}/1-8005"),
                ]
                base = self.pick(bases)
                return ast.Except(base, ast.Service(f"{transport}/{self.pick((80, 443, '80-81'))}"))
            case "portless":
                return ast.Name(self.pick(_PORTLESS[min(families)]))
            case "not":
                return ast.Not(self.service(families, ported=True))
        return self.one_service()

    def one_service(self) -> ast.Service:
        """Return a single port of one protocol."""
        return ast.Service(f"{self._transport()}/{self.pick(universe.PORTS)}")

    def _transport(self) -> str:
        return self.pick(("tcp", "tcp", "udp", "udp", "sctp"))

    def _port_list(self) -> ast.PortList:
        numbers: list[ast.SetExpr] = [
            ast.Number(str(self.pick((*universe.PORTS, *universe.PORT_RANGES))))
            for _ in range(self.count(1, 4))
        ]
        return ast.PortList(self._transport(), braces(numbers))

    # Other dimensions.

    def ports(self) -> ast.SetExpr:
        """Return a set of source ports."""
        match self.pick(("one", "range", "list", "not", "except")):
            case "one":
                return ast.Number(str(self.pick(universe.PORTS)))
            case "list":
                numbers = (*universe.PORTS, *universe.PORT_RANGES)
                return braces(
                    [ast.Number(str(self.pick(numbers))) for _ in range(self.count(1, 3))]
                )
            case "not":
                return ast.Not(ast.Number(str(self.pick(universe.PORTS))))
            case "except":
                return ast.Except(ast.Number("1024-65535"), ast.Number("8000-8010"))
        return ast.Number(self.pick(universe.PORT_RANGES))

    def interfaces(self, *, local: bool = False) -> ast.SetExpr:
        """Return a set of interfaces, with the gateway's own packets where `local` allows it."""
        names = [*self.known.sides, *universe.PATTERNS]
        kinds = ["name"] * 4 + ["list", "not", "not list", "except"] + ["local"] * (2 * local)
        match self.pick(kinds):
            case "list":
                return braces([ast.Name(self.pick(names)) for _ in range(self.count(1, 3))])
            case "not":
                return ast.Not(ast.Name(self.pick(names)))
            case "not list":
                return ast.Not(
                    braces([ast.Name(self.pick(names)) for _ in range(self.count(1, 2))])
                )
            case "except":
                return ast.Except(ast.Name("ppp+"), ast.Name("ppp0"))
            case "local":
                here: list[ast.SetExpr] = [ast.Name("local")]
                if self.chance(2):
                    return here[0]
                return braces([ast.Name(self.pick(names)), *here])
        return ast.Name(self.pick(names))

    def on(self, zones: Sequence[str]) -> ast.Clause:
        """Return `on` with one of `zones`, or with a list of them."""
        if self.chance(3):
            listed = [ast.Name(self.pick(zones)) for _ in range(self.count(1, 3))]
            return ast.Clause("on", braces(listed))
        return ast.Clause("on", ast.Name(self.pick(zones)))

    def user(self, *, negative: bool = True) -> ast.SetExpr:
        """Return a set of users."""
        number = ast.Number(self.pick(universe.USERS))
        kinds = ["one", "one", "list", "range"]
        kinds += ["not"] if negative else []
        kinds += ["login"] if self.shape.logins else []
        match self.pick(kinds):
            case "login":
                return ast.Name(self.pick(universe.LOGINS))
            case "list":
                return braces([number, ast.Number("1000-1005")])
            case "not":
                return ast.Not(number)
            case "range":
                return ast.Number("10-20")
        return number

    def mark(self) -> ast.SetExpr:
        """Return a set of marks."""
        one = mark(self.pick(universe.MARKS))
        other = ast.Mark("0x4/0x4")
        match self.pick(("one", "one", "list", "not", "not in list", "except")):
            case "list":
                return braces([one, other])
            case "not":
                return ast.Not(one)
            case "not in list":
                return braces([ast.Not(other), one])
            case "except":
                return ast.Except(other, braces([one, ast.Mark("0x8/0x8")]))
        return one

    def ipset(self) -> ast.IpSet:
        """Return a question to existing sets of addresses."""
        flags = self.pick(((), ("src",), ("dst",)))
        one, other = (ast.Name(name) for name in universe.SETS)
        sets: tuple[ast.SetExpr, ...] = (one, other, braces([one, other]), braces([other, one]))
        sets += (ast.Except(one, other), ast.Except(other, one), braces([one, ast.Not(other)]))
        named = self.pick(sets)
        return ast.IpSet(ast.Not(named) if self.chance(3) else named, flags)


def mark(text: str) -> ast.SetExpr:
    """Return the literal that the parser makes of a mark."""
    return ast.Mark(text) if "x" in text or "/" in text else ast.Number(text)


def braces(values: Sequence[ast.SetExpr]) -> ast.Braces:
    """Return a list in braces."""
    return ast.Braces(tuple(ast.Item(value) for value in values))


def endpoint(host: str, port: str) -> ast.Endpoint:
    """Return `host:port`, with brackets round IPv6."""
    return ast.Endpoint(f"[{host}]:{port}" if host.count(":") > 1 else f"{host}:{port}")
