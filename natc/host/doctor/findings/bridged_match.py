"""Frames that pass a bridge meet natc's rules.

The finding is NAT413 of the linter, which sees it in a policy; here the machine says it.  Its page
is that of natc.lint.rules.bridged_match.

Exact: packets between hosts of a zone or network whose interface is a bridge here, and whose frames
meet iptables (br_netfilter), are followed through the policy's rules.  Source:
net/bridge/br_netfilter_hooks.c, br_nf_pre_routing(), Linux 6.18.
"""

from collections.abc import Iterator

from natc.address import FAMILIES, Family
from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Link
from natc.host.doctor.patient import TRANSLATING, Patient, Place, interfaces_of
from natc.host.doctor.sysctls import command
from natc.ir.fields import NO_USER, Field, interface
from natc.ir.intervals import point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.packet import Packet
from natc.simulate.engine import Engine
from natc.simulate.sample import sample

_SYSCTL = {
    Family.IPV4: "bridge/bridge-nf-call-iptables",
    Family.IPV6: "bridge/bridge-nf-call-ip6tables",
}


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each bridge and family."""
    for family in FAMILIES if patient.policy is not None else ():
        for place in patient.places:
            for pattern in interfaces_of(place):
                for link in patient.facts.named(pattern):
                    if link.is_bridge and _calls(patient, link, family):
                        yield from _met(patient, place, link, family)


def _calls(patient: Patient, link: Link, family: Family) -> bool:
    name = "iptables" if family is Family.IPV4 else "ip6tables"
    return name in link.calls or patient.facts.setting(_SYSCTL[family]) == 1


def _met(patient: Patient, place: Place, link: Link, family: Family) -> Iterator[Diagnostic]:
    hosts = place.subnet.of(family) - (patient.site(family).own or place.subnet.of(family))
    if not hosts or patient.policy is None:
        return
    there = interface(link.name)
    packets = Box.of(
        {
            Field.IN_INTERFACE: there,
            Field.OUT_INTERFACE: there,
            Field.SOURCE: hosts,
            Field.DESTINATION: hosts,
            Field.USER: point(NO_USER),
        }
    )
    found = _translated(patient, patient.policy, family, packets)
    if found is None:
        return
    rule, witness = found
    path = _SYSCTL[family]
    is_global = patient.facts.setting(path) == 1
    own = f"ip link set {link.name} type bridge nf_call_{path.rpartition('-')[2]} 0"
    yield Diagnostic(
        "NAT413",
        f"a rule translates packets that pass the bridge {link.name}",
        Label(rule.origin, "also what hosts beside each other send"),
        related=(Label(place.origin, f"{link.name} is a bridge, and its frames meet iptables"),),
        witness=witness,
        help=f"`{command(path, 0) if is_global else own}`, or leave them out: an `exempt` above",
    )


def _translated(
    patient: Patient, policy: Policy, family: Family, packets: Box
) -> tuple[Rule, Packet] | None:
    """Return the first rule that translates some of `packets`, and one of them."""
    for end in Engine(policy, family, patient.site(family)).ends(packets):
        for step in end.way.steps:
            if step.rule is not None and isinstance(step.rule.action, TRANSLATING):
                return step.rule, sample(end.way.packets, family)
    return None
