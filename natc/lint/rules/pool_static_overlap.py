"""A source pool that holds the outside address of a one-to-one translation.

## Why it matters

The address belongs to one host inside.  When the pool lends it to others, the world sees them as
that host, and ports that they hold are not there for it.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
static 192.168.3.25 <-> 203.0.113.20 on wan
snat from 192.168.3.0/24 out wan -> 203.0.113.16/29 persistent  # error: [pool-static-overlap]
snat from 192.168.4.0/24 out wan -> 203.0.113.24-203.0.113.31 persistent
```

## Precision

Exact for the addresses that rules name.  What MASQUERADE takes is the interface's business.
"""

from collections.abc import Iterator

from natc.address import text_of
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Snat
from natc.ir.intervals import IntervalSet
from natc.lint.one_to_one import one_to_one
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each source rule that lends an address of a pair."""
    fixed = one_to_one(subject)
    for (family, hook), rules in subject.rules.items() if fixed else ():
        pairs = [pair for pair in dict.fromkeys(fixed.values()) if pair.inward.family is family]
        outside = IntervalSet.of(block for pair in pairs for block in pair.outside.ranges)
        for rule in rules if hook is Hook.POSTROUTING else ():
            if not isinstance(rule.action, Snat) or rule.origin in fixed:
                continue
            shared = rule.action.addresses & outside
            if shared:
                owner = next(pair for pair in pairs if shared.first in pair.outside)
                yield Diagnostic(
                    "NAT109",
                    "a source pool lends the address of a one-to-one translation",
                    Label(rule.origin, f"lends {text_of(family, shared.first)}"),
                    (Label(owner.inward.origin, "gives it to one host"),),
                    help="take the address out of the pool",
                )
