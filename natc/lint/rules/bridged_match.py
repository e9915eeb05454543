"""A rule translates packets of a bridged or an isolated network.

## Why it matters

Guests of an isolated network are to reach nobody outside, guests of a bridged one are to be seen
as themselves.  A source rule without `from` lets the first out by accident; where frames of a
bridge pass the nat table (br_netfilter, which Docker loads), it hides the others from their own
neighbours.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
network lab { bridge labbr0; subnet 192.168.50.0/24; forward isolated }
network guests { bridge virbr0; subnet 192.168.122.0/24; forward nat }

port-forward tcp/80 on wan -> 192.168.50.10          # warning: [bridged-match]
masquerade tcp out wan                               # warning: [bridged-match]
masquerade from guests out wan
```

## Precision

Found when a packet from a host of an isolated network that leaves by another interface, or one
between hosts of a bridged network, gets another source, and when a rule sends packets to a host
of an isolated network.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Network, Rule
from natc.lint.answers import arriving_at, sent_out
from natc.lint.forwards import forwards, servers
from natc.lint.sides import TRANSLATING_SOURCE, Side, Sides, sides
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.simulate.site import EVERY_INTERFACE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that touches such a network."""
    for family, known in sides(subject).items():
        for side in known.inside:
            way = side.place.forward if isinstance(side.place, Network) else None
            if way == "isolated":
                yield from _entered(subject, known, side)
            if way in ("isolated", "bridge"):
                rules = subject.rules.get((family, Hook.POSTROUTING), ())
                for position, rule in enumerate(rules):
                    if isinstance(rule.action, TRANSLATING_SOURCE) and _may_meet(rule, side):
                        sets = _own_packets(side, is_isolated=way == "isolated")
                        packet = sent_out(subject, known, position, sets)
                        if packet is not None:
                            yield _finding(rule, side, packet)


def _entered(subject: Subject, known: Sides, side: Side) -> Iterator[Diagnostic]:
    for position, rule in forwards(subject, known.family):
        if any(server.addresses <= side.hosts for server in servers(rule.action)):
            packet = arriving_at(subject, known, position)
            if packet is not None:
                yield _finding(rule, side, packet)


def _may_meet(rule: Rule, side: Side) -> bool:
    for box in rule.match.boxes:
        source, asked = box.sets[Field.SOURCE], box.sets[Field.TRANSLATED]
        if asked is None and (source is None or source & side.subnet):
            return True
    return False


def _own_packets(side: Side, *, is_isolated: bool) -> dict[Field, IntervalSet]:
    """Return packets of a network that nothing is to translate."""
    sets = {Field.IN_INTERFACE: side.interfaces, Field.SOURCE: side.hosts}
    if is_isolated:
        return sets | {Field.OUT_INTERFACE: EVERY_INTERFACE - side.interfaces}
    return sets | {Field.OUT_INTERFACE: side.interfaces, Field.DESTINATION: side.hosts}


def _finding(rule: Rule, side: Side, packet: Packet) -> Diagnostic:
    return Diagnostic(
        "NAT413",
        "a rule translates packets of a bridged or isolated network",
        Label(rule.origin, f"touches `{side.name}`"),
        related=(Label(side.origin, "is not to be translated"),),
        witness=packet,
        help=f"leave it out: `from not {side.name}`, or an `exempt from {side.name}` above",
    )
