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
all of the table is known; a RETURN ends a chain and is not looked at.  The help says so where it
would be one further up.
"""

from collections.abc import Iterable, Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Accept, Hook
from natc.ir.policy import Rule
from natc.ir.stack import NotDecided
from natc.lint.relations import LEAVING_ALONE, Relations
from natc.lint.subject import Subject
from natc.lint.unreached import unreached
from natc.source import Span

_MOST_ABOVE = 8
"""Rules above an exemption that are asked what they translate of it."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each exemption without effect."""
    useful: dict[Span, bool] = {}
    places: dict[Span, list[tuple[Relations, int]]] = {}
    for (_, hook), rules in subject.relations.items():
        for position, rule in enumerate(rules.list.rules if hook is not Hook.DIVERT else ()):
            if isinstance(rule.action, Accept) and not useful.get(rule.origin):
                places.setdefault(rule.origin, []).append((rules, position))
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
                help=_help(origin, places[origin]),
            )
    subject.doubt_relations()


def _help(origin: Span, places: Iterable[tuple[Relations, int]]) -> str:
    """Return how to mend it: it may only stand too low."""
    for rules, position in places:
        try:
            above = _first_translating(rules, position)
        except NotDecided:
            continue
        if above is not None:
            is_here = above.origin.source is origin.source
            where = f"line {above.origin.line}" if is_here else str(above.origin)
            return f"put it above {where}, or delete it"
    return "delete it, or correct its addresses or its place"


def _first_translating(rules: Relations, position: int) -> Rule | None:
    """Return the first rule above an exemption that translates packets of it.

    Raises:
        NotDecided: it takes too much work.
    """
    every, stack = rules.list.rules, rules.stack
    boxes = rules.list.boxes[position] or ()
    touching = sorted(set(stack.touching(boxes, 0, position)))
    translating = [at for at in touching if not isinstance(every[at].action, LEAVING_ALONE)]
    for above in translating[:_MOST_ABOVE]:
        met = (box & other for box in boxes for other in rules.list.boxes[above] or ())
        if any(both is not None and stack.left((both,), above) is not None for both in met):
            return every[above]
    return None


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
