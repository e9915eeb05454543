"""The kernel's table of connections is nearly full, or smaller than a pool promises.

## Why it matters

Translation rests on connection tracking.  When its table is full, the kernel drops every packet
that would begin a connection ("nf_conntrack: table full, dropping packet"), whatever the rules say;
and a pool of many addresses never gets to use them.

## Example

```host
/proc/sys/net/netfilter/nf_conntrack_max = 65536          # note: [conntrack-capacity]
/proc/sys/net/netfilter/nf_conntrack_count = 62000
```

```host
/proc/sys/net/netfilter/nf_conntrack_max = 262144
/proc/sys/net/netfilter/nf_conntrack_count = 62000
```

Sixteen addresses have ports for a million connections to one server, four times as many as fit:

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.0.0/16 }

snat from 192.168.0.0/16 out wan -> 203.0.113.16-203.0.113.31 persistent as pool
```

```host
/proc/sys/net/netfilter/nf_conntrack_max = 262144         # note: [conntrack-capacity]
/proc/sys/net/netfilter/nf_conntrack_count = 120
```

## Precision

Found when nine tenths of the table are in use, or when the ports of an IPv4 pool of two addresses
or more, 1024 to 65535 unless the rule names them, are more than it holds.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.patient import Patient
from natc.host.doctor.sysctls import command, label
from natc.ir.actions import Hook, Snat
from natc.ir.policy import Rule

_MAX = "netfilter/nf_conntrack_max"
_COUNT = "netfilter/nf_conntrack_count"
_PORTS = 65536 - 1024
"""Of one address.  Source: Linux 6.18, nf_nat_core.c, nf_nat_l4proto_unique_tuple()."""


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield at most one finding: that the table is nearly full, or else the largest pool."""
    most = patient.facts.setting(_MAX)
    if not most:
        return
    count = patient.facts.setting(_COUNT) or 0
    pools = [rule for rule in patient.rules(Hook.POSTROUTING) if _ports(rule) > most]
    if 10 * count >= 9 * most:
        yield _finding(patient, f"{count:,} are in use", 2 * most, ())
    elif pools:
        largest = max(pools, key=_ports)
        text = f"fewer than the {_ports(largest):,} ports of a pool"
        related = (Label(largest.origin, "promises as many"),)
        yield _finding(patient, text, _ports(largest), related)


def _ports(rule: Rule) -> int:
    match rule.action:
        case Snat(addresses, ports) if rule.family is Family.IPV4 and addresses.size > 1:
            return addresses.size * (_PORTS if ports is None else ports.size)
    return 0


def _finding(patient: Patient, text: str, enough: int, related: tuple[Label, ...]) -> Diagnostic:
    return Diagnostic(
        "NAT510",
        "the kernel's table of connections is too small",
        label(patient.facts, _MAX, text),
        related=related,
        help=f"`{command(_MAX, enough)}`",
    )
