"""An address that rules repeat, without a name.

## Why it matters

When the host moves, each of the places is to be found and changed, and the one that was missed is a
rule for somebody else.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
address mail = 192.168.3.25

port-forward tcp/80 on wan -> 192.168.3.10            # note: [magic-literal]
port-forward tcp/443 on wan -> 192.168.3.10
port-forward tcp/2222 on wan -> 192.168.3.10:22
port-forward tcp/25 on wan -> mail
port-forward tcp/587 on wan -> mail
port-forward tcp/993 on wan -> mail
```

Define it once: `address web = 192.168.3.10`, and write `web`.

## Precision

Exact, for addresses, networks and ranges that three rules or more of a policy write in the same
way.  What zones, networks, tests and assertions say is not counted, nor is `0.0.0.0/0` or `::/0`.
Rules of iptables have no names to give.  Off unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.dsl import ast
from natc.elaborate.values import is_name
from natc.lint.subject import Subject
from natc.source import Span

_FROM = 3
"""Rules with one address before it deserves a name."""

_MOST_SHOWN = 4
_EVERYTHING = frozenset({"0.0.0.0/0", "::/0"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each address that many rules write."""
    if subject.tree is None:
        return
    found: dict[str, list[Span]] = {}
    names: dict[str, str] = {}
    for statement in subject.tree.statements:
        match statement:
            case ast.Definition("address", name, ast.Address(text)):
                names.setdefault(text, name.text)
            case ast.Rule() | ast.Static():
                for text, span in dict(_addresses(statement)).items():
                    found.setdefault(text, []).append(span)
    for text, (first, *others) in found.items():
        if len(others) + 1 >= _FROM and text not in _EVERYTHING:
            known = names.get(text)
            yield Diagnostic(
                "NAT703",
                f"{len(others) + 1} rules write the address `{text}`",
                Label(first, "the first"),
                related=tuple(Label(span, "again") for span in others[:_MOST_SHOWN]),
                help=f"write `{known}`" if known else f"give it a name: `address … = {text}`",
            )


def _addresses(node: object) -> Iterator[tuple[str, Span]]:
    """Yield the addresses in a rule, or in a part of one."""
    match node:
        case ast.Address(text, span):
            yield text, span
        case ast.Endpoint(text, span):
            host = text.rpartition(":")[0]
            if host and not is_name(host):
                yield host.strip("[]"), span
        case ast.Rule(_, clauses, target, options):
            yield from _of_all((*clauses, target, *options))
        case ast.Static(inside, outside, clauses):
            yield from _of_all((inside, outside, *clauses))
        case ast.Clause(_, value) | ast.Item(value) | ast.Not(value):
            yield from _addresses(value)
        case ast.Except(base, without):
            yield from _of_all((base, without))
        case ast.Braces(items):
            yield from _of_all(items)


def _of_all(nodes: tuple[object, ...]) -> Iterator[tuple[str, Span]]:
    for node in nodes:
        yield from _addresses(node)
