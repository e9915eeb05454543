"""A rule that could go, because rules below do the same to all of its packets.

## Why it matters

It costs a comparison for each new connection, and whoever changes one of the two later may believe
that it was the only one.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
masquerade from 192.168.3.10 out wan                    # note: [redundant-removable]
masquerade from 192.168.3.0/24 out wan
```

Where something between the two would take its packets, it is needed:

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.3 } }
masquerade from 192.168.3.10 out wan
snat from 192.168.3.8/29 out wan -> 203.0.113.3
masquerade from 192.168.3.0/24 out wan
```

## Precision

Exact for the rules of one statement: without them no packet is treated otherwise in any hook.
Statements that make rules in several hooks are found when this holds in each of them.  Rules behind
a probability or a limit count as needed.  It is off unless it is asked for: to say the special case
as well is often meant.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.ir.stack import NotDecided
from natc.lint.relations import LEAVING_ALONE, Relations, differing, is_by_chance
from natc.lint.subject import Subject
from natc.lint.unreached import unreached
from natc.source import Span


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule without which all packets are treated alike."""
    needed: dict[Span, Rule | None] = {}
    for rules in subject.relations.values():
        for position, rule in enumerate(rules.list.rules):
            if rule.origin not in needed or needed[rule.origin] is not None:
                needed[rule.origin] = same_below(rules, position)
    for origin, below in needed.items():
        if below is not None and origin not in unreached(subject):
            yield Diagnostic(
                "NAT103",
                "the rules below do the same to every packet of this one",
                Label(origin, "could go"),
                (Label(below.origin, "would take its packets"),),
                help="delete it, unless the special case is to be told as well",
            )


def same_below(rules: Relations, position: int) -> Rule | None:
    """Return a rule below that would take packets of a rule, all of which keep their fate.

    None where anything would change, or that takes too much work to know.
    """
    every, stack, family = rules.list.rules, rules.stack, rules.list.family
    rule = every[position]
    boxes = rules.list.boxes[position]
    if not boxes or not rules.list.decides[position] or isinstance(rule.action, LEAVING_ALONE):
        return None
    first: int | None = None
    try:
        if stack.left(boxes, len(every), but=(position,)) is not None:
            return None  # Nothing would translate these.
        for below in set(stack.touching(boxes, position + 1, len(every))):
            for box in boxes:
                for other in rules.list.boxes[below] or ():
                    both = box & other
                    if both is None or not _is_left(rules, both, below, position):
                        continue
                    if is_by_chance(both):
                        return None
                    otherwise = differing(rule.action, every[below].action, both, family)
                    if any(_is_left(rules, part, below, position) for part in otherwise):
                        return None
                    first = below if first is None else min(first, below)
    except NotDecided:
        return None
    return None if first is None else every[first]


def _is_left(rules: Relations, packets: Box, below: int, but: int) -> bool:
    """Whether rules above one leave some of `packets` to it, when one of them is gone."""
    return rules.stack.left((packets,), below, but=(but,)) is not None
