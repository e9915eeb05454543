"""A destination rule sends packets to a private address that lives nowhere.

## Why it matters

The gateway has no network with that address: the packets go out by the default route and are lost.
Mostly the address is a typing error, or a zone's `subnet` is.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10
port-forward tcp/81 on wan -> 192.168.30.10          # warning: [backend-unreachable]
port-forward tcp/82 on wan -> 198.51.100.10
snat from lan out wan -> 203.0.113.2
```

Where the server is behind another router, add its network to the zone: `subnet { 192.168.3.0/24,
192.168.30.0/24 }`.

## Precision

Exact for private addresses, when places inside are declared, and each says its subnet.  A public
address is reached by the default route.  With `hairpin`, which needs to know where the server is,
any address outside all subnets is an error that the compiler reports.
"""

from collections.abc import Iterator

from natc.address import FAMILIES
from natc.diagnostics import Diagnostic, Label
from natc.ir.intervals import IntervalSet
from natc.lint.answers import arriving_at
from natc.lint.forwards import forwards, servers
from natc.lint.sides import PRIVATE, Side, Sides, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that sends packets nowhere."""
    for family, known in sides(subject).items():
        if not known.inside or not all(map(_is_told, known.inside)):
            continue
        for position, rule in forwards(subject, family):
            if not any(_is_nowhere(server.addresses, known) for server in servers(rule.action)):
                continue
            packet = arriving_at(subject, known, position)
            if packet is not None:
                yield Diagnostic(
                    "NAT407",
                    "a destination rule sends packets to an address that lives nowhere",
                    Label(rule.origin, "no zone has a subnet that holds it"),
                    witness=packet,
                    help="correct it, or add its network to the `subnet` of the zone it is behind",
                )


def _is_told(side: Side) -> bool:
    """Whether it is known who lives on a side: the subnet, or nobody of this family."""
    has_others = any(side.place.subnet.of(family) for family in FAMILIES)
    return bool(side.subnet) or (has_others and not side.own)


def _is_nowhere(addresses: IntervalSet, known: Sides) -> bool:
    if known.holder(addresses) is not None:
        return False
    return bool((addresses & PRIVATE[known.family]) - known.inhabited)
