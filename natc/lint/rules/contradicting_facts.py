"""Zones or networks say different things of one address.

## Why it matters

An address lives on one side of the gateway, and is the gateway's own on one interface.  With two
answers, `from`, `on` and `hairpin` mean packets that do not come, and every finding and test that
asks where an address is gets the wrong one.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.0.0/16 }
zone dmz { interface eth2; subnet 192.168.4.0/24 }     # error: [contradicting-facts]
zone dsl { interface ppp0; address 203.0.113.2 }        # error: [contradicting-facts]

masquerade from lan out wan
```

```nat
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.0.0/16 except 192.168.4.0/24 }
zone dmz { interface eth2; address 192.168.4.1; subnet 192.168.4.0/24 }
masquerade from lan out dmz
```

## Precision

Exact.  A subnet within another counts: routing would tell the two apart by the longest prefix, but
`from lan` would hold the other's hosts as well.  Link-local addresses (169.254.0.0/16, fe80::/10)
are each interface's own, and may be the same on all.
"""

from collections.abc import Iterator

from natc.address import FAMILIES, Family, text_of
from natc.diagnostics import Diagnostic, Label
from natc.elaborate.scope import Place
from natc.ir.intervals import interval
from natc.ir.policy import Zone
from natc.lint.subject import Subject

_LINK_LOCAL = {
    Family.IPV4: interval((169 << 24) + (254 << 16), (169 << 24) + (255 << 16) - 1),
    Family.IPV6: interval(0xFE80 << 112, (0xFEC0 << 112) - 1),
}
"""Source: RFC 3927, RFC 4291."""

Range = tuple[int, int, int]
"""The first and last address, and the number of the place in its order."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each place that contradicts one before it."""
    declared: list[Place] = [*subject.policy.zones, *subject.policy.networks]
    places = sorted(declared, key=lambda place: place.origin.start)
    for family in FAMILIES:
        own = [
            (value, value, number)
            for number, place in enumerate(places)
            if not (isinstance(place, Zone) and place.dynamic)
            for kind, value in place.addresses
            if kind is family and value not in _LINK_LOCAL[family]
        ]
        subnets = [
            (low, high, number)
            for number, place in enumerate(places)
            for low, high in (place.subnet.of(family) - _LINK_LOCAL[family]).ranges
        ]
        for ranges, what in ((own, "is the gateway's own in"), (subnets, "lives in")):
            for one, other, address in _shared(ranges):
                yield _finding(places[one], places[other], f"{text_of(family, address)} {what}")


def _shared(ranges: list[Range]) -> Iterator[tuple[int, int, int]]:
    """Yield the numbers of two places that share an address, the earlier first, and the address."""
    widest: Range | None = None
    for low, high, number in sorted(ranges):
        if widest is not None and low <= widest[1] and number != widest[2]:
            yield min(number, widest[2]), max(number, widest[2]), low
        if widest is None or high > widest[1]:
            widest = low, high, number


def _finding(earlier: Place, later: Place, what: str) -> Diagnostic:
    return Diagnostic(
        "NAT415",
        "zones or networks say different things of one address",
        Label(later.origin, f"{what} `{later.name}`"),
        related=(Label(earlier.origin, f"and in `{earlier.name}`"),),
        help="a subnet leaves out what lives elsewhere: `subnet 10.0.0.0/8 except 10.1.0.0/16`",
    )
