"""A source rule gives an address that the gateway does not have where the packets leave.

## Why it matters

Answers go to the new address.  If the gateway does not have it on that side, nobody there answers
the ARP request for it, and no connection comes to be, unless proxy ARP or a route is set up.

## Example

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.16-203.0.113.23 } }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone guest { interface wlan0; address 192.168.5.1; subnet 192.168.5.0/24 }

snat from lan out wan -> 203.0.113.16-203.0.113.24 persistent    # warning: [source-not-owned]
snat from guest out wan -> 203.0.113.2
```

Declare the address in the zone that the packets leave by, or say in an `allow` how answers come
here.

## Precision

Exact for zones that declare addresses.  A public address of the gateway on an inside interface
counts as one that is routed here; inside, every address of the gateway does.  A rule without
`out` is looked at where it leaves by an outside zone.  Of a `static`, whose outside address must
reach the gateway in the other direction as well, destination-not-owned (NAT403) tells.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.answers import sent_out
from natc.lint.one_to_one import one_to_one
from natc.lint.sides import Side, Sides, sides
from natc.lint.subject import Subject

Owned = dict[IntervalSet | None, list[tuple[Side, IntervalSet]]]
"""By ways out, the sides there, with the addresses that answers find from each."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule with an address that is not where its packets leave."""
    for family, known in sides(subject).items():
        place = family, Hook.POSTROUTING
        owned: Owned = {}
        for position, rule in enumerate(subject.rules.get(place, ())):
            side = _lacking(rule, known, owned)
            if side is None or rule.origin in one_to_one(subject):
                continue
            packet = sent_out(subject, known, position, {Field.OUT_INTERFACE: side.interfaces})
            if packet is not None:
                yield Diagnostic(
                    "NAT404",
                    "a source rule gives an address that is not the gateway's where packets leave",
                    Label(rule.origin, f"`{side.name}` does not have all of it"),
                    related=(Label(side.origin, "declares other addresses"),),
                    witness=packet,
                    help="add it to the zone's `address`, or `allow` with how answers come here",
                )


def _lacking(rule: Rule, known: Sides, owned: Owned) -> Side | None:
    """Return a side by which the rule's packets leave and that lacks an address, if any does."""
    if not isinstance(rule.action, Snat):
        return None
    given = rule.action.addresses
    for box in rule.match.boxes:
        out = box.sets[Field.OUT_INTERFACE]
        if out not in owned:
            ways = known.outside if out is None else known.by(out)
            declaring = [side for side in ways if side.own and not side.is_dynamic]
            owned[out] = [(side, known.answered_on(side)) for side in declaring]
        for side, addresses in owned[out]:
            if not given <= addresses:
                return side
    return None
