"""The smallest parts of the tree: clauses by their word, and texts as numbers."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address, ip_network

from natc.address import Family
from natc.dsl import ast


def clause_of(rule: ast.Rule, keyword: str) -> ast.Clause | None:
    """Return the clause of `rule` with this word, before or after the arrow."""
    for clause in rule.clauses + rule.options:
        if clause.keyword == keyword:
            return clause
    return None


def ends(rule: ast.Rule) -> list[ast.SetExpr]:
    """Return the servers of a `dnat`, `port-forward` or `balance`."""
    assert rule.target is not None
    if rule.verb != "balance":
        return [rule.target]
    assert isinstance(rule.target, ast.Braces)
    return [item.value for item in rule.target.items]


def servers(rule: ast.Rule) -> list[object]:
    """Return the servers of a rule, one that stands by for the others among them."""
    backup = clause_of(rule, "backup")
    return [*ends(rule), *([backup.value] if backup else [])]


def zones_of(on: ast.Clause) -> list[object]:
    """Return the zones and networks that `on` names."""
    return list(_items(on.value))


def _items(expression: object) -> Iterator[object]:
    if isinstance(expression, ast.Braces):
        for item in expression.items:
            yield from _items(item.value)
    else:
        yield expression


def text_of(expression: object) -> str:
    assert isinstance(expression, ast.Literal), expression
    return expression.text


@cache
def bounds(text: str) -> tuple[Family, int, int]:
    """Read an address, CIDR or range."""
    text = text.strip("[]")
    if "-" in text:
        low, high = (ip_address(part) for part in text.split("-"))
    else:
        network = ip_network(text)
        low, high = network[0], network[-1]
    return Family(low.version), int(low), int(high)


def endpoint(endpoint: ast.Endpoint) -> tuple[str, range]:
    host, _, ports = endpoint.text.rpartition(":")
    return host, range_of(ports)


@cache
def range_of(text: str) -> range:
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)


def fits(pattern: str, interface: str | None) -> bool:
    if interface is None:
        return False
    if pattern.endswith("+"):
        return interface.startswith(pattern[:-1])
    return interface == pattern


def names_local(expression: object) -> bool:
    """Say whether the gateway's own packets are among those that come `in` this way."""
    match expression:
        case ast.Name("local"):
            return True
        case ast.Braces(items):
            return any(names_local(item.value) for item in items)
        case ast.Except(base, without):
            return names_local(base) and not names_local(without)
    return False
