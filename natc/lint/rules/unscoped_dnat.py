"""A destination rule that takes packets to any address.

## Why it matters

Without `to`, `in` and `from`, the rule takes every packet that comes by with its protocol and port:
also what a host inside sends to a server in the internet, which then never gets there.

## Example

```nat
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
dnat tcp/80 -> 192.168.3.10                    # error: [unscoped-dnat]
dnat tcp/81 to 203.0.113.2 -> 192.168.3.10
dnat tcp/82 in eth0 -> 192.168.3.10
```

```iptables
*nat
# error: [unscoped-dnat]
-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -d 203.0.113.2 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10
COMMIT
```

Say which address, or which way in, the rule is for.

## Precision

Exact.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Balance, Dnat, Hook, Netmap, Redirect
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.lint.subject import Subject
from natc.simulate.sample import sample

_SCOPES = (Field.IN_INTERFACE, Field.SOURCE, Field.DESTINATION, Field.LOCAL_DESTINATION)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each destination rule without any place."""
    for (family, hook), rules in subject.rules.items():
        if hook is not Hook.PREROUTING:
            continue
        for rule in rules:
            for box in rule.match.boxes if _turns(rule) else ():
                if all(box.get(field) is None for field in _SCOPES):
                    yield Diagnostic(
                        "NAT405",
                        "a destination rule takes packets to any address",
                        Label(rule.origin, "also what passes on its way to the internet"),
                        witness=sample(box, family),
                        help="say `to ADDRESS`, `in INTERFACE`, or `on ZONE` for the zone's own",
                    )
                    break


def _turns(rule: Rule) -> bool:
    return isinstance(rule.action, Dnat | Balance | Redirect | Netmap)
