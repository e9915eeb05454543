"""An address or a port that cannot be meant.

## Why it matters

iptables takes values that make no sense, and the kernel does something else with them: of a range
whose ends are the wrong way round it makes *any* address at all, to 0.0.0.0 and to multicast
addresses it forwards nothing, port 0 it really uses.  Others, such as port 65536, it refuses, and
the whole text with them.

## Example

```nat
dnat tcp/80 in eth0 -> 224.0.0.1  # error: [bad-value]
dnat tcp/80 in eth0 -> 192.168.3.10:0  # error: [bad-value]
```

```iptables
*nat
# error: [bad-value]
-A PREROUTING -i eth0 -j DNAT --to-destination 10.0.0.9-10.0.0.1
-A PREROUTING -i eth0 -j DNAT --to-destination 10.0.0.1-10.0.0.9
# error: [bad-value]
-A PREROUTING -i eth1 -p tcp -j REDIRECT --to-ports 0
# error: [bad-value]
-A PREROUTING -m iprange --dst-range 10.0.0.9-10.0.0.1 -j ACCEPT
# error: [bad-value]
-A POSTROUTING -s 192.168.300.0/24 -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact for targets and for addresses and ports that are asked for, in chains that packets can come
to.  Names of services, and of hosts where iptables looks them up, are not reported.  A port 0 that
is asked for, or is part of a range that is, is not reported; nor are 240.0.0.0/4, which networks
use, and targets in OUTPUT, where the kernel sends to multicast addresses and takes 0.0.0.0 for
itself.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Dnat, Hook, Masquerade, Netmap, Redirect, Snat, Unknown
from natc.ir.conditions import Opaque
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.literals import troubles
from natc.lint.subject import Subject

_NO_ENDS = {
    Family.IPV4: IntervalSet(((0, 0), (224 << 24, (240 << 24) - 1), (Family.IPV4.last,) * 2)),
    Family.IPV6: IntervalSet(((0, 0), (0xFF << 120, Family.IPV6.last))),
}
"""Unspecified, multicast and broadcast addresses."""

_HELP = "what is to be dropped belongs to table filter or raw"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule of a dump with a value that cannot be meant."""
    for rule in subject.policy.rules if subject.is_dump else ():
        pool, ports = _target(rule)
        if pool is not None and rule.hook is not Hook.OUTPUT and _has_no_end(pool, rule.family):
            yield _finding(rule, "no connection can have this address", _HELP)
        elif ports is not None and ports.ranges[0][0] == 0:
            yield _finding(rule, "port 0, which the kernel would use")
        else:
            for text in _unread(rule):
                for trouble in troubles(text, rule.family):
                    yield _finding(rule, trouble)


def _target(rule: Rule) -> tuple[IntervalSet | None, IntervalSet | None]:
    """Return the addresses and the ports that a rule translates to."""
    action = rule.action
    if isinstance(action, Dnat | Snat):
        return action.addresses, action.ports
    if isinstance(action, Redirect | Masquerade):
        return None, action.ports
    return (action.network if isinstance(action, Netmap) else None), None


def _has_no_end(pool: IntervalSet, family: Family) -> bool:
    """Whether some address of `pool` is at no end of a connection."""
    others = _NO_ENDS[family]
    low, high = pool.ranges[0][0], pool.ranges[-1][1]
    return low == 0 or (high >= others.ranges[1][0] and bool(pool & others))


def _unread(rule: Rule) -> Iterator[str]:
    """Yield the matches and targets that natc could not read."""
    if isinstance(rule.action, Unknown):
        yield rule.action.text
    for box in rule.match.boxes:
        for condition in box.conditions:
            if isinstance(condition, Opaque):
                yield condition.text


def _finding(rule: Rule, trouble: str, help_: str | None = None) -> Diagnostic:
    return Diagnostic("NAT206", trouble, Label(rule.origin, "cannot be meant"), help=help_)
