"""A rule that no packet reaches, because rules above take all of its packets.

## Why it matters

The first rule that matches a packet decides.  When the rules above take every packet that a rule
could match, one by one or all together, it reads like policy and does nothing.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
masquerade from 192.168.3.0/25 out wan
masquerade from 192.168.3.128/25 out wan
snat from 192.168.3.10 out wan -> 203.0.113.2                    # error: [shadowed]
snat from 192.168.3.0/24 out wan -> 203.0.113.2                  # error: [shadowed]
```

The narrow rule belongs above the wide one:

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
snat from 192.168.3.10 out wan -> 203.0.113.2
masquerade from 192.168.3.0/24 out wan
```

In rules that natc did not write, chains count as the packets come through them:

```iptables
*nat
:WEB - [0:0]
-A PREROUTING -d 203.0.113.2 -j WEB
-A WEB -s 192.0.2.0/24 -j RETURN
-A WEB -p tcp -j DNAT --to-destination 192.168.3.10
# error: [shadowed]
-A WEB -s 198.51.100.7 -p tcp --dport 443 -j DNAT --to-destination 192.168.3.11
# RETURN lets these come as far as here.
-A PREROUTING -s 192.0.2.1 -d 203.0.113.2 -p tcp --dport 443 -j DNAT --to-destination 192.168.3.12
# error: [shadowed]
-A PREROUTING -s 192.0.3.1 -d 203.0.113.2 -p tcp --dport 443 -j DNAT --to-destination 192.168.3.12
COMMIT
```

## Precision

Exact: found if and only if no packet can reach the rule.  Several rules together are seen to cover
one, and negations are ordinary sets.  What natc cannot look into (an ipset, a limit, a probability)
is free to be true or false, so that it may be covered, and covers nothing alone.  What takes too
much work is said to be undecided.  The address that `hairpin` gives to clients beside the server
may as well be given by a rule above.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.coming import taken
from natc.lint.subject import Subject
from natc.lint.unreached import Unreached, is_answered, of


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that is shadowed by rules which do something else."""
    for found in of(subject, "NAT101"):
        if found.by and is_answered(subject, found.rule, found.by):
            continue
        others = tuple(Label(rule.origin, "takes its packets") for rule in found.by)
        packet = taken(subject, found.packets, found.by)
        yield Diagnostic(
            "NAT101",
            _headline(found),
            Label(found.rule.origin, found.said_of("never reached", "by")),
            others,
            packet,
            help="move it above the rules that take its packets"
            + (", or delete it" if found.is_whole else ""),
        )
    subject.doubt_relations()


def _headline(found: Unreached) -> str:
    if not found.by:
        return "no packet comes to this rule"
    return f"no packet reaches {'this rule' if found.is_whole else 'a part of this rule'}"
