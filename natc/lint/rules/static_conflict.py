"""Two one-to-one translations that share an address.

## Why it matters

One outside address leads to one inside host, and one inside host leaves with one outside address.
Of two `static` rules that claim the same address only the first is in force in that direction; the
other one then works in one direction at most, which looks like a fault of the network.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
static 192.168.3.25 <-> 203.0.113.5 on wan
static 192.168.3.26 <-> 203.0.113.5 on wan               # error: [static-conflict]
static 192.168.3.64/28 <-> 203.0.113.64/28 on wan
static 192.168.3.70 <-> 203.0.113.9 on wan               # error: [static-conflict]
static 192.168.3.72 <-> 203.0.113.71 on wan              # error: [static-conflict]
static 192.168.3.75 <-> 203.0.113.75 on wan              # warning: [redundant-covered]
static 192.168.3.27 <-> 203.0.113.6 on wan
```

```iptables
*nat
-A PREROUTING -d 203.0.113.5 -j DNAT --to-destination 192.168.3.25
# error: [static-conflict]
-A PREROUTING -d 203.0.113.5 -j DNAT --to-destination 192.168.3.26
-A POSTROUTING -s 192.168.3.25 -j SNAT --to-source 203.0.113.5
-A POSTROUTING -s 192.168.3.26 -j SNAT --to-source 203.0.113.5
COMMIT
```

## Precision

Exact for pairs of `static`, and in a dump for rules that translate an address, or a network, in
both directions.  Two that translate the shared address into the same one do not conflict.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.coming import witness
from natc.lint.one_to_one import one_to_one
from natc.lint.relations import Relations
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each half of a pair that meets a pair above."""
    if not one_to_one(subject):
        return
    for (_, hook), rules in subject.relations.items():
        side = "outside" if hook is Hook.PREROUTING else "inside"
        for rule, other, both in _meeting(subject, rules):
            yield Diagnostic(
                "NAT107",
                "two one-to-one translations share an address",
                Label(rule.origin, f"the same {side} address"),
                (Label(other.origin, "takes its packets"),),
                witness(subject, other, within=both),
                help="give each host an address of its own",
            )


def _meeting(subject: Subject, rules: Relations) -> Iterator[tuple[Rule, Rule, Box]]:
    """Yield rules of a pair with the first rule above that meets them and does not agree."""
    fixed = one_to_one(subject)
    every = rules.list.rules
    for position, rule in enumerate(every):
        if rule.origin not in fixed:
            continue
        for box in rules.list.boxes[position] or ():
            for above in sorted(rules.stack.touching((box,), 0, position)):
                other = every[above]
                if other.origin not in fixed or fixed[other.origin].agrees(fixed[rule.origin]):
                    continue
                both = box & other.match.boxes[0]
                if both is not None:
                    yield rule, other, both
                    break
