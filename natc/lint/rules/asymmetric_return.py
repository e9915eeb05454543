"""Forwards on two ways out, of which the answers take one.

## Why it matters

Packets of the server go where the routing table says, whichever way the client's came.  Those to
clients of the other provider leave with an address that does not belong there, and most providers
drop them: the service works by one of the two addresses.

## Example

```nat
zone wan  { interface eth0; address 203.0.113.2 }
zone dsl  { interface ppp0; address 198.51.100.2 }
zone lan  { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10
port-forward tcp/80 on dsl -> 192.168.3.10             # warning: [asymmetric-return]
port-forward tcp/22 on dsl from 192.0.2.0/24 -> 192.168.3.10
snat from lan out wan -> 203.0.113.2
snat from lan out dsl -> 198.51.100.2
```

Let connection tracking remember the way: `CONNMARK` sets a mark for connections that begin on each
side, restores it for the answers, and `ip rule add fwmark …` sends each mark to its routing table.
Say so in an `allow`.

## Precision

A policy does not tell how the gateway routes, so this is advice: it is found where strangers reach
forwards by two outside zones or more, of which one at most has the default route, and not where
there is a forward on one alone.  Nothing is said of dumps, which do not tell what is outside.  Off
unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.lint.answers import ordinarily_left
from natc.lint.forwards import forwards, restricted, servers
from natc.lint.ordinary import shown
from natc.lint.sides import Side, Sides, is_wide, sides
from natc.lint.subject import Subject
from natc.packet import Packet

Arrival = tuple[int, Rule, Packet]
"""The place of a forward, the forward, and a stranger's packet that it turns."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each outside zone with forwards, but the first."""
    for known in sides(subject).values():
        if len(known.outside) < 2:
            continue
        found = [
            (arrival, side) for side in known.outside for arrival in _first(subject, known, side)
        ]
        found.sort(key=lambda each: each[0][0])
        for (_, rule, packet), side in found[1:]:
            (_, other, _), first = found[0]
            yield Diagnostic(
                "NAT408",
                "answers may leave by another outside zone than the one that the clients came by",
                Label(rule.origin, f"forwards what comes by `{side.name}`"),
                related=(Label(other.origin, f"and this what comes by `{first.name}`"),),
                witness=packet,
                help="route answers by a mark of the connection, and `allow` this",
            )


def _first(subject: Subject, known: Sides, side: Side) -> Iterator[Arrival]:
    """Yield the first forward that turns strangers' packets which come by an outside zone."""
    strangers = {
        Field.IN_INTERFACE: side.interfaces,
        Field.SOURCE: known.abroad,
        Field.USER: point(NO_USER),
    }
    place = known.family, Hook.PREROUTING
    for position, rule in forwards(subject, known.family):
        if all(server.addresses <= known.own for server in servers(rule.action)):
            continue
        for box in rule.match.boxes:
            packets = restricted(box, strangers)
            if packets is None or not is_wide(box.sets[Field.SOURCE], known.family):
                continue
            left = ordinarily_left(subject, place, position, packets)
            if left is not None:
                yield position, rule, shown(subject, known.family, left)
                return
