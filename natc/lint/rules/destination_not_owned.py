"""The address that a destination rule asks for is nobody's here.

## Why it matters

Packets come to the gateway for addresses that it answers for or that are routed to it.  A rule for
another address in the zone outside waits for packets that never come: an alias was forgotten, or
the address is a typing error.

## Example

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.5 }; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 to 203.0.113.5 -> 192.168.3.10
port-forward tcp/81 to 203.0.113.6 -> 192.168.3.10       # warning: [destination-not-owned]
static 192.168.3.11 <-> 198.51.100.7 on wan              # warning: [destination-not-owned]
snat from lan out wan -> 203.0.113.2
```

Declare the address in the zone, or say in an `allow` how packets for it come here: by proxy ARP, or
since the provider routes it.

## Precision

Found when a rule takes packets that come from outside for an address that is neither the gateway's
own nor in the subnet of another place than the one they come from.  Sets of more than half of all
addresses, such as `to not lan`, and rules for packets from inside zones only are no claim that the
address is here.

private-leak (NAT402) tells which zones are outside.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.answers import ordinarily_left
from natc.lint.forwards import forwards, restricted
from natc.lint.ordinary import shown
from natc.lint.sides import Sides, is_wide, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that asks for a foreign address."""
    for family, known in sides(subject).items():
        for position, rule in forwards(subject, family):
            for packets in _foreign(rule, known):
                left = ordinarily_left(subject, (family, Hook.PREROUTING), position, packets)
                if left is not None:
                    yield Diagnostic(
                        "NAT403",
                        "the address of a destination rule belongs to no zone",
                        Label(
                            rule.origin, "packets for it come here only if routed or answered for"
                        ),
                        witness=shown(subject, family, left),
                        help="add it to a zone's `address`, or `allow` with how packets come",
                    )
                    break


def _foreign(rule: Rule, known: Sides) -> Iterator[Box]:
    """Yield the packets of a rule that come from outside for an address that is not here."""
    for box in rule.match.boxes:
        asked = box.sets[Field.DESTINATION]
        if asked is None or is_wide(asked, known.family):
            continue
        if asked.size == 1 and known.owns_one_of(asked):
            continue
        for outside in known.outside:
            arriving = {
                Field.IN_INTERFACE: outside.interfaces,
                Field.DESTINATION: asked - known.reached_from(outside),
                Field.SOURCE: box.sets[Field.SOURCE] or known.abroad,
            }
            packets = restricted(box, arriving)
            if packets is not None:
                yield packets
