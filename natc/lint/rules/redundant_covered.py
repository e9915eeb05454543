"""A rule that no packet reaches, because rules above do the same to all of its packets.

## Why it matters

It changes nothing today.  Tomorrow somebody edits it and wonders, or deletes one of those above and
finds it still in force.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
masquerade from 192.168.3.0/24 out wan
masquerade tcp from 192.168.3.10 out wan              # warning: [redundant-covered]
masquerade from 192.168.4.0/24 out wan
```

## Precision

Exact, as `shadowed`.  To delete the rule changes nothing.  A translation that has more parts than
one, as `hairpin` and `static` have, is a finding when all of them are covered.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.removal import removal
from natc.lint.subject import Subject
from natc.lint.unreached import of


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule whose packets rules above treat as it would."""
    for found in of(subject, "NAT102"):
        if found.is_needed:
            continue
        yield Diagnostic(
            "NAT102",
            "the rules above do the same to every packet of this one",
            Label(found.rule.origin, found.said_of("changes nothing", "for")),
            tuple(Label(rule.origin, "takes its packets") for rule in found.by),
            help="delete it" if found.is_whole else None,
            fix=removal(subject, found),
        )
