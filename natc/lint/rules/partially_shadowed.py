"""A rule of which rules above take a part, and do something else with it.

## Why it matters

Neither rule is a special case of the other, so which of them decides for the packets that both
match is a matter of which happens to stand first.

## Example

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.3 } }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
snat tcp from 192.168.3.0/24 out wan -> 203.0.113.2
snat from 192.168.3.10 out wan -> 203.0.113.3            # warning: [partially-shadowed]
```

What stands first in the file decides; a special case above the general one is no finding:

```nat
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.3 } }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
exempt from 192.168.3.0/24 to 10.8.0.0/16
snat from 192.168.3.10 out wan -> 203.0.113.3
snat from 192.168.3.0/24 out wan -> 203.0.113.2
```

## Precision

Exact: some packet matches both, the rule above decides on it, and the two would treat it
differently.  An `exempt` above is meant as an exception and is no finding, nor is a rule that gives
another address than `hairpin` to clients beside the server.  Of very many such rules the first
eight are named.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.coming import witness
from natc.lint.one_to_one import one_to_one
from natc.lint.relations import Meeting, Relations
from natc.lint.subject import Subject
from natc.lint.unreached import is_answered


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that rules above take a part of."""
    for rules in subject.relations.values():
        for meeting in rules.meetings:
            found = _finding(subject, rules, meeting)
            if found is not None:
                yield found
    subject.doubt_relations()


def _finding(subject: Subject, rules: Relations, meeting: Meeting) -> Diagnostic | None:
    every = rules.list.rules
    rule = every[meeting.position]
    others = [every[position] for position in meeting.others]
    fixed = one_to_one(subject)
    if rule.origin in fixed and others[0].origin in fixed:
        return None  # NAT107 tells it.
    if is_answered(subject, rule, others):
        return None
    places = dict.fromkeys(other.origin for other in others)
    packet = witness(subject, others[0], within=meeting.packets)
    if packet is None:
        return None  # No packet comes as far as both.
    return Diagnostic(
        "NAT104",
        "rules above take a part of this rule's packets and do something else",
        Label(rule.origin, "does not see all that it matches"),
        tuple(Label(place, "decides where both match") for place in places),
        packet,
        help="put the special case above the general one, or keep the two apart",
    )
