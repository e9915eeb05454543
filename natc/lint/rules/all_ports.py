"""A forward of all ports, or of all protocols.

## Why it matters

Everything that the server listens on, now and later, can be reached by the public address; and of
the gateway's own address nothing is left for anything else.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10
dnat udp on wan -> 192.168.3.11                # warning: [all-ports]
dnat on wan -> 192.168.3.12                    # warning: [all-ports]
```

```iptables
*nat
# warning: [all-ports]
-A PREROUTING -i eth0 -p tcp -j DNAT --to-destination 192.168.3.10
-A PREROUTING -i eth0 -p icmp -j DNAT --to-destination 192.168.3.10
COMMIT
```

Name the ports.

## Precision

Exact, for arriving packets of tcp, udp or sctp.  One-to-one translations (`static`, NETMAP) are for
all ports by their nature.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Netmap
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet, interval
from natc.ir.space import Box
from natc.lint.forwards import forwards
from natc.lint.one_to_one import one_to_one
from natc.lint.subject import Subject
from natc.packet import PORT_PROTOCOLS

_PORTED = IntervalSet.of((number, number) for number in PORT_PROTOCOLS)
_EVERY_PORT = interval(1, 65535)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward that names no ports."""
    for family in subject.policy.families:
        for _, rule in forwards(subject, family):
            if isinstance(rule.action, Netmap) or not any(map(_is_all, rule.match.boxes)):
                continue
            if rule.origin not in one_to_one(subject):
                yield Diagnostic(
                    "NAT704",
                    "a forward of all ports",
                    Label(rule.origin, "for whatever the server listens on"),
                    help="name the ports, such as "
                    + ("`--dports 80,443`" if subject.is_dump else "`tcp/{80,443}`"),
                )


def _is_all(box: Box) -> bool:
    protocols, ports = box.sets[Field.PROTOCOL], box.sets[Field.DESTINATION_PORT]
    if ports is not None and ports.size < _EVERY_PORT.size:
        return False
    return protocols is None or bool(protocols & _PORTED)
