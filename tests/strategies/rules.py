"""Rules of every verb, with clauses that fit each other."""

from collections.abc import Callable

from natc.address import Family
from natc.dsl import ast
from tests.strategies import universe
from tests.strategies.expressions import NO_FAMILY, Expressions, Families, braces, endpoint, mark
from tests.strategies.universe import PPP

Clauses = list[ast.Clause]
_ECHOED = ("service", "sport", "from", "to", "mark", "user", "set")
"""Matches that a rule of any verb can have."""

_TARGET_PORTS = ("80", "8080", "443", "9000", "65535", "1")


class Rules:
    """Draws rules.

    A rule's families are decided first.  Sets are drawn that have addresses of each, and where what
    they name does not say so already, the words `ipv4` and `ipv6` do.
    """

    def __init__(self, say: Expressions) -> None:
        self.say = say

    def any(self, families: Families) -> ast.Rule | ast.Static:
        """Return a rule of any verb for `families`."""
        kinds: dict[str, Callable[[Families], ast.Rule | ast.Static]] = {
            "port-forward": self.port_forward,
            "dnat": self.dnat,
            "balance": self.balance,
            "snat": self.snat,
            "masquerade": self.masquerade,
            "exempt": self.exempt,
            "static": self.static,
            "redirect": self.redirect,
            "tproxy": self.tproxy,
        }
        return kinds[self.say.pick(self.say.shape.verbs)](families)

    def echo(self, rule: ast.Rule, families: Families) -> ast.Rule:
        """Return a rule of any verb for the packets of `rule`, which is about `families`."""
        words = [ast.Clause(f"ipv{family.value}") for family in sorted(families)]
        has_hairpin = _has([*rule.options], "hairpin")
        if has_hairpin and rule.verb != "balance" and self.say.chance(2):
            return self._twin(rule, words, families)
        clauses: Clauses = [
            clause for clause in rule.clauses if clause.keyword in _ECHOED and clause.value
        ]
        arriving = [clause for clause in rule.clauses if clause.keyword in ("in", "on")]
        leaving = [clause for clause in rule.clauses if clause.keyword == "out"]
        from_destination = rule.verb in ("dnat", "port-forward", "balance", "transparent-proxy")
        verbs = ["masquerade", "snat", "exempt"]
        verbs += ["dnat"] * 2 if from_destination or rule.verb == "exempt" else []
        verb = self.say.pick(verbs)
        if verb == "dnat":
            clauses += arriving
        elif not from_destination:
            clauses += leaving
        target = None
        if verb in ("dnat", "snat"):
            target, _ = self._pool(families, public=verb == "snat")
        return ast.Rule(verb, (*words, *clauses), target)

    def _twin(self, rule: ast.Rule, words: Clauses, families: Families) -> ast.Rule:
        """Return a rule that sends to the same server what asks for another address."""
        clauses = [clause for clause in rule.clauses if clause.keyword == "service"]
        other: list[ast.SetExpr] = [
            ast.Address(universe.OUTSIDE[family]) for family in sorted(families)
        ]
        asked = ast.Clause("to", other[0] if len(other) == 1 else braces(other))
        options = tuple(option for option in rule.options if option.keyword != "hairpin")
        return ast.Rule(rule.verb, (*words, *clauses, asked), rule.target, options)

    # Source rules.

    def exempt(self, families: Families) -> ast.Rule:
        """Return `exempt …`."""
        clauses, named = self._common(families, service=None)
        match self.say.pick(("both", "both", "in", "out")):
            case "in":
                clauses.append(
                    ast.Clause("in", self.say.interfaces(local=not _has(clauses, "user")))
                )
                clauses = [clause for clause in clauses if clause.keyword != "user"]
            case "out":
                clauses.append(ast.Clause("out", self.say.interfaces()))
        if not clauses:
            clauses.append(self._address_clause("to", families, named))
        return ast.Rule("exempt", _worded(clauses, families, named))

    def snat(self, families: Families) -> ast.Rule:
        """Return `snat … -> …`."""
        ported = self.say.chance(3) and len(families) == 1
        clauses, named = self._common(families, service=True if ported else None)
        clauses += self._leaving()
        target, target_families = self._pool(families, public=True)
        if ported and isinstance(target, ast.Address | ast.Name):
            ports = self.say.pick(("20000-29999", "1024-65535", "8005", "1-65535"))
            target = endpoint(target.text, ports)
        options = [ast.Clause("persistent")] if self.say.chance(4) else []
        options += self._chance("random", "random-fully")
        named.append(target_families)
        return ast.Rule("snat", _worded(clauses, families, named), target, tuple(options))

    def masquerade(self, families: Families) -> ast.Rule:
        """Return `masquerade …`."""
        ports = self.say.chance(3)
        ported = ports and self.say.chance(2)
        clauses, named = self._common(families, service=ported if ports else None)
        clauses += self._leaving()
        if ports:
            clauses.append(
                ast.Clause("ports", ast.Number(self.say.pick(("1024-65535", "20000-20010"))))
            )
        clauses += self._chance("random", "random-fully")
        return ast.Rule("masquerade", _worded(clauses, families, named))

    def _leaving(self) -> Clauses:
        match self.say.pick(("out", "out", "on", "nothing")):
            case "out":
                return [ast.Clause("out", self.say.interfaces())]
            case "on":
                return [self.say.on(list(self.say.known.sides))]
        return []

    # Destination rules.

    def dnat(self, families: Families) -> ast.Rule:
        """Return `dnat … -> …`, by interface and address."""
        return self._forward("dnat", families)

    def port_forward(self, families: Families) -> ast.Rule:
        """Return `port-forward … -> …`."""
        return self._forward("port-forward", families)

    def _forward(self, verb: str, families: Families) -> ast.Rule:
        kind = self.say.pick(("plain", "port", "port", "range", "shift"))
        if verb == "dnat" and kind == "plain" and self.say.chance(2):
            service: ast.SetExpr | bool = False
        elif kind == "shift":
            service = ast.Service(f"{self.say.pick(('tcp', 'udp'))}/8000-8010")
        elif kind == "range":
            service = self.say.one_service()
        else:
            service = True
        clauses, named = self._arriving(families, service)
        if kind == "plain":
            target, target_families = self._pool(families, public=self.say.chance(3))
        else:
            target, target_families = self._endpoint(families, _ports_of(self.say, kind))
        families &= target_families
        named.append(target_families)
        options = [ast.Clause("shift")] if kind == "shift" else []
        if not isinstance(target, ast.Endpoint | ast.Address | ast.Name) or "-" in target.text:
            options += [ast.Clause("persistent")] if self.say.chance(2) else []
        if kind == "range":
            options += self._chance("random")
        options += self._hairpin(clauses, target)
        return ast.Rule(verb, _worded(clauses, families, named), target, tuple(options))

    def balance(self, families: Families) -> ast.Rule:
        """Return `balance … -> { … }`, for one family."""
        families = frozenset({min(families)})
        clauses, named = self._arriving(families, True)
        items: list[ast.Item] = []
        for _ in range(self.say.count(1, 3)):
            backend, have = self._endpoint(families, self.say.pick(_TARGET_PORTS))
            weight = ast.Number(str(self.say.count(1, 4))) if self.say.chance(2) else None
            if backend not in [item.value for item in items]:
                items.append(ast.Item(backend, weight))
                named.append(have)
        options: Clauses = []
        if self.say.chance(3):
            options.append(ast.Clause("sticky", self.say.pick((None, ast.Duration("10m")))))
        servers = list(items)
        if self.say.chance(3):
            backup, have = self._endpoint(families, "4444")
            named.append(have)
            servers.append(ast.Item(backup))
            options.append(ast.Clause("backup", backup))
            options.append(ast.Clause("check", self._check()))
        options += self._hairpin(clauses, ast.Braces(tuple(servers)))
        clauses_ = _worded(clauses, families, named)
        return ast.Rule("balance", clauses_, ast.Braces(tuple(items)), tuple(options))

    def _check(self) -> ast.Check:
        if self.say.chance(2):
            return ast.Check(ast.Name("tcp"), None, (ast.Clause("every", ast.Duration("2s")),))
        settings = (
            ast.Clause("fall", ast.Number("3")),
            ast.Clause("every", ast.Duration("500ms")),
            ast.Clause("rise", ast.Number("2")),
        )
        return ast.Check(ast.Name("http"), ast.String("/health"), settings)

    def redirect(self, families: Families) -> ast.Rule:
        """Return `transparent-proxy … -> :PORT`."""
        clauses, named = self._common(families, service=True)
        clauses = [clause for clause in clauses if clause.keyword != "user"]
        clauses.append(ast.Clause("in", self.say.interfaces(local=True)))
        options: Clauses = []
        if self.say.shape.users and _mentions_local(clauses[-1].value) and self.say.chance(2):
            options.append(ast.Clause("except", self.say.user(negative=False)))
            if not isinstance(options[0].value, ast.Name | ast.Number | ast.Braces):
                options = []
        target = ast.Endpoint(f":{self.say.pick(('3128', '8080'))}")
        clauses_ = _worded(clauses, families, named)
        return ast.Rule("transparent-proxy", clauses_, target, tuple(options))

    def tproxy(self, families: Families) -> ast.Rule:
        """Return `transparent-proxy … -> ADDRESS:PORT tproxy mark …`, for one family."""
        families = frozenset({min(families)})
        services: tuple[ast.SetExpr, ...] = (
            ast.Service("tcp/80"),
            ast.Name("tcp"),
            ast.PortList("udp", braces([ast.Number("53")])),
        )
        service = self.say.pick(services)
        clauses, named = self._common(families, service=service)
        clauses = [clause for clause in clauses if clause.keyword != "user"]
        clauses.append(ast.Clause("in", self.say.interfaces()))
        loopback = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}[min(families)]
        named.append(families)
        options = (ast.Clause("tproxy"), ast.Clause("mark", mark("0x1/0x1")))
        clauses_ = _worded(clauses, families, named)
        return ast.Rule("transparent-proxy", clauses_, endpoint(loopback, "8443"), options)

    # One to one.

    def static(self, families: Families) -> ast.Static:
        """Return `static … <-> …`: hosts, networks or ranges, for one family."""
        family = min(families)
        inside, outside = universe.LAN.subnets[family], universe.PUBLIC[family]
        size = self.say.count(1, 6)
        match self.say.pick(("host", "host", "network", "range")):
            case "network":
                length = 30 if family is Family.IPV4 else 126
                first, second = (self.say.count(0, 3) * 4 for _ in range(2))
                texts = [
                    f"{universe.address(inside, first)}/{length}",
                    f"{universe.address(outside, second)}/{length}",
                ]
            case "range" if size > 1:
                texts = [
                    f"{universe.address(block, first)}-{universe.address(block, first + size - 1)}"
                    for block, first in (
                        (inside, self.say.count(1, 9)),
                        (outside, self.say.count(0, 9)),
                    )
                ]
            case _:
                texts = [
                    universe.address(block, self.say.count(2, 14)) for block in (inside, outside)
                ]
        clauses: Clauses = []
        if self.say.chance(2):
            clauses.append(self.say.on(["wan", *self.say.known.sides]))
        if self.say.chance(4):
            clauses.append(ast.Clause(f"ipv{family.value}"))
        left, right = (ast.Address(text) for text in texts)
        return ast.Static(left, right, tuple(clauses))

    # Parts.

    def _arriving(
        self, families: Families, service: ast.SetExpr | bool
    ) -> tuple[Clauses, list[Families]]:
        """Return matches of a destination rule: from where, for which address."""
        clauses, named = self._common(families, service=service, to=False)
        zones = [
            name
            for name, (side, have) in self.say.known.sides.items()
            if side is PPP or families <= have
        ]
        has_user = _has(clauses, "user")
        kinds = ["in and to"] * 2 + ["to", "in"] + ["on"] * (0 if has_user or not zones else 4)
        kind = self.say.pick(kinds)
        if kind == "on":
            dynamic = ["ppp"] if "ppp" in zones else []
            clauses.append(self.say.on(dynamic + zones))
        if "in" in kind and not has_user:
            clauses.append(ast.Clause("in", self.say.interfaces(local=True)))
        if "to" in kind:
            clauses.append(self._address_clause("to", families, named))
        return clauses, named

    def _common(
        self, families: Families, *, service: ast.SetExpr | bool | None, to: bool = True
    ) -> tuple[Clauses, list[Families]]:
        """Return matches that every verb has, and the families that each set names.

        Args:
            service: True for some with ports, False for none, None for any or none.
        """
        clauses: Clauses = []
        named: list[Families] = []
        ported = service is True or isinstance(service, ast.Node)
        if service is None and self.say.chance(2):
            service = ported = self.say.chance(2)
            clauses.append(ast.Clause("service", self.say.service(families, ported=ported)))
        elif service is True:
            clauses.append(ast.Clause("service", self.say.service(families, ported=True)))
        elif isinstance(service, ast.Node):
            clauses.append(ast.Clause("service", service))
        if ported and self.say.chance(5):
            clauses.append(ast.Clause("sport", self.say.ports()))
        if self.say.chance(2):
            clauses.append(self._address_clause("from", families, named))
        if to and self.say.chance(2):
            clauses.append(self._address_clause("to", families, named))
        shape = self.say.shape
        if shape.marks and self.say.chance(6):
            clauses.append(ast.Clause("mark", self.say.mark()))
        if shape.users and self.say.chance(8):
            clauses.append(ast.Clause("user", self.say.user()))
        if families <= set(shape.opaque) and self.say.chance(8):
            clauses.append(ast.Clause("set", self.say.ipset()))
        return clauses, named

    def _address_clause(self, word: str, families: Families, named: list[Families]) -> ast.Clause:
        value, have = self.say.addresses(families, exact=bool(named) or self.say.chance(2))
        named.append(have)
        return ast.Clause(word, value)

    def _pool(self, families: Families, *, public: bool) -> tuple[ast.SetExpr, Families]:
        """Return one address or a contiguous pool for each family."""
        names = [name for name, have in self.say.known.targets.items() if families <= have]
        if names and self.say.chance(2):
            name = self.say.pick(names)
            return ast.Name(name), self.say.known.targets[name]
        found: list[ast.SetExpr] = [
            ast.Address(self.say.pool(family, public=public)) for family in sorted(families)
        ]
        return (found[0] if len(found) == 1 else braces(found)), families

    def _endpoint(self, families: Families, ports: str) -> tuple[ast.Endpoint, Families]:
        """Return a server with ports, by name where one name has all families."""
        names = [name for name, have in self.say.known.hosts.items() if families <= have]
        if names and (len(families) > 1 or self.say.chance(2)):
            name = self.say.pick(names)
            return ast.Endpoint(f"{name}:{ports}"), self.say.known.hosts[name]
        family = min(families)
        return endpoint(self.say.inside_host(family), ports), frozenset({family})

    def _hairpin(self, clauses: Clauses, target: ast.SetExpr) -> Clauses:
        """Return `hairpin` where it can be said: a public address, servers in one of our zones."""
        if _has(clauses, "user") or _mentions_local(_value(clauses, "in")):
            return []
        if not (_has(clauses, "on") or _has(clauses, "to")):
            return []
        if any(isinstance(clause.value, ast.IpSet) for clause in clauses):
            return []
        if _has(clauses, "from") and not _is_not_a_host(_value(clauses, "from")):
            return []  # It could leave no client inside.
        if not self._is_inside(target):
            return []
        return [] if self.say.chance(self.say.shape.hairpin) else [ast.Clause("hairpin")]

    def _is_inside(self, target: ast.SetExpr) -> bool:
        """Say whether a target is written as addresses in the subnets of zones and networks."""
        if isinstance(target, ast.Braces):
            return all(self._is_inside(item.value) for item in target.items)
        if not isinstance(target, ast.Address | ast.Endpoint):
            return False
        host = target.text
        if isinstance(target, ast.Endpoint):
            host = host.rpartition(":")[0].strip("[]")
        if host[:1].isalpha() and ":" not in host:
            return False
        blocks = [
            side.subnets[family]
            for side, have in self.say.known.sides.values()
            for family in have
            if side is not universe.WAN
        ]
        return any(universe.contains(block, host) for block in blocks)

    def _chance(self, *words: str) -> Clauses:
        """Return one of the random options, or none."""
        if self.say.shape.random and self.say.chance(5):
            return [ast.Clause(self.say.pick(words))]
        return []


def _ports_of(say: Expressions, kind: str) -> str:
    """Return the ports of a target."""
    if kind == "range":
        return say.pick(("9000-9010", "8000-8010", "80-81"))
    if kind == "shift":
        return say.pick(("6000", "9000-9010", "8001"))
    return say.pick(_TARGET_PORTS)


def _worded(clauses: Clauses, families: Families, named: list[Families]) -> tuple[ast.Clause, ...]:
    """Put the words for the families in front, unless the sets name them already."""
    said = [have for have in named if have != NO_FAMILY]
    implied = frozenset.intersection(*said) if said else frozenset({Family.IPV4})
    if implied == families:
        return tuple(clauses)
    words = [ast.Clause(f"ipv{family.value}") for family in sorted(families)]
    return (*words, *clauses)


def _has(clauses: Clauses, keyword: str) -> bool:
    return any(clause.keyword == keyword for clause in clauses)


def _value(clauses: Clauses, keyword: str) -> object:
    return next((clause.value for clause in clauses if clause.keyword == keyword), None)


def _mentions_local(value: object) -> bool:
    if isinstance(value, ast.Braces):
        return any(_mentions_local(item.value) for item in value.items)
    return value == ast.Name("local")


def _is_not_a_host(value: object) -> bool:
    return (
        isinstance(value, ast.Not)
        and isinstance(value.operand, ast.Address)
        and not {"/", "-"} & set(value.operand.text)
    )
