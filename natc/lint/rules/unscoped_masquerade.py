"""A source rule that also translates what stays inside.

## Why it matters

Without `out`, packets are translated wherever they leave: to a VPN, to another network inside,
back into the network that they came from, over the loopback.  Hosts there see the gateway in
place of each other, and whatever asks for the client's address, such as access lists and logs, is
wrong.

## Example

```nat
zone wan { interface eth0; address dynamic }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

masquerade udp from lan to not lan
snat tcp from lan to not 10.0.0.0/8 -> 203.0.113.2  # error: [unscoped-masquerade]
masquerade icmp from lan out wan
masquerade from lan                                 # error: [unscoped-masquerade]
```

```iptables
*nat
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE
# error: [unscoped-masquerade]
-A POSTROUTING -s 192.168.1.0/24 -j MASQUERADE
# error: [unscoped-masquerade]
-A POSTROUTING -j MASQUERADE
COMMIT
```

Say `out ZONE`.  `out not lan` and `to not lan`, as Docker and libvirt have it, say every other
way.

## Precision

Found when the rule takes packets from a network to itself, unless it names a way out or the few
destinations that it is for; without a source, when it takes everything.  Packets with marks,
ipsets or other opaque matches, and those that a rule translated before (`hairpin`), are meant as
they are. So are, in a dump, `-s` with SNAT, and a `static` without `on`.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.lint.one_to_one import one_to_one
from natc.lint.sides import sides
from natc.lint.staying import GIVING_ADDRESSES, staying
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each source rule that translates what stays inside."""
    for (family, hook), rules in subject.rules.items():
        known = sides(subject).get(family)
        for position, rule in enumerate(rules if hook is Hook.POSTROUTING else ()):
            if not isinstance(rule.action, GIVING_ADDRESSES):
                continue
            packet = next(staying(subject, known, position, rule), None)
            if packet is not None and rule.origin not in one_to_one(subject):
                yield Diagnostic(
                    "NAT406",
                    "a source rule translates what stays inside",
                    Label(rule.origin, "wherever the packets leave"),
                    witness=packet,
                    help="say `-o INTERFACE`, or `! -d` the network itself"
                    if subject.is_dump
                    else "say `out ZONE`, or `to not` the network itself",
                )
