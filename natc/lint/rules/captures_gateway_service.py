"""Destination rules take the gateway's own ssh, wherever it is asked for.

## Why it matters

When packets for tcp/22 of every inside address of the gateway are sent to another host, nobody
inside can log in on the gateway any more: the next mistake has to be mended at its console.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/22 on wan -> 192.168.3.10 hairpin
dnat tcp to 192.168.3.1 -> 192.168.3.10           # error: [captures-gateway-service]
```

Take 22 out of the ports, or name the address outside that the rule is for: to forward that one's
tcp/22 is no finding.

## Precision

Found when all packets to tcp/22 of all of the gateway's addresses inside, from the hosts beside
them, are turned to other hosts.  A policy without such addresses tells nothing.  Whether the
gateway listens there, or on another port, natc does not know.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.ir.stack import NotDecided
from natc.lint.forwards import forwards, left_for, servers
from natc.lint.ordinary import shown
from natc.lint.sides import Side, Sides, sides
from natc.lint.subject import Subject
from natc.packet import PROTOCOLS

_TCP = point(PROTOCOLS["tcp"])
_SSH = point(22)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for the first rule of those that leave no way in."""
    for family, known in sides(subject).items():
        doors = [_door(side) for side in known.inside if side.own and side.hosts]
        takers = [one for one in forwards(subject, family) if _may_take(one[1], doors, known)]
        if not doors or not takers or any(_is_open(subject, known, door, takers) for door in doors):
            continue
        position, rule = takers[0]
        place = family, Hook.PREROUTING
        seen = [left_for(subject, place, position, met) for met in _met(rule, doors)]
        packet = next((left for left in seen if left is not None), None)
        if packet is not None:
            yield Diagnostic(
                "NAT312",
                "destination rules take the gateway's own ssh, wherever it is asked for",
                Label(rule.origin, "sends it to another host"),
                related=tuple(Label(other.origin, "and this") for _, other in takers[1:4]),
                witness=shown(subject, family, packet),
                help="leave tcp/22 of one of the gateway's addresses inside alone",
            )


def _door(side: Side) -> Box:
    """Return what hosts of a side send to the gateway's ssh."""
    return Box.of(
        {
            Field.IN_INTERFACE: side.interfaces,
            Field.SOURCE: side.hosts,
            Field.DESTINATION: side.own,
            Field.PROTOCOL: _TCP,
            Field.DESTINATION_PORT: _SSH,
            Field.LOCAL_DESTINATION: point(1),
            Field.USER: point(NO_USER),
        }
    )


def _met(rule: Rule, doors: list[Box]) -> Iterator[Box]:
    for door in doors:
        for box in rule.match.boxes:
            both = box & door
            if both is not None:
                yield both


def _may_take(rule: Rule, doors: list[Box], known: Sides) -> bool:
    for box in rule.match.boxes:
        ports = box.sets[Field.DESTINATION_PORT]
        if ports is not None and 22 not in ports:
            return False
    ends = servers(rule.action)
    return any(_met(rule, doors)) and not any(end.addresses & known.own for end in ends)


def _is_open(subject: Subject, known: Sides, door: Box, takers: list[tuple[int, Rule]]) -> bool:
    """Whether some packet to a door is not taken, or by a rule that does not turn it away."""
    turned = {position for position, _ in takers}
    place = known.family, Hook.PREROUTING
    if left_for(subject, place, None, door) is not None:
        return True
    try:
        cover = subject.relations[place].stack.cover((door,), len(subject.rules[place]))
    except NotDecided:  # `left_for` has said so.
        return True
    return not turned.issuperset(cover.by)
