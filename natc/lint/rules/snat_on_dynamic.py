"""A fixed source address on an interface whose address changes.

## Why it matters

When the provider gives the interface another address, packets keep leaving with the old one, and
answers go to somebody else.  `masquerade` takes the address that the interface has at the moment,
and forgets connections of the old one.

## Example

```nat
zone dsl { interface ppp+; address dynamic }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

masquerade udp from lan out dsl
snat from lan out dsl -> 203.0.113.2                   # warning: [snat-on-dynamic]
```

## Precision

Found when a rule that names the way out takes packets that leave by a zone with `address
dynamic`, and its address is none of the gateway's on an inside interface: such a one is routed
here, whatever address the line has.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.answers import sent_out
from natc.lint.sides import Side, Sides, is_open, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each fixed source on a dynamic side."""
    for family, known in sides(subject).items():
        changing = [side for side in known.all if side.is_dynamic]
        rules = subject.rules.get((family, Hook.POSTROUTING), ()) if changing else ()
        ways: dict[IntervalSet | None, Side | None] = {}
        for position, rule in enumerate(rules):
            side = _changing(rule, known, ways) if isinstance(rule.action, Snat) else None
            if side is None:
                continue
            sets = {Field.OUT_INTERFACE: side.interfaces}
            packet = sent_out(subject, known, position, sets)
            if packet is not None:
                yield Diagnostic(
                    "NAT310",
                    "a fixed source address on an interface whose address changes",
                    Label(rule.origin, f"`{side.name}` has no fixed address"),
                    related=(Label(side.origin, "declared `address dynamic`"),),
                    witness=packet,
                    help="`masquerade` takes the address that the interface has",
                )


def _changing(rule: Rule, known: Sides, ways: dict[IntervalSet | None, Side | None]) -> Side | None:
    """Return the dynamic side by which a rule's packets leave, if its address is not routed."""
    if not isinstance(rule.action, Snat):
        return None
    for box in rule.match.boxes:
        out = box.sets[Field.OUT_INTERFACE]
        if out not in ways:
            named = () if is_open(out) else known.by(out)
            ways[out] = next((side for side in named if side.is_dynamic), None)
        side = ways[out]
        if side is not None and not rule.action.addresses <= known.routed | side.own:
            return side
    return None
