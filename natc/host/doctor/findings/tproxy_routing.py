"""Packets are handed to a transparent proxy, and no route leads them to it.

## Why it matters

TPROXY marks a packet and leaves its addresses alone.  It reaches the proxy only if routing by that
mark delivers it to the gateway itself; without, the kernel drops it, or forwards it past the proxy.

## Example

```iptables nft
*mangle
:PREROUTING ACCEPT [0:0]
# error: [tproxy-routing]
-A PREROUTING -i eth1 -p tcp -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
COMMIT
```

```host
link eth1 192.168.3.1
rule 0 local
rule 32766 main
```

```iptables nft
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth1 -p tcp -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
COMMIT
```

```host
link eth1 192.168.3.1
rule 0 local
rule 32765 100 mark 0x1/0x1
rule 32766 main
local 100 default lo
```

`natc apply` and `natc compile --script` set it up; a text for iptables-restore cannot.

## Precision

About rules that are in the kernel, whoever wrote them.  Found when no line of `ip rule` above the
table `main` that asks for the mark, or for nothing, leads to a table whose default route is
`local`.  Bits of the mark that TPROXY does not set count as 0.
"""

from collections.abc import Iterator

from natc.address import FAMILIES, Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import RoutingRule
from natc.host.doctor.patient import Patient
from natc.ir.actions import Hook, Tproxy
from natc.ir.fields import Field, universe
from natc.targets.iptables.companion import route_arguments
from natc.targets.iptables.lift import TooManyJumps, lift
from natc.targets.iptables.model import PolicyRoute

_MAIN = "main"


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each mark of each family."""
    for family in FAMILIES:
        ruleset = patient.live.get(family)
        if ruleset is None or not any(r.family is family for r in patient.facts.rules):
            continue
        try:
            rules = lift("live", ruleset).rules
        except TooManyJumps:
            patient.doubt(f"what the {family} rules mean, since their chains jump too often")
            continue
        seen: set[tuple[int, int]] = set()
        for rule in rules:
            action = rule.action
            if rule.hook is not Hook.DIVERT or not isinstance(action, Tproxy):
                continue
            mark = action.mark & action.mask, action.mask
            if mark not in seen and not _is_led(patient, family, mark[0]):
                seen.add(mark)
                commands = route_arguments([PolicyRoute(family, *mark)])
                yield Diagnostic(
                    "NAT513",
                    "packets are handed to a proxy that no route leads to",
                    Label(rule.origin, f"marks them {mark[0]:#x}/{mark[1]:#x}"),
                    help=f"`{'; '.join(f'ip {words}' for words in commands)}`",
                )


def _is_led(patient: Patient, family: Family, mark: int) -> bool:
    """Whether routing delivers packets with a mark to the gateway itself."""
    for rule in patient.facts.rules:
        if rule.family is not family:
            continue
        if rule.table == _MAIN and not rule.mask:
            return False
        if not rule.is_plain or (mark ^ rule.mark) & rule.mask:
            continue
        if _is_local(patient, rule):
            return True
    return False


def _is_local(patient: Patient, rule: RoutingRule) -> bool:
    every = universe(Field.DESTINATION, rule.family)
    return any(
        (route.family, route.table, route.kind) == (rule.family, rule.table, "local")
        and route.destination == every
        for route in patient.facts.routes
    )
