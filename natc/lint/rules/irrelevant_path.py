"""A rule asks for packets that do not come that way.

## Why it matters

The rule reads as if it did something, and no ordinary packet meets it: its sender lives on
another side than the one it names, or the packets leave by another.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone dmz { interface eth2; address 192.168.4.1; subnet 192.168.4.0/24 }

dnat tcp/80 in wan from lan to 203.0.113.2 -> 192.168.4.10      # warning: [irrelevant-path]
dnat tcp/80 in lan from lan to 203.0.113.2 -> 192.168.4.10
snat from lan to dmz out wan -> 203.0.113.2                     # warning: [irrelevant-path]
snat from lan out wan -> 203.0.113.2
```

## Precision

Found when all senders of a destination rule live in one zone or network, and none of its
interfaces is among those of `in`; for a source rule, the same of its destinations and `out`.
Al-Shaer and Hamed call it irrelevance.  Senders that lie about their address count for nothing.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Balance, Dnat, Hook, Masquerade, Netmap, Redirect, Snat, Tproxy
from natc.ir.fields import Field
from natc.ir.policy import Rule
from natc.lint.sides import Side, Sides, sides
from natc.lint.subject import Subject

_WAYS = {
    Hook.PREROUTING: (Field.SOURCE, Field.IN_INTERFACE, "sends by another interface"),
    Hook.DIVERT: (Field.SOURCE, Field.IN_INTERFACE, "sends by another interface"),
    Hook.POSTROUTING: (Field.DESTINATION, Field.OUT_INTERFACE, "is reached by another interface"),
}
_DOING_SOMETHING = (Balance, Dnat, Masquerade, Netmap, Redirect, Snat, Tproxy)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule on a way that its packets do not take."""
    for (family, hook), rules in subject.rules.items():
        known = sides(subject).get(family)
        if hook not in _WAYS or known is None:
            continue
        for rule in rules:
            side = _elsewhere(rule, known, hook)
            if side is not None:
                yield Diagnostic(
                    "NAT112",
                    "a rule asks for packets that do not come that way",
                    Label(rule.origin, "no ordinary packet meets it"),
                    related=(Label(side.origin, _WAYS[hook][2]),),
                    help="name the way that they take, or leave the way out",
                )


def _elsewhere(rule: Rule, known: Sides, hook: Hook) -> Side | None:
    """Return the side on which the hosts that a rule names all live, if it names another way."""
    hosts_field, way_field, _ = _WAYS[hook]
    found: Side | None = None
    for box in rule.match.boxes if isinstance(rule.action, _DOING_SOMETHING) else ():
        hosts, way = box.sets[hosts_field], box.sets[way_field]
        if hosts is None or way is None:
            return None
        found = known.holder(hosts)
        if found is None or found.interfaces & way:
            return None
    return found
