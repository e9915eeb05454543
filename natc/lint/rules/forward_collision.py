"""Two forwards that claim one address, protocol and port.

## Why it matters

Only the first is in force.  Nothing says so: iptables and nft load both without a word.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
port-forward tcp/443 on wan -> 192.168.3.10
port-forward tcp/443 on wan -> 192.168.3.11              # error: [forward-collision]
port-forward tcp/8443 on wan -> 192.168.3.11:443
```

## Precision

Exact: no packet reaches the second, and both claim the same addresses, protocols and ports.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.coming import taken
from natc.lint.subject import Subject
from natc.lint.unreached import of


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward whose outside address and port is taken."""
    for found in of(subject, "NAT108"):
        yield Diagnostic(
            "NAT108",
            "two forwards of one address, protocol and port",
            Label(found.rule.origin, found.said_of("never in force", "for")),
            (Label(found.by[0].origin, "takes its packets"),),
            taken(subject, found.packets, found.by),
            help="forward another port, or delete one of the two",
        )
