"""What the policy says, and iptables cannot say.

## Why it matters

natc refuses rather than approximates: rules that do almost what the policy says are wrong where
nobody looks. `natc compile` writes nothing for such a policy.

## Example

```nat
snat out eth0 -> { 203.0.113.1, 203.0.113.9 }      # error: [untranslatable]
snat out eth1 -> 203.0.113.1-203.0.113.9
```

The finding says what iptables lacks; [targets.md](targets.md) lists it all.

## Precision

Exact: found if and only if `natc compile` refuses the rule.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic
from natc.lint.subject import Subject
from natc.targets.iptables.lower import refusals


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what iptables cannot say of a policy; a dump is what it says."""
    if not subject.is_dump:
        yield from refusals(subject.policy)
