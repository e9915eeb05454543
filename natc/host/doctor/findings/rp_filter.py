"""The reverse path filter drops packets of a rule.

## Why it matters

With a strict filter the kernel drops what arrives by another interface than the one by which it
would answer.  On a gateway with two lines to the internet, one of them is not the default route;
a port forward there is dead, and nothing says so.

## Example

```nat
zone first { interface eth0; address 203.0.113.2 }
zone second { interface eth2; address 198.51.100.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/443 on second -> 192.168.3.10 as web
masquerade from lan out first
```

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
link eth2 198.51.100.2
rule 0 local
rule 32766 main
route main default eth0
route main 192.168.3.0/24 eth1
/proc/sys/net/ipv4/conf/all/rp_filter = 0
/proc/sys/net/ipv4/conf/eth2/rp_filter = 1        # warning: [rp-filter]
```

A loose filter takes all that it has any route for:

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
link eth2 198.51.100.2
rule 0 local
rule 32766 main
route main default eth0
route main 192.168.3.0/24 eth1
/proc/sys/net/ipv4/conf/all/rp_filter = 0
/proc/sys/net/ipv4/conf/eth2/rp_filter = 2
```

The answers of the server then leave by the default route, with the other line's address; routing
by mark or source has to send them back where they belong.  A rule of routing that asks for a mark
does not help the filter: it looks for the way back without the packet's mark, unless
`src_valid_mark` says otherwise.

## Precision

Looked for with destination rules that name an interface of a zone without a subnet, and clients
that live in no declared subnet.  The higher setting of `all` and the interface counts.  The route
back is looked up as the kernel does, but only where routing asks for nothing but destinations and
marks, and `src_valid_mark` is off; else nothing is found.  IPv6 has no such filter of its own.
Source: net/ipv4/fib_frontend.c, __fib_validate_source(), Linux 6.18.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Route
from natc.host.doctor.patient import Patient, interfaces_of, targets
from natc.host.doctor.sysctls import command, label
from natc.ir.actions import Hook
from natc.ir.fields import Field, interface, universe
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.record import replace
from natc.simulate.sample import sample
from natc.simulate.site import LOOPBACK_NET

_PATH = "ipv4/conf/{}/rp_filter"
_STRICT = 1
_FOUR = Family.IPV4
_USUAL = ("local", "main", "default")
_NO_CLIENTS = IntervalSet(((0, (1 << 24) - 1), (224 << 24, _FOUR.last))) | LOOPBACK_NET[_FOUR]


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each interface."""
    if not _is_by_destination(patient):
        return
    seen: set[str] = set()
    for rule in patient.rules(Hook.PREROUTING, family=_FOUR):
        for name in _strict(patient) if targets(rule) else ():
            packets = None if name in seen else _dropped(patient, rule, name)
            if packets is not None:
                seen.add(name)
                yield _finding(patient, rule, name, packets)


def _is_by_destination(patient: Patient) -> bool:
    """Whether the filter's way back is looked up by the address alone, in the usual tables."""
    rules = [rule for rule in patient.facts.rules if rule.family is _FOUR]
    names = ("all", *(link.name for link in patient.facts.links))
    if any(patient.facts.setting(f"ipv4/conf/{name}/src_valid_mark") for name in names):
        return False
    # The filter's packets have no mark: rules that ask for one do not hold.
    return bool(rules) and all(
        rule.is_plain and (rule.mark & rule.mask or rule.table in _USUAL) for rule in rules
    )


def _strict(patient: Patient) -> Iterator[str]:
    """Yield the interfaces, of zones without a subnet, whose filter is strict."""
    facts = patient.facts
    for place in patient.places:
        for pattern in () if place.subnet.of(_FOUR) else interfaces_of(place):
            for link in facts.named(pattern):
                settings = (facts.setting(_PATH.format(each)) or 0 for each in ("all", link.name))
                if max(settings) == _STRICT:
                    yield link.name


def _dropped(patient: Patient, rule: Rule, name: str) -> Box | None:
    """Return packets of a rule that arrive by an interface and are dropped there."""
    declared = _NO_CLIENTS | patient.facts.own(_FOUR)
    for place in patient.places:
        declared |= place.subnet.of(_FOUR)
    elsewhere = _answered_elsewhere(patient, name) - declared
    for box in rule.match.boxes:
        came = box.get(Field.IN_INTERFACE)
        clients = (box.get(Field.SOURCE) or universe(Field.SOURCE, _FOUR)) & elsewhere
        if came is not None and came.meets(interface(name)) and clients:
            packets = box.having(Field.SOURCE, clients)
            return packets.having(Field.IN_INTERFACE, interface(name))
    return None


def _answered_elsewhere(patient: Patient, name: str) -> IntervalSet:
    """Return the addresses for which the best route leads by other interfaces alone."""
    left = universe(Field.DESTINATION, _FOUR)
    found = EMPTY
    for table in _USUAL:
        routes = [r for r in patient.facts.routes if (r.family, r.table) == (_FOUR, table)]
        # The longest prefix counts.
        for route in sorted(routes, key=_size):
            if route.kind == "unicast" and name not in route.devices:
                found |= route.destination & left
            left -= route.destination
    return found


def _size(route: Route) -> int:
    return route.destination.size


def _finding(patient: Patient, rule: Rule, name: str, packets: Box) -> Diagnostic:
    paths = [_PATH.format(each) for each in (name, "all")]
    path = next(path for path in paths if patient.facts.setting(path) == _STRICT)
    witness = replace(sample(packets, _FOUR, (name,)), out_interface=None)
    return Diagnostic(
        "NAT507",
        "the reverse path filter drops packets of a rule",
        label(patient.facts, path, f"{name} takes only what would be answered by {name}"),
        related=(Label(rule.origin, "waits for them"),),
        witness=witness,
        help=f"`{command(_PATH.format(name), 2)}`",
    )
