"""Destination translation: `dnat`, `port-forward`, `balance`, `transparent-proxy`."""

from collections.abc import Iterator

from natc.address import Family
from natc.dsl import ast
from natc.elaborate import clauses, hairpin, targets, values
from natc.elaborate.arrival import arrivals, local, sees_arriving, sees_local
from natc.elaborate.arrival import arriving as arriving_packets
from natc.elaborate.context import Context
from natc.elaborate.matching import Matched, by_keyword, families, matched
from natc.elaborate.problem import Problem
from natc.elaborate.targets import Target
from natc.ir.actions import (
    Accept,
    Backend,
    Balance,
    Dnat,
    Hook,
    PortChoice,
    Redirect,
    Tproxy,
)
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet, interval
from natc.ir.policy import HealthCheck, Rule
from natc.packet import PROTOCOLS
from natc.record import replace

STICKY_SECONDS = 3 * 3600
"""How long a client stays with its backend unless the policy says otherwise."""

_TPROXY_PROTOCOLS = frozenset({PROTOCOLS["tcp"], PROTOCOLS["udp"]})


def dnat(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `dnat … -> …` and `port-forward … -> …`."""
    match = matched(clauses.matches_of(rule), context.scope)
    options = clauses.options_of(rule)
    target = targets.read(targets.required(rule), context.scope)
    if target.addresses is None:
        raise Problem(
            "NAT017",
            f"`{rule.verb}` needs an address",
            target.span,
            help=f"`transparent-proxy … -> {target.span.text}` sends to the gateway itself",
        )
    if rule.verb == "port-forward" and not (match.services and match.services.has_ports):
        raise Problem(
            "NAT203",
            "a port-forward without ports",
            match.place_of("service", rule.span),
            help="name them: `port-forward tcp/80 on wan -> …`",
        )
    targets.needs_ports(match.services, target)
    for family in families(match, target.families, target.span):
        action = Dnat(
            target.addresses.addresses.of(family),
            *_ports(match, target, options),
            "persistent" in options,
            PortChoice.RANDOM if "random" in options else PortChoice.KEEP,
        )
        for arrival in arrivals(match, family):
            suffix = ".local" if arrival.hook is Hook.OUTPUT and sees_arriving(match) else ""
            yield context.rule(family, arrival.hook, arrival.match, action, suffix)
        if "hairpin" in options:
            span = options["hairpin"].span
            yield from hairpin.rules(match, family, (action,), action, context, span)


def _ports(
    match: Matched, target: Target, options: dict[str, ast.Clause]
) -> tuple[IntervalSet | None, int | None]:
    """Return the target's ports, and the port that `shift` counts from.

    Raises:
        Problem: NAT301, NAT302, NAT013.
    """
    taken = match.services.port_ranges() if match.services else None
    shift = options.get("shift")
    if shift is not None:
        if target.ports is None or taken is None:
            raise Problem(
                "NAT013",
                "`shift` without ports on both sides",
                shift.span,
                help="`tcp/7000-7010 … -> 10.0.0.1:6000 shift`",
            )
        if len(taken.ranges) != 1:
            raise Problem(
                "NAT302",
                "`shift` needs one range of ports",
                match.place_of("service", shift.span),
                help="write a rule for each range",
            )
        wanted = target.ports
        if wanted.size == 1:
            wanted = interval(wanted.first, wanted.first + taken.size - 1)
        if wanted.last > 65535:
            raise Problem("NAT302", "the shifted range ends beyond port 65535", target.span)
        if wanted.size != taken.size:
            raise Problem(
                "NAT302",
                f"{taken.size} ports to {wanted.size} ports",
                target.span,
                help=f"write `:{wanted.first} shift` for as many as are matched",
            )
        return wanted, taken.first
    if target.ports is not None and target.ports.size > 1 and taken is not None and taken.size > 1:
        help_ = "add `shift` to keep the distance"
        if taken == target.ports:
            help_ = "leave the port out of the target: it is kept"
        why = "the kernel would send every port outside it to the first one"
        if "random" in options:
            why = "the kernel would draw one of these ports for each connection"
        message = "a range of ports to a range of ports"
        raise Problem("NAT301", message, target.span, why, help=help_)
    return target.ports, None


def transparent_proxy(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `transparent-proxy … -> …`, by REDIRECT or by TPROXY."""
    match = matched(clauses.matches_of(rule), context.scope)
    options = clauses.options_of(rule)
    target = targets.read(targets.required(rule), context.scope)
    if target.ports is None or target.ports.size != 1:
        raise Problem(
            "NAT013",
            "a transparent proxy listens on one port",
            target.span,
            help="write `-> :3128`, or `-> 127.0.0.1:8443 tproxy mark 0x1/0x1`",
        )
    targets.needs_ports(match.services, target)
    if "tproxy" in options:
        yield from _tproxy(match, options, target, context)
        return
    if target.addresses is not None:
        raise Problem(
            "NAT207",
            "REDIRECT goes to the gateway itself, not to an address",
            target.span,
            help=f"write `-> :{target.ports.first}`; `tproxy` takes the address of a listener, "
            "`dnat` one of another host",
        )
    if "mark" in options:
        raise Problem("NAT011", "`mark` after `->` belongs to `tproxy`", options["mark"].span)
    choice = PortChoice.RANDOM if "random" in options else PortChoice.KEEP
    action = Redirect(target.ports, choice)
    spared = _spared_users(options, match, context)
    for family in families(match, None, target.span):
        if sees_arriving(match):
            yield context.rule(family, Hook.PREROUTING, arriving_packets(match, family), action)
        if sees_local(match):
            suffix = ".local" if sees_arriving(match) else ""
            own = match if spared is None else replace(match, user=spared)
            yield context.rule(family, Hook.OUTPUT, local(own, family), action, suffix)


def _spared_users(
    options: dict[str, ast.Clause], match: Matched, context: Context
) -> IntervalSet | None:
    """Return the users whose packets are redirected, when `except user` spares some."""
    clause = options.get("except")
    if clause is None:
        return None
    if not sees_local(match):
        raise Problem(
            "NAT209",
            "only packets made by the gateway have a user",
            clause.span,
            help="without `in local` the proxy's own packets are not redirected",
        )
    if not isinstance(clause.value, ast.SetExpr):
        raise AssertionError("the grammar gives `except user` a set")
    everyone = universe(Field.USER, Family.IPV4) if match.user is None else match.user
    users = everyone - context.scope.users(clause.value)
    if not users:
        raise Problem("NAT006", "every user is excepted", clause.span)
    return users


def _tproxy(
    match: Matched, options: dict[str, ast.Clause], target: Target, context: Context
) -> Iterator[Rule]:
    if sees_local(match):
        raise Problem(
            "NAT207",
            "the gateway's own packets cannot be handed to TPROXY",
            match.place_of("in", match.place_of("user", target.span)),
            "TPROXY works on arrival only",
            help="leave `local` out, or use `-> :PORT`",
        )
    mark = options.get("mark")
    if mark is None or not isinstance(mark.value, ast.Mark | ast.Number):
        raise Problem(
            "NAT207",
            "`tproxy` without a mark",
            options["tproxy"].span,
            help="add `mark 0x1/0x1`: policy routing delivers marked packets to the proxy",
        )
    if "except" in options:
        raise Problem(
            "NAT209", "only packets made by the gateway have a user", options["except"].span
        )
    protocols = match.services
    if protocols is None or any(
        number not in _TPROXY_PROTOCOLS
        for numbers, _ in protocols.boxes()
        for low, high in numbers.ranges
        for number in range(low, high + 1)
    ):
        raise Problem(
            "NAT207", "TPROXY takes tcp and udp only", match.place_of("service", target.span)
        )
    value, mask = values.mark(mark.value)
    if not mask or not value:
        raise Problem("NAT207", "a mark of 0 marks nothing", mark.span)
    if target.ports is None:
        raise AssertionError("the caller saw a port")
    for family in families(match, target.families, target.span):
        address = None if target.addresses is None else targets.single_host(target, family)
        packets = arriving_packets(match, family)
        yield context.rule(
            family, Hook.DIVERT, packets, Tproxy(address, target.ports.first, value, mask)
        )
        yield context.rule(family, Hook.PREROUTING, packets, Accept(), ".kept")


def balance(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `balance … -> { … }`."""
    match = matched(clauses.matches_of(rule), context.scope)
    options = clauses.options_of(rule)
    expression = targets.required(rule)
    items = expression.items if isinstance(expression, ast.Braces) else (ast.Item(expression),)
    read = [(_backend(item.value, match, context), item.weight) for item in items]
    spare = [_backend(_value(options["backup"]), match, context)] if "backup" in options else []
    every = [target for target, _ in read] + spare
    common = _common_families(every)
    for family in families(match, common, expression.span):
        backends = tuple(
            Backend(_dnat(target, family), _weight(weight), f"{context.name}-{index}")
            for index, (target, weight) in enumerate(read, 1)
        )
        backups = tuple(
            Backend(_dnat(target, family), 1, f"{context.name}-backup") for target in spare
        )
        action = Balance(backends, _sticky(options), backups)
        for arrival in arrivals(match, family):
            suffix = ".local" if arrival.hook is Hook.OUTPUT and sees_arriving(match) else ""
            yield context.rule(family, arrival.hook, arrival.match, action, suffix)
        if "hairpin" in options:
            ends = tuple(backend.action for backend in (*backends, *backups))
            yield from hairpin.rules(match, family, ends, action, context, options["hairpin"].span)


def _backend(expression: ast.SetExpr, match: Matched, context: Context) -> Target:
    target = targets.read(expression, context.scope)
    if target.addresses is None:
        raise Problem("NAT017", "a backend needs an address", target.span)
    for family in Family:
        if target.addresses.addresses.of(family).size > 1:
            raise Problem(
                "NAT206",
                "a backend is one address",
                target.span,
                help="list its addresses as backends of their own",
            )
    targets.needs_ports(match.services, target)
    if target.ports is not None and target.ports.size > 1:
        raise Problem("NAT301", "a backend has one port", target.span)
    return target


def _dnat(target: Target, family: Family) -> Dnat:
    if target.addresses is None:
        raise AssertionError("a backend has an address")
    return Dnat(target.addresses.addresses.of(family), target.ports)


def _common_families(every: list[Target]) -> frozenset[Family]:
    """Return the families in which all backends have an address.

    Raises:
        Problem: NAT008 when there is none.
    """
    common = frozenset(Family)
    for target in every:
        common &= target.families or frozenset()
        if not common:
            raise Problem("NAT008", "backends of different families", target.span)
    return common


def _weight(number: ast.Number | None) -> int:
    return 1 if number is None else values.count(number, "weight", 1, 65535)


def _sticky(options: dict[str, ast.Clause]) -> int | None:
    clause = options.get("sticky")
    if clause is None:
        return None
    if clause.value is None:
        return STICKY_SECONDS
    if not isinstance(clause.value, ast.Duration):
        raise AssertionError("the grammar gives `sticky for` a duration")
    length = values.seconds(clause.value)
    if length != round(length):
        raise Problem(
            "NAT206",
            "a client stays for whole seconds",
            clause.value.span,
            help="the kernel counts no less: `sticky for 1s` is the shortest",
        )
    return round(length)


def _value(clause: ast.Clause) -> ast.SetExpr:
    if not isinstance(clause.value, ast.SetExpr):
        raise AssertionError("the grammar gives this clause a value")
    return clause.value


def health_check(rule: ast.Rule, name: str) -> HealthCheck | None:
    """Return how the backends of a `balance` rule are tested; None when it does not say.

    Raises:
        Problem: NAT011, NAT012, NAT206.
    """
    clause = next((clause for clause in rule.options if clause.keyword == "check"), None)
    if clause is None or not isinstance(clause.value, ast.Check):
        return None
    check = clause.value
    every, tries = 2.0, {"rise": 2, "fall": 3}
    for word, setting in by_keyword(check.settings).items():
        match setting.value:
            case ast.Duration() as length:
                every = values.seconds(length)
            case ast.Number() as number:
                tries[word] = values.count(number, word, 1, 1000)
    if check.kind.text == "tcp":
        if check.path is not None:
            raise Problem("NAT011", "a path belongs to `check http`", check.path.span)
        return HealthCheck(name, "tcp", None, every, tries["rise"], tries["fall"])
    if check.kind.text == "http":
        path = _path(check.path)
        return HealthCheck(name, "http", path, every, tries["rise"], tries["fall"])
    raise Problem(
        "NAT206",
        f"unknown health check `{check.kind.text}`",
        check.kind.span,
        help="one of `tcp`, `http`",
    )


def _path(path: ast.String | None) -> str:
    if path is None:
        return "/"
    text = path.text
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text:
        raise Problem("NAT206", "a path begins with `/` and holds no blanks", path.span)
    return text
