"""A service that is seldom meant for the whole internet is forwarded to it.

## Why it matters

Databases, remote desktops and management ports are tried by machines within minutes.  Mostly a
few addresses need them.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/3389 on wan -> 192.168.3.10                       # warning: [exposed-service]
port-forward tcp/15432 on wan -> 192.168.3.11:5432                 # warning: [exposed-service]
port-forward tcp/2222 on wan from 198.51.100.0/24 -> 192.168.3.12:22
snat from lan out wan -> 203.0.113.2
```

Say `from`, or reach the service by a VPN.

## Precision

The port that counts is the server's: 22, 23, 135, 139, 445, 1433, 1521, 2375, 3306, 3389, 5432,
5900, 5984, 6379, 9200, 11211 or 27017.  Rules with `from`, a mark, an ipset or another opaque
match, and in a policy those that see packets from inside only, are left alone.  The filter table
may still refuse the packets.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.forwards import forwards, is_plain, servers
from natc.lint.sides import Sides, sides
from natc.lint.subject import Subject

_PORTS = frozenset(
    {22, 23, 135, 139, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 5984, 6379, 9200}
    | {11211, 27017}
)
_DELICATE = IntervalSet.of((port, port) for port in _PORTS)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward of a delicate service to everybody."""
    for family in subject.policy.families:
        known = sides(subject).get(family)
        for _, rule in forwards(subject, family):
            ports = _exposed(rule, known)
            if ports is not None:
                yield Diagnostic(
                    "NAT601",
                    "a service that is seldom meant for everybody is forwarded to everybody",
                    Label(rule.origin, f"port {ports.first} of the server"),
                    help="say `from` for those who need it",
                )


def _exposed(rule: Rule, known: Sides | None) -> IntervalSet | None:
    """Return the delicate ports of the servers that everybody reaches; None if there are none."""
    for box in rule.match.boxes:
        asked = box.sets[Field.DESTINATION_PORT]
        for server in servers(rule.action):
            ports = server.ports or asked
            if ports is not None and _holds_delicate(ports) and _is_for_everybody(box, known):
                return ports & _DELICATE
    return None


def _holds_delicate(ports: IntervalSet) -> bool:
    (low, high), *others = ports.ranges
    if low == high and not others:  # Nearly always, and many times over.
        return low in _PORTS
    return bool(ports & _DELICATE)


def _is_for_everybody(box: Box, known: Sides | None) -> bool:
    if box.sets[Field.SOURCE] is not None or not is_plain(box):
        return False
    arriving = box.sets[Field.IN_INTERFACE]
    if known is None or arriving is None:
        return True
    return bool(arriving & known.outside_interfaces)
