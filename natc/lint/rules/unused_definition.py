"""A definition that nothing uses, or a chain that nothing jumps to.

## Why it matters

It reads as if it had an effect. Often a rule was meant to use it and says something else; else it
is a remnant, which the next reader must understand, too.

## Example

```nat
address web1 = 192.168.3.10
address web2 = 192.168.3.11                     # warning: [unused-definition]
dnat tcp/80 to 203.0.113.2 -> web1
```

In rules that exist, the same is true of chains:

```iptables
*nat
:PREROUTING ACCEPT [0:0]
:WEB - [0:0]
# warning: [unused-definition]
:OLD-WEB - [0:0]
-A PREROUTING -d 203.0.113.2 -j WEB
-A WEB -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
-A OLD-WEB -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.9
COMMIT
```

`natc lint --fix` deletes a definition with its line; comments above it stay. Chains are left to
whoever made them: a program may jump to its chain later. So may those who load more rules beside a
text for `--noflush`, one that has chains of its own alone; and tables that filter, in which
firewalls keep chains for later, are not looked at.

## Precision

Exact, for the definitions in the policy's own file: another policy may use those of a file that is
included. One that is used by an unused definition alone counts as used until that is gone. Zones
and networks say what the gateway is, used or not.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Fix, Label
from natc.dsl import ast
from natc.dsl.lazy import declarations
from natc.lint.fixes import deletion
from natc.lint.mentions import unmentioned, written_once
from natc.lint.subject import Subject
from natc.source import NOWHERE
from natc.targets.iptables.model import BUILT_IN, Ruleset, Table


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each definition of a policy, or chain of a dump."""
    if subject.tree is not None:
        yield from _definitions(subject.tree)
    for ruleset in subject.rulesets:
        yield from _chains(ruleset)


def _definitions(tree: ast.Policy) -> Iterator[Diagnostic]:
    found: list[ast.Definition] = []
    sources = {}
    for statement in declarations(tree.statements):
        sources[statement.span.source.name] = statement.span.source
        if isinstance(statement, ast.Definition):
            found.append(statement)
        elif isinstance(statement, ast.Host):
            found += statement.definitions
    mine = [one for one in found if one.span.source.name == tree.span.source.name]
    names = {definition.name.text for definition in mine}
    alone = written_once(names, sources.values())
    unused = alone | unmentioned(names - alone, tree.statements)
    for definition in mine:
        if definition.name.text in unused:
            yield _unused(definition)


def _unused(definition: ast.Definition) -> Diagnostic:
    name = definition.name.text
    return Diagnostic(
        "NAT002",
        f"nothing uses the {definition.kind} `{name}`",
        Label(definition.name.span),
        help="delete it, or use it",
        fix=Fix(f"delete `{name}`", (deletion(definition.span),)),
    )


def _chains(ruleset: Ruleset) -> Iterator[Diagnostic]:
    for table in ruleset.tables:
        targets = _targets(table)
        built_in = BUILT_IN[table.name]
        if table.name != "nat" or not any(chain.name in built_in for chain in table.chains):
            continue
        for chain in table.chains:
            is_own = chain.name not in built_in and chain.origin != NOWHERE
            if is_own and chain.name not in targets:
                yield Diagnostic(
                    "NAT002",
                    f"nothing jumps to the chain `{chain.name}`",
                    Label(chain.origin),
                    help="delete it, or jump to it",
                )


def _targets(table: Table) -> set[str]:
    """Return the chains and targets that the rules of a table jump to."""
    return {
        rule.jump.target
        for chain in table.chains
        for rule in chain.rules
        if not isinstance(rule, str) and rule.jump is not None
    }
