"""A way out that is not known yet, or a way in of packets that have none.

## Why it matters

Before routing no packet has a way out, and what the gateway makes itself came by no interface.  In
a built-in chain iptables refuses such a rule, and the whole text with it.  In a chain that rules
jump to it loads: then `-o eth0` never holds, and `! -o eth0` always does.

## Example

```nat
dnat tcp/80 out eth0 -> 192.168.3.10  # error: [interface-direction]
masquerade in eth1  # error: [interface-direction]
dnat tcp/80 in eth0 -> 192.168.3.10
masquerade from 192.168.3.0/24 out eth0
```

```iptables
*nat
:WEB - [0:0]
# error: [interface-direction]
-A PREROUTING -o eth0 -d 203.0.113.2 -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -p tcp -j WEB
# error: [interface-direction]
-A WEB -o eth0 -d 203.0.113.2 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10
-A WEB -i eth0 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10
# error: [interface-direction]
-A POSTROUTING -i eth1 -j MASQUERADE
COMMIT
```

## Precision

Exact.  In a chain that several built-in chains lead to, an interface is only reported if it means
nothing in any of them.  In POSTROUTING the kernel still knows the way in of what it forwards, so
`-i` in a chain that POSTROUTING jumps to is not reported; in POSTROUTING itself iptables refuses
it.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import BEFORE_ROUTING, MADE_HERE, Place, places
from natc.lint.subject import Subject
from natc.targets.iptables.model import Option, Rule

_REFUSED = {"PREROUTING": "-o", "INPUT": "-o", "OUTPUT": "-i", "POSTROUTING": "-i"}
"""What iptables does not take in a built-in chain.  Measured, in every table."""

_WHY = {"-o": "no packet has a way out yet", "-i": "the gateway's own came by no interface"}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each interface that is asked for in vain."""
    for place in places(subject):
        flag = _senseless(place)
        if flag is None:
            continue
        for rule in place.rules:
            option = _option(rule, flag)
            if option is not None and (place.is_built_in or option.values != ("+",)):
                yield Diagnostic(
                    "NAT202",
                    f"`{flag}` for packets of {place.whence}",
                    Label(rule.origin, _label(place, option)),
                    help="`-i` belongs to PREROUTING, `-o` to POSTROUTING",
                )


def _senseless(place: Place) -> str | None:
    """Return the flag of the interface that no packet has which comes to a place."""
    if place.is_built_in:
        return _REFUSED.get(place.name)
    hooks = frozenset(place.hooks)
    if hooks and hooks <= BEFORE_ROUTING:
        return "-o"
    return "-i" if hooks == MADE_HERE else None


def _option(rule: Rule, flag: str) -> Option | None:
    for match in rule.matches:
        if match.module:
            return None  # The built-in ones stand first.
        if match.options[0].flag == flag:
            return match.options[0]
    return None


def _label(place: Place, option: Option) -> str:
    if place.is_built_in:
        return "iptables refuses it here"
    return f"{'always' if option.negated else 'never'} holds: {_WHY[option.flag]}"
