"""A rule without a comment.

## Why it matters

A rule says what it does, never for whom, or since when.  Whoever finds it years later does not
dare to delete it.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }

# The shop, for its customers.
port-forward tcp/80 on wan -> 192.168.3.10
port-forward tcp/443 on wan -> 192.168.3.10

port-forward tcp/2222 on wan -> 192.168.3.12:22        # note: [missing-reason]
port-forward tcp/25 on wan -> 192.168.3.25  # Mail, until the move to the provider.
```

```iptables
*nat
-A PREROUTING -i eth0 -p tcp --dport 25 -m comment --comment mail -j DNAT --to-destination 10.0.0.2
# note: [missing-reason]
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.3

# Everybody out.
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j MASQUERADE
-A POSTROUTING -s 192.168.4.0/24 -o eth0 -j MASQUERADE
COMMIT
```

A comment stands beside a rule, or above it, or above the first one of those that stand together
without an empty line.

## Precision

Whether there is a comment is exact; what it says is not judged.  Of a dump, rules of the nat table
that translate, or leave alone on purpose, are looked at; jumps to chains are not.  Off unless asked
for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.dsl import ast
from natc.lint.subject import Subject
from natc.source import Source, Span
from natc.targets.iptables.model import Rule, Ruleset

_LOOKED_AT = frozenset({"ACCEPT", "RETURN", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that no comment explains."""
    places = list(_in_policy(subject.tree)) if subject.tree is not None else []
    for ruleset in subject.rulesets:
        places += _in_dump(ruleset)
    for place in places:
        yield Diagnostic(
            "NAT701",
            "a rule without a comment",
            Label(place, "no reason is given"),
            help="say in a comment for whom it is, and since when",
        )


def _in_policy(tree: ast.Policy) -> Iterator[Span]:
    is_headed = False
    source: Source | None = None
    for statement in tree.statements:
        above = statement.comments.above
        if above or statement.span.source is not source:
            is_headed = bool(above) and above[-1] is not None  # None is an empty line.
        source = statement.span.source
        is_rule = isinstance(statement, ast.Rule | ast.Static)
        if is_rule and not is_headed and statement.comments.beside is None:
            yield statement.span


def _in_dump(ruleset: Ruleset) -> Iterator[Span]:
    bare = [
        rule.origin
        for table in ruleset.tables
        if table.name == "nat"
        for chain in table.chains
        for rule in chain.rules
        if isinstance(rule, Rule) and _is_bare(rule)
    ]
    headed = _headed_lines(bare[0].source.text) if bare else set()
    yield from (origin for origin in bare if origin.line not in headed)


def _is_bare(rule: Rule) -> bool:
    if rule.jump is None or rule.jump.target not in _LOOKED_AT or rule.comment is not None:
        return False
    return all(match.module != "comment" for match in rule.matches)


def _headed_lines(text: str) -> set[int]:
    """Return the lines of rules that stand below a comment, without an empty line between."""
    found: set[int] = set()
    is_headed = False
    for number, line in enumerate(text.split("\n"), 1):
        words = line.lstrip()
        if words.startswith("#"):
            is_headed = True
        elif not words.startswith(("-", "[")):
            is_headed = False
        elif is_headed:
            found.add(number)
    return found
