"""A source rule hides who asks from a server that is reached by a port forward.

## Why it matters

A forwarded connection passes the source phase too.  A rule there without `from`, or for more than
the inside, gives it the gateway's address: the server sees one client for the whole internet, and
its logs, limits and bans hit everybody or nobody.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10 hairpin
masquerade out lan                                     # warning: [hides-client]
masquerade from lan out wan
```

What `hairpin` translates are clients inside, who would get no answer otherwise.

Where the server has no route back by this gateway, the rule is needed: say so in an `allow`.

## Precision

Found when a packet from the internet that comes by an outside zone is turned to a server by a
rule and then gets another source by the rule found: both phases are looked at together, and the
packet is followed through all rules.

private-leak (NAT402) tells which zones are outside.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.arrivals import Arrivals
from natc.lint.sides import TRANSLATING_SOURCE, Sides, sides
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each source rule that translates forwarded packets from outside."""
    for family, known in sides(subject).items():
        if not known.outside:
            continue
        arrivals: Arrivals | None = None
        inside: dict[IntervalSet | None, bool] = {}
        for position, rule in enumerate(subject.rules.get((family, Hook.POSTROUTING), ())):
            if not isinstance(rule.action, TRANSLATING_SOURCE) or not _may_hide(
                rule, known, inside
            ):
                continue
            arrivals = arrivals or Arrivals(subject, known)
            found = arrivals.translated_by(position)
            if found is not None:
                packet, forward = found
                yield Diagnostic(
                    "NAT410",
                    "a source rule hides the clients of a port forward",
                    Label(rule.origin, "gives forwarded packets the gateway's address"),
                    related=(Label(forward.origin, "sends them to the server"),),
                    witness=packet,
                    help="say `from` for the hosts inside that it is for",
                )


def _may_hide(rule: Rule, known: Sides, inside: dict[IntervalSet | None, bool]) -> bool:
    """Whether a rule takes packets from the internet that leave by a side inside."""
    for box in rule.match.boxes:
        out, source = box.sets[Field.OUT_INTERFACE], box.sets[Field.SOURCE]
        if out not in inside:
            inside[out] = any(not side.is_outside for side in known.by(out))
        if inside[out] and (source is None or source & known.abroad):
            return True
    return False
