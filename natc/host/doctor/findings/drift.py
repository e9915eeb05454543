"""The rules in the kernel no longer do what was applied.

## Why it matters

Somebody flushed a chain, put a rule of their own before natc's, or loaded other rules over them.
The policy says one thing, and packets meet another.

## Example

```applied
*nat
:PREROUTING ACCEPT [0:0]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
# warning: [drift]
-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.11
COMMIT
```

Rules that differ in their words alone are the same:

```applied
*nat
:PREROUTING ACCEPT [0:0]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:NATC-PRE - [0:0]
-A PREROUTING -m comment --comment natc -j NATC-PRE
-A NATC-PRE -i eth0 -p tcp -m multiport --dports 80 -j DNAT --to-destination 192.168.3.10
COMMIT
```

## Precision

Exact: what the kernel holds is compared, for all packets, with the same rules where natc's part is
what the kernel printed after the last apply, in its place.  Rules of other programs that change
are no drift, unless they stand where natc's came first.  Once for each family, with one of the
packets.
"""

from collections.abc import Iterator

from natc.address import FAMILIES
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Current, Dump
from natc.host.doctor.owners import NATC, lines
from natc.host.doctor.patient import Patient
from natc.ir.actions import Note
from natc.ir.policy import Rule
from natc.simulate import words
from natc.simulate.compare import Difference, Treatment, Undecided, compare
from natc.simulate.sample import sample
from natc.source import Source, Span
from natc.targets.iptables.own import parts, spliced


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each family."""
    current = patient.facts.current
    for family in FAMILIES if current is not None else ():
        dump = patient.facts.dump(family)
        if dump is not None and current is not None and family in current.saved:
            yield from _drifted(patient, dump, current)


def _drifted(patient: Patient, dump: Dump, current: Current) -> Iterator[Diagnostic]:
    family = dump.family
    saved = parts(current.saved[family])
    now = parts(dump.text)
    if saved.keys() == now.keys() and all(
        now[table].is_as(saved[table], current.place) for table in saved
    ):
        return  # Word for word.
    source = Source(f"{current.folder}/saved.v{family.value}", _right(dump, current))
    live, right = (patient.lifted(text, family) for text in (dump.source, source))
    if live is None or right is None:
        return
    try:
        found = compare(live, right, family, patient.site(family))
    except Undecided:
        patient.doubt(f"whether the {family} rules still do what was applied")
        return
    if found:
        yield _finding(patient, dump, source, found, current)


def _right(dump: Dump, current: Current) -> str:
    return spliced(dump.text, parts(current.saved[dump.family]), current.place)


def _finding(
    patient: Patient, dump: Dump, right: Source, found: list[Difference], current: Current
) -> Diagnostic:
    family = dump.family
    first = found[0]
    names = [link.name for link in patient.facts.links if link.name != "lo"]
    is_, was = (
        words.fates(side.fates, first.packets, family) for side in (first.left, first.right)
    )
    lost = [Label(rule.origin, f"was applied: {was}") for rule in _deciders(first.right)]
    here = [Label(rule.origin, f"decides now: {is_}") for rule in _deciders(first.left)]
    rest = len(found) - 1
    more = () if not rest else (f"{rest} more set{'s' if rest > 1 else ''} of packets differ",)
    policy = current.policy or "POLICY"
    return Diagnostic(
        "NAT511",
        f"the {family} rules no longer do what was applied",
        here[0] if here else _anywhere(dump, right, is_),
        related=tuple(lost[:1]),
        witness=sample(first.packets, family, names),
        notes=more,
        help=f"`natc apply {policy}` puts them right",
    )


def _deciders(treatment: Treatment) -> list[Rule]:
    return [rule for rule in treatment.rules if not isinstance(rule.action, Note)]


def _anywhere(dump: Dump, right: Source, is_: str) -> Label:
    """Return natc's first line, or where it was: no rule decides now."""
    for source in (dump.source, right):
        for line in lines(source):
            if line.owner == NATC:
                return Label(line.span, f"nothing here decides now: {is_}")
    return Label(Span(right, 0, 0), f"nothing decides now: {is_}")
