"""A rule of natc's and a rule of another program claim the same packets.

## Why it matters

The kernel obeys the first rule that matches.  Where Docker publishes the port that the policy
forwards, one of the two services is never reached, and which one depends on who stands first.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/5000 on wan -> 192.168.3.10 as web          # warning: [foreign-overlap]
```

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
link docker0 172.17.0.1
```

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 5000 -j DNAT --to-destination 172.17.0.2:5000
COMMIT
```

Another port, and both are reached:

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/5001 on wan -> 192.168.3.10:5000 as web
```

```host
link eth0 203.0.113.2
link eth1 192.168.3.1
link docker0 172.17.0.1
```

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 5000 -j DNAT --to-destination 172.17.0.2:5000
COMMIT
```

Where the order is meant, say so: `allow foreign-overlap on web because "…"`.

## Precision

Asked of what the kernel holds where the policy is in place, or else of what it would hold with
natc's part as the policy has it, in the place where one was applied, or else first.  Found for two
rules of one hook that do different things to packets of both, which the rules above them leave to
the first; with a packet that, followed through all hooks, comes to it.  Matches that natc does not
look into may be true for it.  Once for each statement and program.
"""

import re
from collections.abc import Iterator

from natc.address import FAMILIES
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Dump
from natc.host.doctor.overlaps import Overlap, chain_of, overlaps
from natc.host.doctor.owners import lines, owner_of
from natc.host.doctor.patient import Patient
from natc.ir.policy import Rule
from natc.record import replace
from natc.source import Source, Span
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import parts, spliced

_COMMENT = re.compile(r'--comment (?:"(?:[^"\\]|\\.)*?([^" ]+)"|(\S+))')


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each of natc's statements and each program that it meets."""
    for family in FAMILIES:
        dump = patient.facts.dump(family)
        if dump is None:
            continue
        text = _together(patient, dump)
        if text is None:
            continue
        lifted = patient.lifted(Source(dump.source.name, text), family)
        if lifted is None:
            continue
        names = [link.name for link in patient.facts.links if link.name != "lo"]
        seen: set[tuple[Span, str]] = set()
        for found in overlaps(lifted, family, patient.site(family), names):
            if isinstance(found, Rule):
                patient.doubt(f"what other programs' rules take of {_said(found)}")
                continue
            label = _own(patient, dump, found.own)
            key = label.span, _owner(found.other)
            if key not in seen:
                seen.add(key)
                yield _finding(found, label, _there(dump, found.other))


def _together(patient: Patient, dump: Dump) -> str | None:
    """Return what the kernel holds, with natc's part as it is wanted; None without such a part."""
    wanted, now = patient.wanted.get(dump.family), parts(dump.text)
    if not wanted:
        return dump.text if now else None
    if wanted.keys() == now.keys() and all(
        part.shape().is_as(wanted[table].shape(), None) for table, part in now.items()
    ):
        return dump.text  # It is in place, with its jumps where they now stand.
    current = patient.facts.current
    return spliced(dump.text, wanted, Place.FIRST if current is None else current.place)


def _own(patient: Patient, dump: Dump, rule: Rule) -> Label:
    """Return the policy's line that a kernel rule comes from, or else the rule itself."""
    found = _COMMENT.search(rule.origin.text)
    name = (found[1] or found[2]) if found else None
    if patient.policy is not None:
        for one in patient.policy.rules:
            if one.name == name and one.family is rule.family:
                return Label(one.origin)
    return _there(dump, rule)


def _there(dump: Dump, rule: Rule) -> Label:
    """Return where a rule stands in what the kernel holds now, if it does."""
    same = (line.span for line in lines(dump.source) if line.span.text == rule.origin.text)
    return Label(next(same, rule.origin))


def _owner(rule: Rule) -> str:
    return owner_of(chain_of(rule)) or "another program"


def _said(rule: Rule) -> str:
    return f"`{rule.origin.text}`"


def _finding(found: Overlap, own: Label, other: Label) -> Diagnostic:
    whose = _owner(found.other)
    mine, theirs = "decides", "is not asked"
    if not found.is_own_first:
        mine, theirs = theirs, mine
    return Diagnostic(
        "NAT505",
        f"a rule of natc and one of {whose} claim the same packets",
        replace(own, text=mine),
        related=(replace(other, text=theirs),),
        witness=found.packet,
        help="leave these packets out (`in`, `from`, `to not`), or have the other program do so;"
        " `--place first` or `last` of `natc apply` says whose rules come first",
    )
