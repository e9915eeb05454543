"""What goes to a tunnel's network gets another source on the way.

## Why it matters

The other end of a tunnel knows the networks on both sides, and IPsec takes only packets between
them.  With the gateway's outside address as their source, packets miss the tunnel and go out in
the clear, or arrive where nobody knows who asks.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone branch { interface eth0; subnet 10.8.0.0/16 }          # by IPsec

snat from lan out wan -> 203.0.113.2                         # warning: [tunnel-translated]
```

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone branch { interface eth0; subnet 10.8.0.0/16 }

exempt from lan to branch
snat from lan out wan -> 203.0.113.2
```

## Precision

Exact for zones with a private subnet that share an interface with an outside zone (IPsec without
an interface of its own) or whose interfaces are named like a tunnel's (`tun`, `wg`, `ipsec`,
`vti`, `xfrm`, `gre`, `sit`, `ipip`, `ip6tnl`), and packets from another place inside.  A rule
that names the tunnel's own interface, its network, or every other way (`out not lan`, `to not
lan`) means it.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule, Zone
from natc.lint.answers import sent_out
from natc.lint.sides import PRIVATE, TRANSLATING_SOURCE, Side, Sides, sides
from natc.lint.subject import Subject

_NAMES = ("tun", "wg", "ipsec", "vti", "xfrm", "gre", "sit", "ipip", "ip6tnl")

Sets = dict[Field, IntervalSet]


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each source rule that translates what a tunnel is to take."""
    for family, known in sides(subject).items():
        tunnels = [side for side in known.inside if _is_tunnel(side, known)]
        rules = subject.rules.get((family, Hook.POSTROUTING), ()) if tunnels else ()
        for position, rule in enumerate(rules):
            if not isinstance(rule.action, TRANSLATING_SOURCE):
                continue
            for tunnel, sets in _taken(rule, tunnels, known):
                packet = sent_out(subject, known, position, sets)
                if packet is not None:
                    yield Diagnostic(
                        "NAT412",
                        "packets to a tunnel's network get another source",
                        Label(rule.origin, f"also on the way to `{tunnel.name}`"),
                        related=(Label(tunnel.origin, "is reached by a tunnel"),),
                        witness=packet,
                        help=f"put `exempt … to {tunnel.name}` above it",
                    )
                    break


def _is_tunnel(side: Side, known: Sides) -> bool:
    place = side.place
    if not isinstance(place, Zone) or not side.subnet or not side.subnet <= PRIVATE[known.family]:
        return False
    return _is_shared(side, known) or all(name.startswith(_NAMES) for name in place.interfaces)


def _is_shared(side: Side, known: Sides) -> bool:
    return bool(side.interfaces & known.outside_interfaces)


def _taken(rule: Rule, tunnels: list[Side], known: Sides) -> Iterator[tuple[Side, Sets]]:
    """Yield what a rule takes on its way to a tunnel without naming it, by tunnel and sender."""
    for box in rule.match.boxes:
        out, to = box.sets[Field.OUT_INTERFACE], box.sets[Field.DESTINATION]
        for tunnel in tunnels:
            is_named = out is not None and not (
                _is_shared(tunnel, known) and tunnel.interfaces <= out
            )
            for home in known.inside if to is None and not is_named else ():
                if home is not tunnel:
                    yield (
                        tunnel,
                        {
                            Field.IN_INTERFACE: home.interfaces,
                            Field.OUT_INTERFACE: tunnel.interfaces,
                            Field.SOURCE: home.hosts,
                            Field.DESTINATION: tunnel.hosts,
                        },
                    )
