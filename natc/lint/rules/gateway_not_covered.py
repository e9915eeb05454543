"""The gateway itself does not reach a forwarded service by its public address.

## Why it matters

What the gateway sends does not pass PREROUTING: a check of the service that runs on the gateway, or
a proxy there, meets the gateway's own port.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10            # note: [gateway-not-covered]
port-forward tcp/81 on wan -> 192.168.3.10 hairpin
```

`hairpin` covers the gateway as well.

## Precision

Found for rules for the gateway's own addresses, when nothing takes what the gateway sends there.
Rules that no packet reaches, and those that lead to the gateway itself, are left alone.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.forwards import forwards, left_for, servers
from natc.lint.one_to_one import one_to_one
from natc.lint.ordinary import shown
from natc.lint.sides import Sides, is_wide, sides
from natc.lint.subject import Subject
from natc.packet import Packet

_HERE = point(0)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward that the gateway does not meet."""
    for family, known in sides(subject).items():
        for position, rule in forwards(subject, family):
            if subject.relations[family, Hook.PREROUTING].is_dead(position):
                continue  # NAT101 and others tell it.
            if all(server.addresses <= known.own for server in servers(rule.action)):
                continue  # The service is the gateway's, which reaches it as it is.
            packet = _missed(subject, family, rule, known)
            if packet is not None:
                yield Diagnostic(
                    "NAT409",
                    "the gateway itself does not reach a forwarded service",
                    Label(rule.origin, "not for what the gateway sends"),
                    witness=packet,
                    help="add a `dnat` with `in local`"
                    if rule.origin in one_to_one(subject)
                    else "add `hairpin`, or a rule `in local`",
                )


def _missed(subject: Subject, family: Family, rule: Rule, known: Sides) -> Packet | None:
    """Return a packet of the gateway to the service that no rule takes."""
    for box in rule.match.boxes:
        asked, source = box.sets[Field.DESTINATION], box.sets[Field.SOURCE]
        own = None if is_wide(asked, family) or asked is None else asked & known.own
        if own and source is None and not box.conditions:
            sent = Box.of(
                {
                    **dict(box.restricted()),
                    Field.IN_INTERFACE: _HERE,
                    Field.SOURCE: own,
                    Field.DESTINATION: own,
                    Field.LOCAL_DESTINATION: point(1),
                }
            )
            left = left_for(subject, (family, Hook.OUTPUT), None, sent)
            if left is not None:
                return shown(subject, family, left.having(Field.USER, None))
    return None
