"""A service is published in one family only.

## Why it matters

Names that have addresses of both families are tried in IPv6 first: clients wait for the family
that is missing, or find another machine there.

## Example

```nat
zone wan { interface eth0; address { 203.0.113.2, 2001:db8:0:1::2 } }
zone lan {
    interface eth1
    address { 192.168.3.1, fd00:3::1 }
    subnet { 192.168.3.0/24, fd00:3::/64 }
}

port-forward tcp/80 on wan -> 192.168.3.10
port-forward tcp/80 on wan -> fd00:3::10
port-forward tcp/25 on wan -> 192.168.3.25        # note: [v6-asymmetry]
```

## Precision

Found in a policy that forwards in both families, when nothing forwards a service's protocol and
ports in the other family, though outside zones have fixed addresses of it.  One-to-one
translations do not count as published.
"""

from collections.abc import Iterator

from natc.address import FAMILIES, Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Netmap
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.forwards import forwards
from natc.lint.one_to_one import one_to_one
from natc.lint.sides import sides
from natc.lint.subject import Subject

_SERVICE = (Field.PROTOCOL, Field.DESTINATION_PORT)

Service = tuple[IntervalSet | None, ...]


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward without a counterpart."""
    if set(sides(subject)) != set(FAMILIES):
        return
    published = {family: list(_published(subject, family)) for family in FAMILIES}
    for family, other in ((Family.IPV4, Family.IPV6), (Family.IPV6, Family.IPV4)):
        there = {service for service, _ in published[other]}
        has_address = any(
            side.own and not side.is_dynamic for side in sides(subject)[other].outside
        )
        for service, rule in published[family] if there and has_address else ():
            if service not in there and not any(_meet(service, one) for one in there):
                yield Diagnostic(
                    "NAT604",
                    "a service is published in one family only",
                    Label(rule.origin, f"nothing like it in {other}"),
                    help="name an address of both families, or write the other rule",
                )


def _published(subject: Subject, family: Family) -> Iterator[tuple[Service, Rule]]:
    """Yield what is forwarded from outside."""
    outside = sides(subject)[family].outside_interfaces
    for _, rule in forwards(subject, family):
        if isinstance(rule.action, Netmap) or rule.origin in one_to_one(subject):
            continue
        for box in rule.match.boxes:
            arriving = box.sets[Field.IN_INTERFACE]
            if arriving is None or arriving & outside:
                yield tuple(box.sets[field] for field in _SERVICE), rule


def _meet(one: Service, other: Service) -> bool:
    return all(a is None or b is None or a & b for a, b in zip(one, other, strict=True))
