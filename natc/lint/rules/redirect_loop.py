"""The gateway's own connections are sent to a proxy on it, those of the proxy included.

## Why it matters

The proxy asks the server, its packets pass OUTPUT like all others, and are sent back to the proxy,
which asks the server: until it has no sockets left.

## Example

```nat
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
transparent-proxy tcp/80 in { lan, local } to not lan -> :3128  # error: [redirect-loop]
transparent-proxy tcp/81 in { lan, local } to not lan -> :3129 except user proxy
```

```iptables
*nat
:PROXY - [0:0]
# error: [redirect-loop]
-A OUTPUT ! -o lo -p tcp --dport 80 -j REDIRECT --to-ports 3128
-A OUTPUT -p tcp --dport 81 -j PROXY
-A PROXY -m owner --uid-owner 13 -j RETURN
-A PROXY -p tcp -j REDIRECT --to-ports 3129
COMMIT
```

Leave the proxy out: by its user, or by a mark that it sets on its sockets.

## Precision

Reported only where nothing at all tells the proxy's packets apart: no user, mark, source or way
out, no exempted address but the gateway's own and those of its zones, no match that natc cannot
read, in the rule or above it.  Of a dump, natc knows no address but the loopback's.  Port 53 alone
is not reported: what answers there often asks by another protocol.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Dnat, Hook, Note, Redirect, SetMark, Untrack
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.coming import coming, witness
from natc.lint.subject import Subject
from natc.simulate.site import LOOPBACK_NET

_GOING_ON = (Note, SetMark, Untrack)
_DNS = point(53)
_TELLING = (Field.USER, Field.SOURCE, Field.SOURCE_PORT)
_INTERFACES = universe(Field.OUT_INTERFACE, Family.IPV4)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that sends the proxy's connections to the proxy."""
    for family in Family:
        rules = subject.rules.get((family, Hook.OUTPUT), [])
        if any(isinstance(rule.action, Redirect | Dnat) for rule in rules):
            yield from _loops(subject, family, rules)


def _loops(subject: Subject, family: Family, rules: list[Rule]) -> Iterator[Diagnostic]:
    near = _near(subject, family)
    taken: list[Box] = []
    for rule in rules:
        boxes, action = coming(subject, rule), rule.action
        if isinstance(action, _GOING_ON):
            continue  # What it means for the rules below, `coming` tells.
        if not (
            (isinstance(action, Dnat) and action.addresses <= near) or isinstance(action, Redirect)
        ):
            taken += [box for box in boxes if not _is_near(box, near)]
            continue
        all_of_it = [
            box
            for box in boxes
            if _takes_all(box, near, family) and not any(box & other for other in taken)
        ]
        packet = witness(subject, rule, all_of_it[0]) if all_of_it else None
        if packet is not None:
            yield Diagnostic(
                "NAT307",
                "the proxy's own connections are sent to the proxy",
                Label(rule.origin, "takes what the proxy sends as well"),
                witness=packet,
                help="except the proxy's user: "
                + ("`-m owner ! --uid-owner proxy`" if subject.is_dump else "`except user proxy`"),
            )


def _near(subject: Subject, family: Family) -> IntervalSet:
    """Return the addresses where no server is that a proxy asks."""
    found = LOOPBACK_NET[family]
    for zone in subject.policy.zones:
        found |= zone.subnet.of(family)
    return found | (subject.site(family).own or found)


def _is_near(box: Box, near: IntervalSet) -> bool:
    """Whether packets stay at the gateway anyway."""
    to = box.get(Field.DESTINATION)
    return (
        (to is not None and to <= near)
        or box.get(Field.OUT_INTERFACE) == interface("lo")
        or box.get(Field.LOCAL_DESTINATION) == point(1)
    )


def _takes_all(box: Box, near: IntervalSet, family: Family) -> bool:
    """Whether packets of every process to servers everywhere are in `box`."""
    if box.conditions or any(box.get(field) is not None for field in _TELLING):
        return False
    to = box.get(Field.DESTINATION) or universe(Field.DESTINATION, family)
    out = box.get(Field.OUT_INTERFACE) or _INTERFACES
    port = box.get(Field.DESTINATION_PORT)
    return (
        universe(Field.DESTINATION, family) - to <= near
        and _INTERFACES - out <= interface("lo") | point(0)
        and box.get(Field.LOCAL_DESTINATION) != point(1)
        and (port is None or bool(port - _DNS))
    )
