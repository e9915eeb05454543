"""Which names the statements of a policy mention where addresses and services stand."""

import re
from collections.abc import Iterable, Iterator

from natc.dsl import ast
from natc.elaborate.values import is_name
from natc.source import Source

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_NO_SETS = frozenset({"interface", "bridge", "forward", "owner", "in", "out", "on", "user", "set"})
"""Words whose values are not looked up among definitions, or must not be found there."""


def unmentioned(names: Iterable[str], statements: Iterable[ast.AnyStatement]) -> set[str]:
    """Return those of `names` that no statement mentions; their own definitions do not count.

    Looks at statements only as long as some name is missing, and at all of them only for a name
    that is never mentioned.
    """
    missing = set(names)
    for statement in statements:
        if not missing:
            break
        missing.difference_update(_names(statement))
    return missing


def written_once(names: Iterable[str], sources: Iterable[Source]) -> set[str]:
    """Return those of `names` that stand as a word but once in all texts."""
    texts = [source.text for source in sources]
    return {name for name in names if _count(name, texts) == 1}


def _count(name: str, texts: list[str]) -> int:
    """Return how often a word stands in texts; 2 is twice or more."""
    found = 0
    for text in texts:
        position = text.find(name)
        while position >= 0 and found < 2:
            word = _WORD.match(text, position)
            before = text[position - 1 : position]
            if word is not None and word.group() == name and not _continues(before):
                found += 1
            position = text.find(name, position + 1)
    return found


def _continues(char: str) -> bool:
    return char in {"_", "-"} or char.isalnum()


def _names(node: object) -> Iterator[str]:
    """Yield the names in a statement, or a part of one, that stand for addresses or services."""
    match node:
        case ast.Name(text):
            yield text
        case ast.Endpoint(text):
            host = text.rpartition(":")[0]
            if is_name(host):
                yield host
        case ast.Clause(keyword, value) | ast.Entry(keyword, value):
            if keyword not in _NO_SETS:
                yield from _names(value)
        case ast.Rule(_, clauses, target, options):
            yield from _of_all((*clauses, target, *options))
        case ast.Static(inside, outside, clauses):
            yield from _of_all((inside, outside, *clauses))
        case ast.PacketLine(_, source, destination, clauses):
            yield from _of_all((source, destination, *clauses))
        case ast.Assertion(_, clauses, result):
            yield from _of_all((*clauses, result))
        case ast.Definition(_, _, value) | ast.Item(value) | ast.Not(value):
            yield from _names(value)
        case ast.Except(base, without):
            yield from _of_all((base, without))
        case ast.Block(_, _, parts) | ast.Host(_, parts) | ast.Test(_, parts) | ast.Braces(parts):
            yield from _of_all(parts)
        case ast.Expect(result):
            yield from _names(result)
        case ast.Result(_, _, clauses):
            yield from _of_all(clauses)
        case ast.PortList(_, ports):
            yield from _names(ports)


def _of_all(nodes: Iterable[object]) -> Iterator[str]:
    for node in nodes:
        yield from _names(node)
