"""A list of ports that takes more than one kernel rule.

## Why it matters

A multiport match holds 15 ports, of which a range counts for two.  Longer lists are split, so that
one statement becomes several rules, each with its own counters.

## Example

```nat
service low = { tcp/1, tcp/3, tcp/5, tcp/7, tcp/9, tcp/11, tcp/13, tcp/15 }
service high = { tcp/17, tcp/19, tcp/21, tcp/23, tcp/25, tcp/27, tcp/29, tcp/31 }
dnat { low, high } in eth0 -> 192.168.3.10  # note: [multiport-split]
dnat { tcp/1-15, tcp/17 } in eth1 -> 192.168.3.10
```

## Precision

Exact for iptables, on policies.  Off unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.subject import Subject

_SLOTS = 15
"""Source: linux/netfilter/xt_multiport.h, XT_MULTI_PORTS."""

_PORTS = (Field.SOURCE_PORT, Field.DESTINATION_PORT)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each statement whose ports do not fit into one match."""
    if subject.is_dump:
        return
    for rule in subject.policy.rules:
        slots = _most_slots(rule)
        if slots > _SLOTS:
            yield Diagnostic(
                "NAT205",
                "more ports than one kernel rule takes",
                Label(rule.origin, f"{slots} places, of {_SLOTS}: split into several rules"),
                help="a range counts for two, however long it is",
            )


def _most_slots(rule: Rule) -> int:
    most = 0
    for box in rule.match.boxes:
        for field in _PORTS:
            asked = box.sets[field]
            if asked is not None and len(asked.ranges) * 2 > _SLOTS:
                most = max(most, _slots(asked))
    return most


def _slots(asked: IntervalSet) -> int:
    return sum(1 if low == high else 2 for low, high in asked.ranges)
