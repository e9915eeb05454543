"""Private addresses can leave by an outside zone as they are.

## Why it matters

Nobody in the internet can answer to a private address: the connection hangs, and the provider
sees how the inside is numbered.  Mostly a network was added and the source rule was not.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone guest { interface wlan0; subnet 192.168.5.0/24 }    # warning: [private-leak]

snat from lan out wan -> 203.0.113.2
```

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

exempt from lan to 10.8.0.0/16
snat from lan out wan -> 203.0.113.2
```

## Precision

Exact, for the zones, and networks that natc translates, to public addresses that no place
declares, in the families that the policy translates.  What an `exempt` keeps is kept on purpose.

Outside are the zones with public or dynamic addresses by which source rules let other places out to
everywhere; else the only zone without a subnet; else the one zone with private addresses by which
they do.
"""

from collections.abc import Iterator
from functools import partial

from natc.address import Family, text_of
from natc.diagnostics import Diagnostic, Label
from natc.ir.fields import NO_USER, Field
from natc.ir.intervals import point
from natc.ir.policy import Network
from natc.ir.space import Box
from natc.lint.answers import untouched
from natc.lint.ordinary import ordinary_of, shown
from natc.lint.sides import PRIVATE, Side, Sides, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each place whose addresses can leave, by whichever zones."""
    for family, known in sides(subject).items():
        for inside in known.inside:
            leaks = list(_leaks(subject, inside, known))
            if leaks:
                ways = " and ".join(f"`{outside.name}`" for outside, _ in leaks)
                repairs = " and ".join(f"`{_repair(inside, out, family)}`" for out, _ in leaks)
                yield Diagnostic(
                    "NAT402",
                    "private addresses can leave by an outside zone as they are",
                    Label(inside.origin, f"its hosts leave by {ways} untranslated"),
                    related=tuple(Label(outside.origin, "lies outside") for outside, _ in leaks),
                    witness=shown(subject, family, leaks[0][1]),
                    help=f"{repairs}, or an `exempt` where they are to leave so",
                )


def _leaks(subject: Subject, inside: Side, known: Sides) -> Iterator[tuple[Side, Box]]:
    """Yield the outside zones by which hosts of a place leave untranslated, with such packets."""
    for outside in known.outside:
        leaving = _leaving(inside, outside, known)
        leak = leaving and ordinary_of(
            subject, known.family, leaving, partial(untouched, subject, known.family)
        )
        if leak is not None:
            yield outside, leak


def _repair(inside: Side, outside: Side, family: Family) -> str:
    """Return the rule that is missing."""
    way = f"from {inside.name} out {outside.name}"
    own = [value for kind, value in outside.place.addresses if kind is family]
    if own and not outside.is_dynamic:
        return f"snat {way} -> {text_of(family, own[0])}"
    return f"masquerade{' ipv6' if family is Family.IPV6 else ''} {way}"


def _leaving(inside: Side, outside: Side, known: Sides) -> Box | None:
    """Return what private hosts can send to the internet by a zone."""
    place = inside.place
    if isinstance(place, Network) and (place.forward != "nat" or place.owner not in (None, "natc")):
        return None
    private = inside.hosts & PRIVATE[known.family]
    if not private or inside.interfaces & outside.interfaces:  # Such as IPsec's other end.
        return None
    return Box.of(
        {
            Field.IN_INTERFACE: inside.interfaces,
            Field.OUT_INTERFACE: outside.interfaces,
            Field.SOURCE: private,
            Field.DESTINATION: known.abroad,
            Field.LOCAL_DESTINATION: point(0),
            Field.USER: point(NO_USER),
        }
    )
