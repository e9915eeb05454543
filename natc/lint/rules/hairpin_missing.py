"""Clients beside a server do not reach it by its public address.

## Why it matters

A host in the server's own network that asks for the public address meets the gateway itself, or,
where the rule sees it, gets an answer straight from the server, from an address that it never
asked: it drops the answer.  The service works from the internet and fails inside.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10                # warning: [hairpin-missing]
port-forward tcp/81 to 203.0.113.2 -> 192.168.3.10        # warning: [hairpin-missing]
port-forward tcp/82 on wan -> 192.168.3.10 hairpin
port-forward tcp/83 on wan from 198.51.100.0/24 -> 192.168.3.10
snat from lan out wan -> 203.0.113.2
```

`hairpin` adds what is missing; `static` has no such word, and a `dnat … hairpin` above it does the
same for some ports.  Where the inside asks for the server's own address, since its DNS
answers so, nothing is missing: say that in an `allow`.

## Precision

Found when no packet that a host of the server's zone or network can send to the public address
reaches a server and gets its answer, for the gateway's own addresses: what is asked of others
leaves, and may come back.  A rule whose `from` holds no such host, and one that sees packets from
inside zones only, promise nothing to them, nor does one that no packet reaches.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.fields import Field
from natc.ir.intervals import EMPTY, IntervalSet
from natc.ir.policy import Rule
from natc.ir.space import Box
from natc.lint.answers import unanswered
from natc.lint.forwards import forwards, restricted, servers
from natc.lint.one_to_one import one_to_one
from natc.lint.ordinary import shown
from natc.lint.sides import Side, Sides, sides
from natc.lint.subject import Subject
from natc.lint.unreached import unreached


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that leaves the neighbours of its server out."""
    told = unreached(subject)
    for family, known in sides(subject).items():
        for _, rule in forwards(subject, family):
            if rule.origin in told and told[rule.origin].rule.hook is rule.hook:
                continue  # It is in force for nobody, which is another finding.
            for side, clients in _clients(rule, known):
                unserved = unanswered(subject, known, side, clients)
                if unserved is not None:
                    yield Diagnostic(
                        "NAT401",
                        "clients beside the server do not reach it by its public address",
                        Label(rule.origin, f"nothing for the hosts of `{side.name}`"),
                        related=(Label(side.origin, "holds the server"),),
                        witness=shown(subject, family, unserved),
                        help=f"{_remedy(subject, rule)}, or let DNS inside answer with the "
                        "server's address",
                    )
                    break


def _remedy(subject: Subject, rule: Rule) -> str:
    pair = one_to_one(subject).get(rule.origin)
    if pair is not None and pair.inward.origin == pair.outward.origin:  # A `static`.
        return "put a `dnat … hairpin` of its ports above it"
    return "add `hairpin`"


def _clients(rule: Rule, known: Sides) -> Iterator[tuple[Side, Box]]:
    """Yield what the hosts beside each server of a rule can send to its public address."""
    for box in rule.match.boxes:
        asked = _asked_for(box, known)
        for side in _holders(rule, known) if asked else ():
            clients = restricted(
                box.having(Field.IN_INTERFACE, None)
                .having(Field.DESTINATION, None)
                .having(Field.LOCAL_DESTINATION, None),
                {
                    Field.IN_INTERFACE: side.interfaces,
                    Field.SOURCE: side.hosts,
                    Field.DESTINATION: asked,
                },
            )
            if clients is not None:
                yield side, clients


def _holders(rule: Rule, known: Sides) -> Iterator[Side]:
    """Yield the sides that hold a rule's servers, each once."""
    sides_ = {}
    for server in servers(rule.action):
        side = known.holder(server.addresses)
        if side is not None and not server.addresses & known.own:
            sides_[side.name] = side
    yield from sides_.values()


def _asked_for(box: Box, known: Sides) -> IntervalSet:
    """Return the public addresses that a rule is for; none if it is for inside zones only."""
    arriving, asked = box.sets[Field.IN_INTERFACE], box.sets[Field.DESTINATION]
    if asked is not None and not known.owns_one_of(asked):
        return EMPTY
    if known.outside and arriving is not None and not arriving & known.outside_interfaces:
        return EMPTY
    if box.get(Field.LOCAL_DESTINATION) is not None:
        return IntervalSet.of(r for side in known.by(arriving) for r in side.own.ranges)
    if asked is None or asked.size == 1:
        return asked or EMPTY
    return asked & known.own
