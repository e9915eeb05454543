"""What a rule forwards is dropped by the filter table.

## Why it matters

The filter table sees packets after their destination is translated.  A rule there for the public
port accepts nothing that was forwarded; the service is dead, and looks alive in the nat table.

## Example

```iptables
*nat
# error: [forward-dropped]
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 192.168.3.10:80
-A PREROUTING -i eth0 -p tcp --dport 8443 -j DNAT --to-destination 192.168.3.10:443
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth0 -p tcp --dport 8080 -j ACCEPT
-A FORWARD -i eth0 -d 192.168.3.10/32 -p tcp --dport 443 -j ACCEPT
COMMIT
```

Accept the server's address and port in FORWARD.

## Precision

Found when every packet that the rule turns and that leaves the machine is certain to be dropped,
whatever marks, ipsets and other opaque matches say.  Looked for where the dump holds the filter
table, the rule names an address, and the chains are not too many to follow.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Drop, Hook
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.lint.followed import ends
from natc.lint.forwards import forwards, servers
from natc.lint.ordinary import shown
from natc.lint.sides import INTERNET, PRIVATE
from natc.lint.subject import Subject
from natc.simulate.engine import End
from natc.simulate.single import box_of

_NOWHERE = point(0)
"""The way out of packets that end at the machine itself."""

_MOST_RULES = 1_000
_MOST_ENDS = 256
"""Parts of the packets of one rule that are followed to their end."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each forward whose packets are all dropped."""
    for (family, hook), rules in subject.rules.items() if subject.is_dump else ():
        dropping = [rule for rule in rules if isinstance(rule.action, Drop)]
        if hook is not Hook.FILTER_FORWARD or not dropping:
            continue
        turning = [one for one in forwards(subject, family) if _goes_somewhere(one[1])]
        if len(turning) > _MOST_RULES:
            subject.undecided.append("whether the filter table drops what so many rules forward")
        for position, rule in turning[:_MOST_RULES]:
            end = _dropped(subject, position, rule)
            if end is not None:
                droppers = [step.rule for step in end.way.steps if step.rule in dropping]
                yield Diagnostic(
                    "NAT411",
                    "what a rule forwards is dropped by the filter table",
                    Label(rule.origin, "none of it gets through FORWARD"),
                    related=tuple(Label(one.origin, "drops it") for one in droppers if one),
                    witness=shown(subject, family, end.way.packets),
                    help="accept the translated address and port in FORWARD",
                )


def _goes_somewhere(rule: Rule) -> bool:
    """Whether a host can have the new address: `0.0.0.0` is a way to drop packets."""
    hosts = INTERNET[rule.family] | PRIVATE[rule.family]
    return any(server.addresses & hosts for server in servers(rule.action))


def _dropped(subject: Subject, position: int, rule: Rule) -> End | None:
    """Return an end of packets that a rule turns, if all that leave are dropped; else None."""
    boxes = subject.lists[rule.family, Hook.PREROUTING].boxes[position] or ()
    found: list[End] = []
    # One packet tells of most rules that there is a way through.
    for packets in (*(box_of(shown(subject, rule.family, box)) for box in boxes[:1]), *boxes):
        for count, end in enumerate(ends(subject, rule.family, packets)):
            if count == _MOST_ENDS:
                doubt = f"whether the filter table drops all that `{rule.name}` forwards"
                subject.undecided.append(doubt)
                return None
            turned = any(step.rule is rule for step in end.way.steps)
            if turned and end.way.packets.get(Field.OUT_INTERFACE) != _NOWHERE:
                if end.verdict != "dropped":
                    return None
                found.append(end)
    return min(found, key=_oddity, default=None)


def _oddity(end: End) -> tuple[int, int, int]:
    """Return how little an end is like others: what it takes for granted, and what stayed."""
    known = end.way.packets.conditions
    return sum(not condition.negated for condition in known), len(known), -len(end.way.moved)
