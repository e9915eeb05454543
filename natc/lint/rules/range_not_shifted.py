"""A range of ports to a range of ports, without a base port.

## Why it matters

It looks as if port 8000 went to 9000, 8001 to 9001, and so on.  The kernel keeps a port that lies
in the new range and sends *every other one to its first port*; with `random`, to any of them.

## Example

```nat
dnat tcp/8000-8010 in eth0 -> 192.168.3.10:9000-9010  # error: [range-not-shifted]
dnat tcp/8000-8010 in eth1 -> 192.168.3.10:9000-9010 shift
```

```iptables
*nat
# error: [range-not-shifted]
-A PREROUTING -i eth0 -p tcp --dport 8000:8010 -j DNAT --to-destination 192.168.3.10:9000-9010
-A PREROUTING -i eth1 -p tcp --dport 8000:8010 -j DNAT --to-destination 192.168.3.10:9000-9010/8000
# error: [range-not-shifted]
-A PREROUTING -i eth2 -p tcp --dport 8000:8010 -j REDIRECT --to-ports 9000-9010
-A PREROUTING -i eth3 -p tcp --dport 8000:8010 -j DNAT --to-destination 192.168.3.10:8000-9000
COMMIT
```

REDIRECT takes no base port: it needs a rule for each port, or `DNAT` to the address.

## Precision

Exact: reported where a port that the rule itself names is not kept.  A range of targets for a
single port, or for all ports, is not reported.  Nothing is said of a rule that no packet reaches.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Dnat, PortChoice, Redirect
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import EVERYTHING
from natc.lint.coming import witness
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each range of ports that falls on the first of another."""
    for rule in subject.policy.rules:
        match rule.action:
            case Dnat(ports=IntervalSet() as ports, shift_from=None) | Redirect(ports) if (
                ports is not None and ports.first != ports.last
            ):
                yield from _strays(subject, rule, ports, rule.action.port_choice)


def _strays(
    subject: Subject, rule: Rule, ports: IntervalSet, choice: PortChoice
) -> Iterator[Diagnostic]:
    for box in rule.match.boxes:
        asked = box.get(Field.DESTINATION_PORT)
        if asked is None or asked.size == 1 or not (others := asked - ports):
            continue
        packet = witness(subject, rule, EVERYTHING.having(Field.DESTINATION_PORT, others))
        if packet is None:
            continue  # Rules above take them all.
        where = str(ports.first)
        if choice is not PortChoice.KEEP:
            where = "a port of the range at random"
        yield Diagnostic(
            "NAT301",
            "a range of ports to a range of ports without a base port",
            Label(rule.origin, f"{others.size} ports go to {where}"),
            witness=packet,
            help=f"shift them: `:{ports.first}-{ports.last}/{asked.first}`",
        )
        return
