"""A range that is mapped to a smaller one.

## Why it matters

The kernel counts modulo the size of the target: hosts, or ports, of the wider range fall on one
another, silently.

## Example

```nat
static 192.168.3.0/24 <-> 203.0.113.0/28  # error: [range-size-mismatch]
static 192.168.3.0/28 <-> 203.0.113.0/28
```

```iptables
*nat
# error: [range-size-mismatch]
-A PREROUTING -i eth0 -d 203.0.113.0/24 -j NETMAP --to 192.168.3.0/28
-A PREROUTING -i eth1 -d 203.0.113.0/28 -j NETMAP --to 192.168.3.0/28
# error: [range-size-mismatch]
-A PREROUTING -p tcp --dport 8000:8010 -j DNAT --to-destination 192.168.3.10:9000-9009/8000
COMMIT
```

## Precision

Exact for what the rule itself names.  A part of a network that is mapped into a whole one keeps its
hosts apart, and is not reported; nor is a rule that names no addresses, or no ports, at all.
Nothing is said of a rule that no packet reaches.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Dnat, Netmap, Side
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.coming import witness
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each mapping to fewer addresses or ports."""
    for rule in subject.policy.rules:
        match rule.action:
            case Netmap(side, network):
                is_source = side is Side.SOURCE
                field = Field.SOURCE if is_source else Field.DESTINATION
                yield from _narrowed(subject, rule, field, network)
            case Dnat(ports=IntervalSet() as ports, shift_from=int()):
                yield from _narrowed(subject, rule, Field.DESTINATION_PORT, ports)


def _narrowed(
    subject: Subject, rule: Rule, field: Field, target: IntervalSet
) -> Iterator[Diagnostic]:
    for box in rule.match.boxes:
        asked = box.get(field)
        if asked is None or asked.size <= target.size:
            continue
        packet = witness(subject, rule)
        if packet is not None:  # Else rules above take them all.
            what = "ports" if field is Field.DESTINATION_PORT else "addresses"
            yield Diagnostic(
                "NAT302",
                f"{asked.size} {what} to {target.size}",
                Label(rule.origin, "several fall on one"),
                witness=packet,
                help="give both sides the same size",
            )
            return
