"""A protocol is forwarded that needs a helper of connection tracking, and has none.

## Why it matters

FTP, SIP and their like tell addresses and ports inside of their packets.  A helper reads them, lets
the further connections in and translates what is told.  Since Linux 6.0 none is at work unless a
rule asks for it, so the service answers and its data never comes.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/21 on wan -> 192.168.3.10 as files          # warning: [helper-missing]
```

```host
link eth0 203.0.113.2
```

A rule of the raw table asks for it:

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/21 on wan -> 192.168.3.10 as files
```

```iptables nft
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 203.0.113.2/32 -p tcp -m tcp --dport 21 -j CT --helper ftp
COMMIT
```

Where the protocol keeps to a range of ports that is forwarded as well, or is encrypted, no helper
helps: `allow helper-missing on files because "passive mode, with ports of its own"`.

## Precision

Looked for with rules that forward the usual port of ftp, tftp, sip, pptp, h323 or irc by its
number.  Not found where a rule of the raw table that gives the helper meets their packets, where
nftables knows a helper of that kind, or where an older kernel gives helpers by itself
(`nf_conntrack_helper`).
"""

from collections.abc import Iterator

from natc.address import Family, text_of
from natc.diagnostics import Diagnostic, Label
from natc.flavours import PROGRAMS
from natc.host.doctor.patient import Patient, targets
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.ir.intervals import EMPTY, point
from natc.ir.policy import Rule as Forward
from natc.ir.space import Box
from natc.packet import PROTOCOL_NAMES
from natc.record import Record
from natc.simulate.sample import sample
from natc.targets.iptables.lift_match import Matches
from natc.targets.iptables.model import Rule

_TCP, _UDP = 6, 17


class _Kind(Record):
    """A protocol that needs a helper: its own name and number are the helper's."""

    helper: str
    protocol: int
    port: int
    modules: str


_KINDS = (
    _Kind("ftp", _TCP, 21, "nf_nat_ftp"),
    _Kind("tftp", _UDP, 69, "nf_nat_tftp"),
    _Kind("sip", _UDP, 5060, "nf_nat_sip"),
    _Kind("sip", _TCP, 5060, "nf_nat_sip"),
    _Kind("pptp", _TCP, 1723, "nf_nat_pptp"),
    _Kind("Q.931", _TCP, 1720, "nf_nat_h323"),
    _Kind("irc", _TCP, 6667, "nf_nat_irc"),
)
"""Source: net/netfilter/nf_conntrack_{ftp,tftp,sip,pptp,h323_main,irc}.c, Linux 6.18."""


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each rule and protocol."""
    if patient.facts.setting("netfilter/nf_conntrack_helper"):
        return
    for rule in patient.rules(Hook.PREROUTING):
        turned = targets(rule)
        if not turned or turned <= (patient.site(rule.family).own or EMPTY):
            continue
        for kind in _KINDS:
            box = next((box for box in rule.match.boxes if _names(box, kind)), None)
            if box is not None and not _is_helped(patient, rule.family, box, kind):
                yield _finding(rule, box, kind)


def _names(box: Box, kind: _Kind) -> bool:
    protocols, ports = box.get(Field.PROTOCOL), box.get(Field.DESTINATION_PORT)
    return (
        protocols is not None
        and kind.protocol in protocols
        and ports is not None
        and (kind.port, kind.port) in ports.ranges
    )


def _is_helped(patient: Patient, family: Family, box: Box, kind: _Kind) -> bool:
    if kind.helper in patient.facts.helpers:
        return True
    ruleset = patient.live.get(family)
    if ruleset is None:
        return True  # Nobody knows.
    matches = Matches(family)
    return any(
        other.meets(box)
        for table in ruleset.tables
        if table.name == "raw"
        for chain in table.chains
        for number, rule in enumerate(chain.rules)
        if isinstance(rule, Rule) and _gives(rule, kind.helper)
        for other in matches.boxes(rule, f"{chain.name}:{number}", table.name)
    )


def _gives(rule: Rule, helper: str) -> bool:
    return (
        rule.jump is not None
        and rule.jump.target == "CT"
        and any(each.flag == "--helper" and each.values == (helper,) for each in rule.jump.options)
    )


def _finding(rule: Forward, box: Box, kind: _Kind) -> Diagnostic:
    program, protocol = PROGRAMS[rule.family], PROTOCOL_NAMES[kind.protocol]
    to = box.get(Field.DESTINATION)
    where = f" -d {text_of(rule.family, to.first)}" if to is not None and to.size == 1 else ""
    return Diagnostic(
        "NAT509",
        f"{kind.helper} is forwarded without its helper",
        Label(rule.origin, f"connections that {protocol}/{kind.port} tells of will not come"),
        witness=sample(box.having(Field.DESTINATION_PORT, point(kind.port)), rule.family),
        help=f"`modprobe {kind.modules}; {program} -t raw -A PREROUTING{where} -p {protocol}"
        f" -m {protocol} --dport {kind.port} -j CT --helper {kind.helper}`",
    )
