"""A rule of which rules above are special cases with another translation.

## Why it matters

That is how exceptions are written, and mostly meant.  A list of them shows where the order of the
file matters: to move the general rule up would put its exceptions out of force.

## Example

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.3 } }
snat from 192.168.3.10 out wan -> 203.0.113.3
masquerade from 192.168.3.0/24 out wan                  # note: [generalizes]
masquerade from 192.168.4.0/24 out wan
```

## Precision

Exact: some rule above lies within this one, takes packets from it, and treats them otherwise.
`exempt` above is not counted.  Of very many the first eight are named.  Off unless it is asked for.
"""

from collections.abc import Iterator
from itertools import islice

from natc.diagnostics import Diagnostic, Label
from natc.lint.coming import witness
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that has special cases above."""
    for rules in subject.relations.values():
        for position, rule in enumerate(rules.list.rules):
            found = list(islice(rules.special_cases(position), 8))
            if not found:
                continue
            first, packets = found[0]
            yield Diagnostic(
                "NAT105",
                "rules above are special cases of this one",
                Label(rule.origin, "the general rule"),
                tuple(Label(rules.list.rules[other].origin, "an exception") for other, _ in found),
                witness(subject, rules.list.rules[first], within=packets),
            )
