"""An option that older kernels or programs do not have.

## Why it matters

A gateway that runs an older distribution refuses the rule, and the whole text with it.

## Example

```nat
masquerade from 192.168.3.0/24 out eth0 random-fully  # warning: [needs-version]
dnat tcp/8000-8010 in eth0 -> 192.168.3.10:9000-9010 shift  # warning: [needs-version]
masquerade from 192.168.4.0/24 out eth0
```

```iptables
*nat
# warning: [needs-version]
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j MASQUERADE --random-fully
-A POSTROUTING -s 192.168.4.0/24 -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact for `random-fully` (iptables 1.6.2, Linux 3.14) and shifted ranges of ports (iptables 1.8,
Linux 4.18); all else that natc writes works from Linux 4 and iptables 1.8 on.  natc does not know
what the gateway runs, so this is off unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Action, Dnat, Masquerade, PortChoice, Snat
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule with a newer option."""
    for rule in subject.policy.rules:
        needed = _needed(rule.action)
        if needed is not None:
            yield Diagnostic(
                "NAT208", "an option of newer kernels", Label(rule.origin, f"needs {needed}")
            )


def _needed(action: Action) -> str | None:
    match action:
        case Snat(port_choice=PortChoice.FULLY) | Masquerade(port_choice=PortChoice.FULLY):
            return "iptables 1.6.2 and Linux 3.14"
        case Dnat(shift_from=int()):
            return "iptables 1.8 and Linux 4.18"
    return None
