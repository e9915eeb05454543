"""An interface that the policy names is not there.

## Why it matters

Rules for it load all the same, and wait.  That is right for a line that comes and goes; for a name
that was mistyped, or that another kernel gives to the same card, it means that nothing is
translated.

## Example

```nat
zone wan { interface ppp+; address dynamic }
zone lan { interface eht1; subnet 192.168.3.0/24 }     # note: [missing-interface]

masquerade from lan out wan
```

```host
link ppp0 203.0.113.2
link eth1 192.168.3.1
```

```nat
zone wan { interface ppp+; address dynamic }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

masquerade from lan out wan
```

```host
link ppp0 203.0.113.2
link eth1 192.168.3.1
```

## Precision

Exact at the moment: names and patterns of zones, networks and rules for which `ip link` shows
nothing.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.patient import Patient, interfaces_of, names_in
from natc.ir.fields import Field
from natc.source import Span


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each name, where it is first used."""
    facts = patient.facts
    if not facts.links:
        return
    for name, place in _named(patient).items():
        if not any(facts.named(name)):
            there = [link.name for link in facts.links if link.name != "lo"]
            near = get_close_matches(name.rstrip("+"), there, n=1)
            listed = f"`ip link show` lists what is there: {', '.join(there)}"
            yield Diagnostic(
                "NAT512",
                f"there is no interface `{name}`",
                Label(place, "matches nothing now"),
                help=f"did you mean `{near[0]}`?" if near else listed,
            )


def _named(patient: Patient) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for place in patient.places:
        for name in interfaces_of(place):
            found.setdefault(name, place.origin)
    for rule in () if patient.policy is None else patient.policy.rules:
        for box in rule.match.boxes:
            for field in (Field.IN_INTERFACE, Field.OUT_INTERFACE):
                for name in names_in(box.get(field)):
                    found.setdefault(name, rule.origin)
    found.pop("", None)  # "No interface".
    return found
