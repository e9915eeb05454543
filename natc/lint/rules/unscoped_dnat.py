"""A destination rule that takes packets to any address.

## Why it matters

Without `to`, `in` and `from`, the rule takes every packet that comes by with its protocol and
port: also what a host inside sends to a server in the internet, which then never gets there.

## Example

```nat
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
dnat tcp/80 -> 192.168.3.10                    # error: [unscoped-dnat]
balance tcp/443 -> { 192.168.3.10, 192.168.3.11 }  # error: [unscoped-dnat]
dnat tcp/81 to 203.0.113.2 -> 192.168.3.10
dnat tcp/82 in eth0 -> 192.168.3.10
```

```iptables
*nat
# error: [unscoped-dnat]
-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -d 203.0.113.2 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 82 -j DNAT --to-destination 192.168.3.10
COMMIT
```

Say which address, or which way in, the rule is for.

## Precision

Found when a packet from a host inside to an address that is not the gateway's comes to the rule,
and no place, mark, ipset or other opaque match keeps it out.  A dump, and a policy that declares no
network inside, do not tell who such hosts are: there packets from private addresses to both halves
of the internet must come to it.  A transparent proxy takes what passes by on purpose: where the
policy tells what is outside, open-proxy (NAT602) looks at it; where nothing tells who is inside, it
is a finding when the rules translate sources, so that the machine forwards for others.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Action, Balance, Dnat, Hook, Netmap, Redirect, Tproxy
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.answers import ordinarily_left
from natc.lint.forwards import is_plain, restricted
from natc.lint.ordinary import shown
from natc.lint.sides import HALVES, PRIVATE, TRANSLATING_SOURCE, Side, sides
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.simulate.site import EVERY_INTERFACE

_FORWARDING = (Balance, Dnat, Netmap)
"""Actions that turn packets to other hosts, which no proxy does."""

_SCOPES = (Field.IN_INTERFACE, Field.SOURCE, Field.DESTINATION, Field.LOCAL_DESTINATION)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each destination rule without any place."""
    for place, rules in subject.rules.items():
        family, hook = place
        turning = _turning(subject, family) if hook in (Hook.PREROUTING, Hook.DIVERT) else ()
        for position, rule in enumerate(rules if turning else ()):
            if not isinstance(rule.action, turning):
                continue
            for box in subject.lists[place].boxes[position] or ():
                packet = _passing(subject, place, position, box) if is_unscoped(box) else None
                if packet is not None:
                    yield _finding(subject, rule, packet)
                    break


def _finding(subject: Subject, rule: Rule, packet: Packet) -> Diagnostic:
    return Diagnostic(
        "NAT405",
        "a destination rule takes packets to any address",
        Label(rule.origin, "also what passes on its way to the internet"),
        witness=packet,
        help="say `-d ADDRESS` or `-i INTERFACE`"
        if subject.is_dump
        else "say `to ADDRESS`, `in INTERFACE`, or `on ZONE` for the zone's own",
    )


def is_unscoped(box: Box) -> bool:
    """Whether nothing keeps packets out by where they come from or go to."""
    return all(box.sets[field] is None for field in _SCOPES) and is_plain(box)


def _turning(subject: Subject, family: Family) -> tuple[type[Action], ...]:
    """Return the actions that are none of a proxy's business, and where it has none all."""
    known = sides(subject).get(family)
    if known is not None and known.outside:
        return _FORWARDING
    if _homes(subject, family):
        return (*_FORWARDING, Redirect, Tproxy)
    leaving = subject.rules.get((family, Hook.POSTROUTING), ())
    has_clients = any(isinstance(rule.action, TRANSLATING_SOURCE) for rule in leaving)
    return (*_FORWARDING, Redirect) if has_clients else _FORWARDING


def _homes(subject: Subject, family: Family) -> list[Side]:
    """Return the sides inside whose hosts are known."""
    known = sides(subject).get(family)
    return [side for side in known.inside if side.hosts] if known else []


def _passing(
    subject: Subject, place: tuple[Family, Hook], position: int, box: Box
) -> Packet | None:
    """Return a packet from a host inside to the internet that comes to a box of a rule."""
    family, _ = place
    known, homes = sides(subject).get(family), _homes(subject, family)
    if known and homes:
        ways = [
            {
                Field.IN_INTERFACE: side.interfaces,
                Field.SOURCE: side.hosts,
                Field.DESTINATION: known.abroad,
            }
            for side in homes
        ]
    else:
        inside = EVERY_INTERFACE - known.outside_interfaces if known else EVERY_INTERFACE
        ways = [
            {Field.IN_INTERFACE: inside, Field.SOURCE: PRIVATE[family], Field.DESTINATION: half}
            for half in HALVES[family]
        ]
    passing = [restricted(box, {**way, Field.LOCAL_DESTINATION: point(0)}) for way in ways]
    left = [packets and ordinarily_left(subject, place, position, packets) for packets in passing]
    coming = [packets for packets in left if packets is not None]
    is_enough = bool(coming) if homes else len(coming) == len(ways)
    return shown(subject, family, coming[-1]) if is_enough else None
