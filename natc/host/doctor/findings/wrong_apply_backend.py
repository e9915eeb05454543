"""natc's rules, or the way to put them in place, belong to the other flavour of iptables.

## Why it matters

iptables-legacy and iptables-nft are two sets of rules in one kernel, and packets meet both.  natc's
rules of yesterday in the one and of today in the other both translate.  python-iptables
(`--backend libiptc`) always writes legacy rules, whatever the host uses.

## Example

```host
iptables = nft
```

```iptables legacy
*nat
:PREROUTING ACCEPT [0:0]
# error: [wrong-apply-backend]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

In the flavour that the plain `iptables` means, they are right:

```host
iptables = legacy
```

```iptables legacy
*nat
:PREROUTING ACCEPT [0:0]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

## Precision

Found when a chain of natc's stands in the flavour that the plain `iptables` does not mean, and when
libiptc is chosen, or was used, where it means nf_tables.
"""

from collections.abc import Iterator

from natc.address import FAMILIES
from natc.diagnostics import Diagnostic, Label
from natc.flavours import Flavour
from natc.host.doctor.facts import Dump
from natc.host.doctor.owners import NATC, lines
from natc.host.doctor.patient import Patient
from natc.source import Source, Span

_CODE = "NAT503"


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for the backend, and for each family whose rules are in the wrong place."""
    facts = patient.facts
    used = None if facts.current is None else facts.current.backend
    if "libiptc" in (facts.backend, used) and facts.flavour is Flavour.NFT:
        source = Source("iptables-restore --version", f"{facts.version}\n")
        yield Diagnostic(
            _CODE,
            "libiptc writes legacy rules, and this host's iptables is nf_tables",
            Label(Span(source, 0, len(facts.version)), "packets would meet two sets of rules"),
            help="`natc apply POLICY --backend restore`",
        )
    if facts.flavour is None:
        return
    for family in FAMILIES:
        for flavour in Flavour:
            dump = facts.dump(family, flavour)
            if flavour is not facts.flavour and dump is not None:
                yield from _misplaced(dump)


def _misplaced(dump: Dump) -> Iterator[Diagnostic]:
    if "NATC-" not in dump.text:
        return  # Mostly so, and seen much sooner.
    for line in lines(dump.source):
        if line.owner == NATC:
            program = dump.program
            yield Diagnostic(
                _CODE,
                "natc's rules are in the flavour of iptables that is not the host's",
                Label(line.span, f"`{program}` alone shows them"),
                help=f"take them away: `{program}-save -c | grep -v NATC- |"
                f" {program}-restore -c -w 5`",
            )
            return
