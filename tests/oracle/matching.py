"""Whether a rule is about a packet, as far as its matches say it."""

from natc.address import Family
from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.scope import Scope
from tests.oracle.sets import has_address, is_in_ipset, is_mark, is_port, is_service, is_user
from tests.oracle.words import bounds, clause_of, endpoint


def matches(
    scope: Scope, rule: ast.Rule, packet: Packet, destination: int, port: int | None
) -> bool:
    """Ask every match but the interfaces."""
    sets = [clause.value for clause in rule.clauses if clause.keyword in ("from", "to")]
    if rule.verb == "balance" and isinstance(rule.target, ast.Braces):
        backup = clause_of(rule, "backup")
        sets += [*(item.value for item in rule.target.items), backup.value if backup else None]
    else:
        sets.append(rule.target)
    if packet.family not in families(scope, rule.clauses, *sets):
        return False
    return all(_matches_clause(scope, clause, packet, destination, port) for clause in rule.clauses)


def _matches_clause(
    scope: Scope, clause: ast.Clause, packet: Packet, destination: int, port: int | None
) -> bool:
    value = clause.value
    match clause.keyword:
        case "service":
            return is_service(scope, value, packet.protocol, port)
        case "sport":
            return packet.source_port is not None and is_port(value, packet.source_port)
        case "from":
            return has_address(scope, value, packet.family, packet.source)
        case "to":
            return has_address(scope, value, packet.family, destination)
        case "mark":
            return is_mark(value, packet.mark)
        case "user":
            return packet.in_interface is None and is_user(value, packet.user)
        case "set":
            assert isinstance(value, ast.IpSet)
            asked = destination if value.flags[:1] == ("dst",) else packet.source
            return is_in_ipset(scope, value.sets, packet.family, asked)
    return True


def families(
    scope: Scope, clauses: tuple[ast.Clause, ...], *sets: ast.SetExpr | ast.Node | None
) -> set[Family]:
    """Return the families of packets that a statement is about: those said, else those named."""
    words = {clause.keyword for clause in clauses} & {"ipv4", "ipv6"}
    if words:
        return {Family.IPV4 if word == "ipv4" else Family.IPV6 for word in words}
    found: set[Family] | None = None
    for expression in sets:
        named = _named(scope, expression)
        if named:
            found = named if found is None else found & named
    return {Family.IPV4} if found is None else found


def _named(scope: Scope, expression: object) -> set[Family]:
    """Return the families of the addresses that `expression` names."""
    match expression:
        case ast.Address(text):
            return {bounds(text)[0]}
        case ast.Endpoint():
            host, _ = endpoint(expression)
            if host in scope.definitions:
                return _named(scope, scope.definitions[host])
            return {bounds(host)[0]} if host else set()
        case ast.Name(text) if text in scope.definitions:
            return _named(scope, scope.definitions[text])
        case ast.Braces(items):
            return {family for item in items for family in _named(scope, item.value)}
        case ast.Except(base, without):
            return _named(scope, base) or _named(scope, without)
        case ast.Not(operand):
            return _named(scope, operand)
    return set()
