"""A server can be reached from outside by its own address.

## Why it matters

Private addresses are not routed in the internet, but a neighbour in the provider's network can send
packets for them to the gateway, which forwards what it is not told to drop: every port of the
server, whoever a forward's `from` names.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10             # warning: [bypass]
snat from lan out wan -> 203.0.113.2
```

A policy drops nothing.  The filter table does, here for the second forward:

```iptables
*nat
# warning: [bypass]
-A PREROUTING -i eth0 -p tcp --dport 80 -d 203.0.113.2 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -i eth0 -p tcp --dport 25 -d 203.0.113.2 -j DNAT --to-destination 192.168.3.25
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -i eth0 -d 192.168.3.25/32 -m conntrack ! --ctstate DNAT,ESTABLISHED,RELATED -j DROP
COMMIT
```

Say it of the whole network.

## Precision

In a policy, found once for each outside zone, when no rule takes a stranger's packet to a server
with a private address.  Whether a filter drops it a policy does not tell: where one does, say so in
an `allow`.  The servers of networks with an `owner` are left to that program.  In a dump, found for
each forward of what comes by an interface by which private addresses are let out to everywhere,
when the filter table is there and lets the packet pass wherever it may let pass what was forwarded,
whatever opaque matches say.  Off unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.bypassing import in_dump, in_policy
from natc.lint.subject import Subject

_HELP = (
    "drop in FORWARD what comes from outside for private addresses and was not translated: "
    "`-m conntrack ! --ctstate DNAT,ESTABLISHED,RELATED`"
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each outside zone of a policy, or for each forward of a dump."""
    for rule, packet in in_dump(subject) if subject.is_dump else in_policy(subject):
        yield Diagnostic(
            "NAT414",
            "a server can be reached from outside by its own address",
            Label(rule.origin, "no rule takes what comes for the server itself"),
            witness=packet,
            help=_HELP,
        )
