"""A translation to what the packet has already.

## Why it matters

Such a rule changes nothing, and most likely one of its addresses is a slip.  It does end the
look-up, so it can be there to keep packets from the rules below; `exempt`, or `-j ACCEPT`, says
that outright.

## Example

```nat
dnat tcp/80 to 192.168.3.10 in eth0 -> 192.168.3.10  # warning: [no-op-translation]
snat from 203.0.113.2 out eth0 -> 203.0.113.2  # warning: [no-op-translation]
dnat tcp/80 to 203.0.113.2 in eth0 -> 192.168.3.10
```

```iptables
*nat
# warning: [no-op-translation]
-A PREROUTING -d 192.168.3.10 -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10:80
-A PREROUTING -d 192.168.3.10 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10:80
# warning: [no-op-translation]
-A POSTROUTING -s 203.0.113.0/28 -j NETMAP --to 203.0.113.0/28
COMMIT
```

## Precision

Exact for what the rule itself names: reported if it changes no packet.  Nothing is said of a rule
that no packet reaches.
"""

from collections.abc import Iterable, Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Dnat, Netmap, PortChoice, Side, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.space import Box
from natc.lint.coming import witness
from natc.lint.subject import Subject

_Translation = Snat | Dnat | Netmap


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each translation that changes nothing."""
    for rule in subject.policy.rules:
        action = rule.action
        if not isinstance(action, _Translation) or not _keeps(action, rule.match.boxes):
            continue
        packet = witness(subject, rule)
        if packet is None:
            continue  # Rules above take them all.
        yield Diagnostic(
            "NAT308",
            "a translation that changes nothing",
            Label(rule.origin, "packets have this address already"),
            witness=packet,
            help=f"`{'-j ACCEPT' if subject.is_dump else 'exempt'}` keeps packets from the rules "
            "below",
        )


def _keeps(action: _Translation, boxes: Iterable[Box]) -> bool:
    """Whether every packet of `boxes` stays as it is."""
    if isinstance(action, Netmap):
        field = Field.SOURCE if action.side is Side.SOURCE else Field.DESTINATION
        return all(_within(box, field, action.network) for box in boxes)
    is_source = isinstance(action, Snat)
    field = Field.SOURCE if is_source else Field.DESTINATION
    port_field = Field.SOURCE_PORT if is_source else Field.DESTINATION_PORT
    pool, ports = action.addresses, action.ports
    for box in boxes:
        if not _within(box, field, pool):
            return False
        if ports is not None and not _within(box, port_field, ports):
            return False
    # Of a pool, the kernel keeps a source, but not a destination.
    is_kept = is_source or (pool.size == 1 and not _shifts(action))
    return is_kept and action.port_choice is PortChoice.KEEP


def _shifts(action: Snat | Dnat) -> bool:
    return isinstance(action, Dnat) and action.shift_from is not None


def _within(box: Box, field: Field, values: IntervalSet) -> bool:
    asked = box.sets[field]
    return (
        asked is not None
        and values.ranges[0][0] <= asked.ranges[0][0]
        and asked.ranges[-1][1] <= values.ranges[-1][1]
        and asked <= values
    )
