"""`allow`, `test` and `assert` statements: well formed, not necessarily true."""

from typing import Literal

from natc.address import Family
from natc.dsl import ast
from tests.strategies import universe
from tests.strategies.expressions import NO_FAMILY, Expressions, endpoint, mark

_CODES = ("NAT405", "NAT305", "NAT401", "NAT104")


class Promises:
    """Draws what a policy promises about itself."""

    def __init__(self, say: Expressions, rules: list[ast.AnyStatement]) -> None:
        self.say = say
        self.names = [
            rule.name for rule in rules if isinstance(rule, ast.Rule | ast.Static) and rule.name
        ]

    def all(self) -> list[ast.AnyStatement]:
        """Return a few statements."""
        made: list[ast.AnyStatement] = []
        made += [self.test(number) for number in range(self.say.count(0, 2))]
        made += [self.assertion() for _ in range(self.say.count(0, 1))]
        made += [self.allow() for _ in range(self.say.count(0, 1))]
        return made

    def allow(self) -> ast.Allow:
        """Return `allow CODE …`."""
        rule = self.say.pick(self.names) if self.names and self.say.chance(2) else None
        until = ast.Date("2099-12-31") if self.say.chance(2) else None
        reason = self.say.pick(("known", 'says "so"', "back\\slash", "a # that is no comment; {"))
        return ast.Allow(ast.Name(self.say.pick(_CODES)), rule, until, ast.String(reason))

    def test(self, number: int) -> ast.Test:
        """Return a `test` with one or two packets."""
        lines: list[ast.PacketLine | ast.Expect] = []
        for _ in range(self.say.count(1, 2)):
            family = self.say.pick(self.say.shape.families)
            packet = self.packet(family)
            ported = packet.protocol.text in ("tcp", "udp", "sctp")
            lines += [packet, ast.Expect(self._result(family, ported=ported))]
        return ast.Test(ast.String(f"test number {number}"), tuple(lines))

    def packet(self, family: Family) -> ast.PacketLine:
        """Return a packet line."""
        protocol = self.say.pick(("tcp", "udp", "sctp", "icmp" if family == 4 else "icmpv6", "47"))
        ports = ("40000", "80") if protocol in ("tcp", "udp", "sctp") else (None, None)
        source, destination = (self._end(family, port) for port in ports)
        local = self.say.chance(4)
        clauses = [ast.Clause("in", ast.Name("local" if local else self._interface()))]
        if self.say.chance(2):
            clauses.append(ast.Clause("out", ast.Name(self._interface())))
        if local and self.say.chance(2):
            clauses.append(ast.Clause("user", ast.Number(self.say.pick(universe.USERS))))
        if self.say.chance(4):
            clauses.append(ast.Clause("mark", mark("0x1")))
        written = ast.Number(protocol) if protocol.isdigit() else ast.Name(protocol)
        return ast.PacketLine(written, source, destination, tuple(clauses))

    def assertion(self) -> ast.Assertion:
        """Return an `assert`."""
        families = frozenset({self.say.pick(self.say.shape.families)})
        clauses: list[ast.Clause] = []
        named = NO_FAMILY
        if self.say.chance(2):
            clauses.append(ast.Clause("service", self.say.service(families, ported=True)))
        for word in ("from", "to"):
            if self.say.chance(2):
                value, have = self.say.addresses(families)
                clauses.append(ast.Clause(word, value))
                named |= have
        zones = [
            name
            for name, (side, have) in self.say.known.sides.items()
            if side is universe.PPP or families <= have
        ]
        if any(clause.keyword == "to" for clause in clauses):
            zones = []  # None of its own addresses may be left.
        match self.say.pick(("nothing", "in", "out", "on")):
            case "on" if zones:
                clauses.append(self.say.on(zones))
            case "in" | "out" as word:
                clauses.append(ast.Clause(word, self.say.interfaces()))
        if named != families:
            clauses.insert(0, ast.Clause(f"ipv{min(families).value}"))
        quantifier: Literal["all", "never"] = self.say.pick(("all", "never"))
        result = self._result(min(families), ported=False)
        return ast.Assertion(quantifier, tuple(clauses), result)

    def _interface(self) -> str:
        return self.say.pick(("wan", "lan", "eth0", "eth2", "ppp0"))

    def _end(self, family: Family, port: str | None) -> ast.SetExpr:
        host = universe.address(self.say.pick(universe.blocks(family)), self.say.count(1, 14))
        return ast.Address(host) if port is None else endpoint(host, port)

    def _result(self, family: Family, *, ported: bool) -> ast.Result:
        match self.say.pick(("unchanged", "dropped", "translated", "side", "to", "from", "both")):
            case "side":
                return ast.Result("translated", self.say.pick(("source", "destination")))
            case "unchanged":
                return ast.Result("unchanged")
            case "dropped":
                return ast.Result("dropped")
            case "to":
                words: tuple[str, ...] = ("to",)
            case "from":
                words = ("from",)
            case "both":
                words = ("to", "from")
            case _:
                return ast.Result("translated")
        port = "8080" if ported else None
        clauses = [ast.Clause(word, self._end(family, port)) for word in words]
        return ast.Result("rewritten", None, tuple(clauses))
