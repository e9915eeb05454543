"""A transparent proxy that can be reached from outside.

## Why it matters

A proxy that serves strangers is found within days, and what they do with it carries the gateway's
address.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

transparent-proxy tcp/80 in lan to not lan -> :3128
transparent-proxy tcp/8080 -> :3128                                  # error: [open-proxy]
transparent-proxy tcp/443 -> 127.0.0.1:3129 tproxy mark 0x1/0x1      # error: [open-proxy]
transparent-proxy tcp/8443 on wan -> :443
masquerade from lan out wan
```

Say `in lan`.

## Precision

Found when a packet from an address in the internet that comes by an outside zone is handed to the
proxy, by a rule that is not for the gateway's own addresses alone: such a one is for a service of
the gateway on another port.

private-leak (NAT402) tells which zones are outside.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, Redirect, Tproxy
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import point
from natc.ir.space import Box
from natc.lint.answers import ordinarily_left
from natc.lint.forwards import restricted
from natc.lint.ordinary import shown
from natc.lint.sides import Sides, sides
from natc.lint.subject import Subject

_DIVERTING = (Redirect, Tproxy)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each diversion that strangers can reach."""
    for family, known in sides(subject).items():
        for hook in (Hook.DIVERT, Hook.PREROUTING) if known.outside else ():
            for position, rule in enumerate(subject.rules.get((family, hook), ())):
                if not isinstance(rule.action, _DIVERTING):
                    continue
                asked = [_from_strangers(box, known) for box in rule.match.boxes]
                left = [
                    box and ordinarily_left(subject, (family, hook), position, box) for box in asked
                ]
                packets = next((box for box in left if box is not None), None)
                if packets is not None:
                    yield Diagnostic(
                        "NAT602",
                        "a transparent proxy can be reached from outside",
                        Label(rule.origin, f"also from `{known.outside[0].name}`"),
                        related=tuple(
                            Label(side.origin, "lies outside") for side in known.outside[:1]
                        ),
                        witness=shown(subject, family, packets),
                        help="say `in` for the zones that the proxy is for",
                    )


def _from_strangers(box: Box, known: Sides) -> Box | None:
    """Return what hosts in the internet can send to a diversion."""
    asked = box.sets[Field.DESTINATION]
    if box.sets[Field.LOCAL_DESTINATION] is not None or (asked is not None and asked <= known.own):
        return None
    strangers = {
        Field.IN_INTERFACE: known.outside_interfaces,
        Field.SOURCE: known.abroad,
        Field.USER: point(NO_USER),
    }
    return restricted(box, strangers)
