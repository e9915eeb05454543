"""Rules in both iptables-legacy and iptables-nft.

## Why it matters

They are two sets of rules in one kernel, and packets meet both.  Each flavour of iptables shows
its own alone: what `iptables -L` prints is half of the truth, and which half decides depends on
which program loaded its rules last.

## Example

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

```iptables legacy
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
# error: [mixed-backends]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
COMMIT
```

Chains without rules, as an emptied table holds them, do nothing:

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

```iptables legacy
*nat
:PREROUTING ACCEPT [0:0]
COMMIT
```

The plain `iptables` is the nft one here, so the others are to move: have the program that wrote
them use it (`update-alternatives --config iptables`, then start that program anew), and take the
old ones away.

## Precision

Found when rules, not mere chains, stand in the nat or mangle table of both flavours of one family.
Rules of natc that are in the wrong flavour are NAT503 `wrong-apply-backend`.
"""

from collections.abc import Iterator, Sequence

from natc.address import FAMILIES
from natc.diagnostics import Diagnostic, Label
from natc.flavours import Flavour
from natc.host.doctor.facts import Dump
from natc.host.doctor.owners import NATC, Line, lines
from natc.host.doctor.patient import Patient
from natc.targets.iptables.own import TABLES


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each family."""
    facts = patient.facts
    for family in FAMILIES:
        for flavour in Flavour:
            other = facts.dump(family, flavour)
            host = facts.dump(family)
            if flavour is facts.flavour or host is None or other is None:
                continue
            there = [line for line in _rules(other) if line.owner != NATC]
            here = _rules(host) if there else []
            if here:
                yield _finding(other, here, there)


def _rules(dump: Dump) -> list[Line]:
    return [line for line in lines(dump.source) if line.is_rule and line.table in TABLES]


def _finding(other: Dump, here: Sequence[Line], there: Sequence[Line]) -> Diagnostic:
    tables = [name for name in TABLES if any(line.table == name for line in there)]
    clearing = "; ".join(
        f"{other.program} -t {name} -F; {other.program} -t {name} -X" for name in tables
    )
    return Diagnostic(
        "NAT502",
        "rules in both iptables-legacy and iptables-nft",
        Label(there[0].span, f"{_whose(there)}, not in the host's own flavour"),
        related=(Label(here[0].span, f"{_whose(here)}, in the host's own"),),
        notes=(f"`{other.program}-save` shows them; packets meet both",),
        help=f"have them made with the plain iptables, and clear these: `{clearing}`",
    )


def _whose(found: Sequence[Line]) -> str:
    names = dict.fromkeys(line.owner or "somebody" for line in found)
    return f"rules of {', '.join(names)}"
