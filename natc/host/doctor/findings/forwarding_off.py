"""The gateway does not forward packets that the policy translates.

## Why it matters

Linux forwards nothing unless it is told to.  The rules then load, count packets and translate
them, and none arrives: the kernel drops them after the destination phase.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

snat from lan out wan -> 203.0.113.2 as share
```

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
/proc/sys/net/ipv4/ip_forward = 0                 # error: [forwarding-off]
/proc/sys/net/ipv4/conf/eth0/forwarding = 0
/proc/sys/net/ipv4/conf/eth1/forwarding = 0
```

One interface can be left out as well.  Here packets of the lan go nowhere:

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
/proc/sys/net/ipv4/ip_forward = 1
/proc/sys/net/ipv4/conf/eth0/forwarding = 1
/proc/sys/net/ipv4/conf/eth1/forwarding = 0       # error: [forwarding-off]
```

All of them on, and everything is forwarded:

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
/proc/sys/net/ipv4/ip_forward = 1
/proc/sys/net/ipv4/conf/eth0/forwarding = 1
/proc/sys/net/ipv4/conf/eth1/forwarding = 1
```

To keep it over a boot, write the setting to a file in `/etc/sysctl.d`.

## Precision

In IPv4 the interface that a packet arrives by decides, and replies arrive by the other one; so all
interfaces are asked by which translated packets pass: those that a rule names, else those with the
address that it asks for, and those of the zones and networks where its addresses live.  Rules for
the gateway's own packets, redirections and transparent proxies need no forwarding.  In IPv6 one
setting decides for all, or since Linux 6.17 `force_forwarding` of an interface.
"""

from collections.abc import Iterator

from natc.address import FAMILIES, Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.patient import Patient, Place, interfaces_of, targets
from natc.host.doctor.sysctls import command, effective, label
from natc.ir.actions import Hook, Masquerade, Netmap, Snat
from natc.ir.fields import Field, interface
from natc.ir.intervals import EMPTY, IntervalSet, point
from natc.ir.policy import Rule
from natc.ir.space import Box

_ALL = {Family.IPV4: "ipv4/ip_forward", Family.IPV6: "ipv6/conf/all/forwarding"}
_ONE = {Family.IPV4: "ipv4/conf/{}/forwarding", Family.IPV6: "ipv6/conf/{}/force_forwarding"}
"""Source: net/ipv4/route.c ip_route_input_slow(), net/ipv6/ip6_output.c ip6_forward(), Linux
6.18."""


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each family, or for each interface that is left out."""
    for family in FAMILIES:
        passed = _passed(patient, family)
        if not passed:
            continue
        path = _ALL[family]
        is_on = patient.facts.setting(path)
        off = {name: where for name in passed if (where := _off(patient, family, name)) is not None}
        if is_on == 0 and off:
            rule = passed[next(iter(off))]
            yield _finding(patient, path, rule, f"no {family} packet is forwarded")
        elif is_on and family is Family.IPV4:
            for name, where in off.items():
                text = f"what arrives by {name} is not forwarded"
                yield _finding(patient, where, passed[name], text)


def _off(patient: Patient, family: Family, name: str) -> str | None:
    """Return the setting that keeps packets of an interface from being forwarded."""
    found = effective(patient.facts, _ONE[family], name)
    if found is None:  # IPv6 before Linux 6.17: one setting decides for all.
        return "" if family is Family.IPV6 else None
    return found[0] if found[1] == 0 else None


def _passed(patient: Patient, family: Family) -> dict[str, Rule]:
    """Return the interfaces by which translated packets pass, with the first rule for each."""
    own = _own(patient, family)
    left = {name: place for place in patient.places for name in interfaces_of(place)}
    found: dict[str, Rule] = {}
    for rule in patient.rules(Hook.PREROUTING, Hook.POSTROUTING, family=family):
        for pattern, place in list(left.items()):
            if _passes(rule, place, interface(pattern), own):
                del left[pattern]
                names = [link.name for link in patient.facts.named(pattern)] or [pattern]
                found |= dict.fromkeys(names, rule)
    return found


def _passes(rule: Rule, place: Place, interfaces: IntervalSet, own: IntervalSet) -> bool:
    """Whether forwarded packets of a rule arrive or leave by an interface of a place."""
    subnet = place.subnet.of(rule.family)
    for box in rule.match.boxes:
        came, left = box.get(Field.IN_INTERFACE), box.get(Field.OUT_INTERFACE)
        if rule.hook is Hook.PREROUTING:
            turned = targets(rule) - own
            came = came or _asked_for(box, place, rule.family, interfaces)
            if turned and (came.meets(interfaces) or turned.meets(subnet)):
                return True
        elif isinstance(rule.action, Snat | Masquerade | Netmap):
            source = box.get(Field.SOURCE)
            if came == point(0) or (source is not None and source <= own):
                continue  # The gateway's own packets.
            lives_there = subnet and source is not None and source.meets(subnet)
            if (left is not None and left.meets(interfaces)) or lives_there:
                return True
    return False


def _asked_for(box: Box, place: Place, family: Family, interfaces: IntervalSet) -> IntervalSet:
    """Return the interfaces of a place if packets ask for the gateway's address there."""
    to = box.get(Field.DESTINATION)
    here = (value for kind, value in place.addresses if kind is family)
    return interfaces if to is None or any(value in to for value in here) else EMPTY


def _own(patient: Patient, family: Family) -> IntervalSet:
    declared = IntervalSet.of(
        (value, value)
        for place in patient.places
        for kind, value in place.addresses
        if kind is family
    )
    own = patient.site(family).own
    return declared if own is None else declared | own


def _finding(patient: Patient, path: str, rule: Rule, text: str) -> Diagnostic:
    return Diagnostic(
        "NAT501",
        "the gateway does not forward what the policy translates",
        label(patient.facts, path, text),
        related=(Label(rule.origin, "translates what is forwarded"),),
        help=f"`{command(path, 1)}`",
    )
