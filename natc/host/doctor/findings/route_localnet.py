"""Packets that arrive are sent to the loopback, where the kernel drops them.

## Why it matters

A service that listens on 127.0.0.1 alone cannot be reached from a network.  A rule can send packets
there, but the kernel takes them for forged (martians) unless the interface by which they came may
deliver to 127.0.0.0/8.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }

port-forward tcp/8443 on wan -> 127.0.0.1:8443 as admin
```

```host
link eth0 203.0.113.2
/proc/sys/net/ipv4/conf/all/route_localnet = 0
/proc/sys/net/ipv4/conf/eth0/route_localnet = 0   # error: [route-localnet]
```

```host
link eth0 203.0.113.2
/proc/sys/net/ipv4/conf/all/route_localnet = 0
/proc/sys/net/ipv4/conf/eth0/route_localnet = 1
```

With it, everybody who can send frames to that interface reaches every service of the loopback; a
listener on the gateway's own address, and `-> :PORT`, need nothing of the kind.

## Precision

Exact for the interfaces that are there: that of `all` and that of the interface count together.
Source: net/ipv4/route.c, ip_route_input_slow(), Linux 6.18.  A rule without an interface is asked
for those of the policy's zones and networks.  Packets of the gateway itself need no setting.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.patient import Patient, interfaces_of, targets
from natc.host.doctor.sysctls import command, label
from natc.ir.actions import Hook
from natc.ir.fields import Field, interface
from natc.ir.policy import Rule
from natc.simulate.site import LOOPBACK_NET

_PATH = "ipv4/conf/{}/route_localnet"


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each interface, with all rules that need it."""
    facts = patient.facts
    if facts.setting(_PATH.format("all")):
        return
    needed: dict[str, list[Rule]] = {}
    for rule in patient.rules(Hook.PREROUTING, family=Family.IPV4):
        if targets(rule) & LOOPBACK_NET[Family.IPV4]:
            for name in _arriving_by(patient, rule):
                needed.setdefault(name, []).append(rule)
    for name, rules in sorted(needed.items()):
        path = _PATH.format(name)
        if facts.setting(path) == 0:
            places = list({rule.origin: rule for rule in rules}.values())
            yield Diagnostic(
                "NAT506",
                "packets are sent to the loopback, where the kernel drops them",
                label(facts, path, f"nothing that arrives by {name} may go to 127.0.0.0/8"),
                related=tuple(Label(rule.origin, "sends packets there") for rule in places),
                help=f"`{command(path, 1)}`, or a listener on an address of the gateway",
            )


def _arriving_by(patient: Patient, rule: Rule) -> set[str]:
    """Return the interfaces by which a rule's packets arrive, of those that are there."""
    patterns = [name for place in patient.places for name in interfaces_of(place)] or ["+"]
    declared = {link.name for name in patterns for link in patient.facts.named(name)}
    return {
        link.name
        for link in patient.facts.links
        for box in rule.match.boxes
        for came in [box.get(Field.IN_INTERFACE)]
        if link.name != "lo"
        and (link.name in declared if came is None else came.meets(interface(link.name)))
    }
