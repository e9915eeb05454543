"""A pool with fewer source ports than it has clients.

## Why it matters

Towards one server, each connection needs an address and a port of its own.  When all are taken, the
kernel drops the next one.  A wide network behind a narrow range of ports comes to that soon.

## Example

```nat
snat tcp from 10.0.0.0/16 out eth0 -> 203.0.113.2:20000-20999  # note: [pool-exhaustion]
snat tcp from 10.1.0.0/24 out eth0 -> 203.0.113.2:20000-20999
```

```iptables
*nat
# note: [pool-exhaustion]
-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 203.0.113.2
-A POSTROUTING -s 192.168.0.0/24 -o eth0 -j SNAT --to-source 203.0.113.2
COMMIT
```

## Precision

Counts the addresses that the rule itself names, not the hosts that there are, and 64,512 ports
where the rule leaves the choice to the kernel.  IPv6, whose networks are wider than any pool, is
left out.  Off unless asked for.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Masquerade, Snat
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.lint.subject import Subject

_PORTS = 65536 - 1024
"""Source ports that the kernel draws from.  Source: net/netfilter/nf_nat_core.c."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each pool that cannot give every client a port."""
    for rule in subject.policy.rules:
        if rule.family is Family.IPV6:
            continue
        match rule.action:
            case Snat(addresses, ports):
                places = addresses.size * (_PORTS if ports is None else ports.size)
            case Masquerade(ports):
                places = _PORTS if ports is None else ports.size
            case _:
                continue
        clients = _clients(rule)
        if clients is not None and clients > places:
            yield Diagnostic(
                "NAT306",
                "fewer source ports than clients",
                Label(rule.origin, f"{places} connections to one server, {clients} addresses"),
                help="widen the range of ports, or the pool",
            )


def _clients(rule: Rule) -> int | None:
    """Return how many sources the rule names, None if it names none."""
    found = 0
    for box in rule.match.boxes:
        sources = box.sets[Field.SOURCE]
        if sources is None:
            return None
        found = max(found, sources.size)
    return found
