"""A range of source ports holds the port of a forward on the same address.

## Why it matters

A connection from inside may leave with the forwarded port as its source.  A client outside that is
also a server then meets the one or the other, and what is logged under the port is no longer the
service alone.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/8080 on wan -> 192.168.3.10 hairpin
snat tcp from lan out wan -> 203.0.113.2:8000-8999      # warning: [masq-port-overlap]
snat udp from lan out wan -> 203.0.113.2:8000-8999
```

Keep the ports of services out of the range.

## Precision

Exact for ranges that a rule names, on addresses and zones that both rules have in common.  What a
`network` writes has libvirt's range and is left alone.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Masquerade, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.forwards import forwards
from natc.lint.sides import Sides, sides
from natc.lint.subject import Subject

_WITH_PORTS = (Masquerade, Snat)

Services = list[tuple[IntervalSet, IntervalSet, IntervalSet | None, Rule]]
"""The public addresses, ports and protocols of forwards."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each range with a forwarded port."""
    networks = {network.origin for network in subject.policy.networks}
    for family, known in sides(subject).items():
        services: Services | None = None
        for rule in subject.rules.get((family, Hook.POSTROUTING), ()):
            action = rule.action
            if not isinstance(action, _WITH_PORTS) or action.ports is None:
                continue
            if rule.origin in networks:
                continue
            if services is None:
                services = list(_services(subject, known))
            other = _overlapping(rule, action.ports, services, known)
            if other is not None:
                yield Diagnostic(
                    "NAT311",
                    "a range of source ports holds the port of a forward",
                    Label(rule.origin, "may take it for connections from inside"),
                    related=(Label(other.origin, "forwards the port"),),
                    help="leave the port out of the range",
                )


def _services(
    subject: Subject, known: Sides
) -> Iterator[tuple[IntervalSet, IntervalSet, IntervalSet | None, Rule]]:
    for _, rule in forwards(subject, known.family):
        for box in rule.match.boxes:
            asked, ports = box.sets[Field.DESTINATION], box.sets[Field.DESTINATION_PORT]
            if asked is None and box.sets[Field.LOCAL_DESTINATION] is not None:
                arriving = known.by(box.sets[Field.IN_INTERFACE])
                asked = IntervalSet.of(r for side in arriving for r in side.own.ranges)
            if asked and ports:
                yield asked, ports, box.sets[Field.PROTOCOL], rule


def _overlapping(rule: Rule, ports: IntervalSet, services: Services, known: Sides) -> Rule | None:
    """Return a forward of one of the ports, on an address that the rule gives."""
    for box in rule.match.boxes:
        if isinstance(rule.action, Snat):
            given = rule.action.addresses
        else:
            ways = known.by(box.sets[Field.OUT_INTERFACE])
            given = IntervalSet.of(r for side in ways for r in side.own.ranges)
        protocols = box.sets[Field.PROTOCOL]
        for asked, forwarded, theirs, other in services:
            is_same = protocols is None or theirs is None or protocols & theirs
            if forwarded & ports and asked & given and is_same:
                return other
    return None
