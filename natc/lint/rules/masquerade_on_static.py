"""Masquerading where the address is fixed.

## Why it matters

`masquerade` looks for the interface's address for each connection, and forgets all connections when
the interface goes down for a moment.  With a fixed address, `snat` does neither.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

masquerade tcp from lan out wan              # note: [masquerade-on-static]
snat from lan out wan -> 203.0.113.2
```

## Precision

Found when a rule leaves by a single zone that declares one fixed address of the family.  What a
`network` writes is libvirt's way and stays.
"""

from collections.abc import Iterator

from natc.address import text_of
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Masquerade
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.sides import Side, Sides, is_open, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each masquerading to a fixed address."""
    for family, known in sides(subject).items():
        ways: dict[IntervalSet | None, Side | None] = {}
        for rule in subject.rules.get((family, Hook.POSTROUTING), ()):
            side = _fixed(rule, known, ways) if isinstance(rule.action, Masquerade) else None
            if side is not None:
                yield Diagnostic(
                    "NAT309",
                    "masquerading where the address is fixed",
                    Label(rule.origin, f"`{side.name}` always has one address"),
                    related=(Label(side.origin, "declares it"),),
                    help=f"`snat … -> {text_of(family, side.own.first)}`",
                )


def _fixed(rule: Rule, known: Sides, ways: dict[IntervalSet | None, Side | None]) -> Side | None:
    """Return the side by which all packets of a rule leave, if its one address is fixed."""
    out = rule.match.boxes[0].sets[Field.OUT_INTERFACE]
    if out not in ways:
        sides_ = [] if is_open(out) else list(known.by(out))
        side = sides_[0] if len(sides_) == 1 else None
        is_fixed = side is not None and not side.is_dynamic and side.own.size == 1
        ways[out] = side if is_fixed else None
    return ways[out]
