"""What forbids an apply, asked at every apply: so it loads and asks no more than it must."""

import re
from datetime import date

from natc.diagnostics import Diagnostic, Severity
from natc.host.doctor.facts import Facts
from natc.host.doctor.findings import mixed_backends, wrong_apply_backend
from natc.host.doctor.gather import essentials
from natc.host.doctor.patient import Patient
from natc.host.gateway import Gateway
from natc.host.policy import Wanted
from natc.record import replace
from natc.targets.iptables.own import wanted_parts

BLOCKING = ("NAT501", "NAT502", "NAT503", "NAT506")
"""Errors with which an apply is refused: its rules would do nothing, or compete with others."""

_FORWARDING = re.compile(r"/ipv4/(ip_forward|conf/[^/]+/forwarding)|/ipv6/conf/all/forwarding")


def blocking(wanted: Wanted, gateway: Gateway, backend: str) -> list[Diagnostic]:
    """Return the errors with which a policy is not to be applied; cheap.

    What cannot be looked at blocks nothing.
    """
    facts = replace(essentials(gateway, is_brief=True), backend=backend)
    # What the policy means takes longer to say than all else, and mostly does not matter.
    if not _asks_for_meaning(facts, wanted) and not _is_found_without_policy(facts):
        return []
    from natc.host.doctor.examination import examined, patient_of  # noqa: PLC0415
    from natc.lint.catalogue import BY_CODE  # noqa: PLC0415

    entries = [BY_CODE[code] for code in BLOCKING]
    found = examined(patient_of(facts, wanted), entries, today=date.today())  # noqa: DTZ011
    return [finding for finding in found if finding.severity is Severity.ERROR]


def _is_found_without_policy(facts: Facts) -> bool:
    """Whether a finding is there that needs no policy; those are NAT502 and NAT503."""
    patient = Patient(facts)
    checks = (mixed_backends.check, wrong_apply_backend.check)
    return any(True for check in checks for _ in check(patient))


def _asks_for_meaning(facts: Facts, wanted: Wanted) -> bool:
    """Whether a setting is off that the policy may need, or a rule leads to the loopback."""
    return any(
        value == "0" and _FORWARDING.search(path) for path, value in facts.settings.items()
    ) or any(
        " 127." in rule
        for ruleset in wanted.rulesets.values()
        for part in wanted_parts(ruleset).values()
        for rules in part.chains.values()
        for rule in rules
    )
