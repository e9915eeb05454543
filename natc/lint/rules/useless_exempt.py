"""An exemption from translations that there are none of.

## Why it matters

It says that something would otherwise be translated.  Nothing below it would, so it hides what the
policy means; perhaps the rule that it was for is gone, or it has the wrong addresses.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
exempt from 192.168.4.0/24 to 10.8.0.0/16            # warning: [useless-exempt]
exempt from lan to 10.8.0.0/16
masquerade from lan out wan
```

```iptables
*nat
# warning: [useless-exempt]
-A POSTROUTING -s 10.1.0.0/16 -d 10.8.0.0/16 -j ACCEPT
-A POSTROUTING -s 10.0.0.0/16 -d 10.8.0.0/16 -j ACCEPT
-A POSTROUTING -s 10.0.0.0/16 -j MASQUERADE
COMMIT
```

## Precision

Exact: in no hook is there a packet that the exemption takes and a rule below would translate.
What opaque matches hold counts as possible.  In a dump ACCEPT is such an exemption, but only where
all of the table is known; a RETURN ends a chain and is not looked at.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Accept, Hook
from natc.ir.stack import NotDecided
from natc.lint.relations import LEAVING_ALONE, Relations
from natc.lint.subject import Subject
from natc.lint.unreached import unreached
from natc.source import Span


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each exemption without effect."""
    useful: dict[Span, bool] = {}
    for (_, hook), rules in subject.relations.items():
        for position, rule in enumerate(rules.list.rules if hook is not Hook.DIVERT else ()):
            if isinstance(rule.action, Accept) and not useful.get(rule.origin):
                try:
                    useful[rule.origin] = is_useful(rules, position)
                except NotDecided:
                    useful[rule.origin] = True
                    rules.undecided.append(rule)
    useless = {origin for origin, is_needed in useful.items() if not is_needed}
    for rule in subject.policy.rules if useless else ():
        if not isinstance(rule.action, Accept):
            useless.discard(rule.origin)  # A part of something else, such as a proxy.
    for origin in useful:
        if origin in useless and origin not in unreached(subject):
            yield Diagnostic(
                "NAT110",
                "an exemption from nothing",
                Label(origin, "no rule below would translate these"),
                help="delete it, or correct its addresses or its place",
            )
    subject.doubt_relations()


def is_useful(rules: Relations, position: int) -> bool:
    """Whether a rule below would translate a packet that an exemption takes.

    Raises:
        NotDecided: it takes too much work.
    """
    every, stack = rules.list.rules, rules.stack
    for box in rules.list.boxes[position] or ():
        for below in stack.touching((box,), position + 1, len(every)):
            if isinstance(every[below].action, LEAVING_ALONE):
                continue
            for other in rules.list.boxes[below] or ():
                both = box & other
                if both is not None and stack.left((both,), below, but=(position,)):
                    return True
    return rules.list.boxes[position] is None
