"""A pool of source addresses from which a client gets several.

## Why it matters

The kernel chooses by a hash of both addresses, so a client has another address for each server.
Sites that tie a session to an address, or use several servers for one session, log the client out.

## Example

```nat
snat from 192.168.3.0/24 out eth0 -> 203.0.113.16-203.0.113.23  # warning: [pool-not-persistent]
snat from 192.168.4.0/24 out eth0 -> 203.0.113.16-203.0.113.23 persistent
```

```iptables
*nat
# warning: [pool-not-persistent]
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j SNAT --to-source 203.0.113.16-203.0.113.23
-A POSTROUTING -s 192.168.4.0/24 -o eth0 -j SNAT --to-source 203.0.113.16-203.0.113.23 --persistent
COMMIT
```

## Precision

Exact: not reported where the rule itself names a single destination.  Nothing is said of a rule
that no packet reaches.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Snat
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.lint.coming import witness
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each pool that is chosen from by destination too."""
    for rule in subject.policy.rules:
        action = rule.action
        if (
            isinstance(action, Snat)
            and not action.persistent
            and action.addresses.first != action.addresses.last
            and _has_several_servers(rule)
        ):
            packet = witness(subject, rule)
            if packet is None:
                continue  # Rules above take them all.
            yield Diagnostic(
                "NAT305",
                "a pool that gives one client several addresses",
                Label(rule.origin, "another address for each destination"),
                witness=packet,
                help="say `--persistent`" if subject.is_dump else "say `persistent`",
            )


def _has_several_servers(rule: Rule) -> bool:
    destinations = [box.get(Field.DESTINATION) for box in rule.match.boxes]
    return any(found is None or found.size > 1 for found in destinations) or len(destinations) > 1
