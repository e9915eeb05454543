"""A rule whose conditions exclude each other.

## Why it matters

No packet can ever match: the rule reads like a policy and does nothing.  Often a jump narrows
packets down to one protocol or network, and a rule in the chain asks for another.

## Example

```nat
address lan = 192.168.3.0/24
zone wan { interface eth0; address 203.0.113.2 }
zone guest { interface eth2 }
snat from lan on wan out guest -> 203.0.113.2  # error: [impossible-match]
snat from lan out wan -> 203.0.113.2
```

```iptables
*nat
:WEB - [0:0]
# error: [impossible-match]
-A PREROUTING -s 192.168.3.7 -m iprange --src-range 192.168.3.8-192.168.3.9 -j ACCEPT
-A PREROUTING -i eth1 -p tcp -j WEB
# error: [impossible-match]
-A WEB -i eth1 -p udp -m udp --dport 443 -j REDIRECT --to-ports 8443
-A WEB -i eth1 -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8443
COMMIT
```

## Precision

Exact for interfaces, addresses, protocols, ports and users, within a rule and together with the
jumps that lead to it, and within a rule for marks and ipsets.  The states of connection tracking
are left out.  A rule in a chain that packets come to on several ways is reported if it fits none.
In table filter, jumps are not looked at: programs make chains there that only some gateways need.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import Place, places
from natc.lint.misfits import TABLES, misfits
from natc.lint.subject import Subject
from natc.targets.iptables.lift_match import Matches
from natc.targets.iptables.model import Rule

_STATES = frozenset({"state", "conntrack"})
"""Modules that the model reads for first packets of connections only."""

_Names = dict[tuple[Family, str], set[str]]
"""By family and table, the rules that hold something: `CHAIN:number`."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule of a dump that no packet can match."""
    if not subject.is_dump:
        return
    lifted: _Names = {}
    for (family, hook), rules in subject.rules.items():
        lifted.setdefault((family, TABLES[hook]), set()).update([rule.name for rule in rules])
    for place in places(subject):
        yield from _in_themselves(place, lifted.get((place.family, place.table), set()))
    for rule, jump in misfits(subject):
        related = (Label(jump.origin, "lets through something else"),)
        yield _finding(Label(rule.origin, "never what comes to this chain"), related)


def _in_themselves(place: Place, lifted: set[str]) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that holds nothing; those that were lifted hold something."""
    matches = Matches(place.family)
    for number, rule in enumerate(place.rules, 1):
        name = f"{place.name}:{number}"
        if rule.matches and name not in lifted:
            kept = tuple([match for match in rule.matches if match.module not in _STATES])
            if not matches.boxes(Rule(kept, rule.jump), name, place.table):
                yield _finding(Label(rule.origin, "no packet is all of this"))


def _finding(label: Label, related: tuple[Label, ...] = ()) -> Diagnostic:
    message = "a rule whose conditions exclude each other"
    return Diagnostic("NAT006", message, label, related)
