"""`natc doctor`: what is wrong with a gateway, as the linter says it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib import import_module

from natc.diagnostics import Diagnostic, Severity
from natc.dsl import ast
from natc.host.doctor.facts import Facts
from natc.host.doctor.patient import Patient
from natc.host.policy import Wanted
from natc.ir.policy import Policy
from natc.lint import selection
from natc.lint.allowances import judge, of_policy
from natc.lint.catalogue import BY_CODE, Entry
from natc.lint.run import defaults
from natc.lint.selection import DEFAULT, codes_of, ignored
from natc.record import replace
from natc.targets.iptables.own import wanted_parts

Check = Callable[[Patient], Iterable[Diagnostic]]

BRIDGED = "NAT413"
"""Found in policies by the linter, and on gateways by the doctor."""

_NO_LEVELS: Mapping[str, Severity] = {}


def examined(
    patient: Patient,
    chosen: Iterable[Entry] | None = None,
    levels: Mapping[str, Severity] = _NO_LEVELS,
    today: date | None = None,
) -> list[Diagnostic]:
    """Return what is wrong with a gateway, in the order of place and code.

    What could not be decided is then in `patient.undecided`.

    Args:
        chosen: what to look for; None is everything that is on.
        levels: other levels than the catalogue's, by code.
        today: decides which allowances of the policy have ended.
    """
    entries = everything() if chosen is None else chosen
    found: dict[tuple[object, ...], Diagnostic] = {}
    for entry in entries:
        for finding in _check(entry)(patient):
            key = (finding.code, finding.primary.span.source.name, finding.primary.span.start)
            severity = levels.get(finding.code, BY_CODE[finding.code].severity)
            found.setdefault(key, replace(finding, severity=severity))
    kept = tuple(found.values())
    if patient.policy is not None:
        kept = judge(of_policy(patient.policy), kept, set(), today).kept
    return sorted(kept, key=lambda finding: finding.sort_key)


def everything() -> tuple[Entry, ...]:
    """Return what is looked for unless told otherwise, in the order of the codes."""
    return (BY_CODE[BRIDGED], *defaults("doctor"))


def chosen(select: Sequence[str], ignore: Sequence[str]) -> tuple[Entry, ...]:
    """Return what is to be looked for, in the order of the codes.

    Args:
        select: codes, names, beginnings of codes; none is everything.
        ignore: what not to look for, selected or not.

    Raises:
        BadWord: a word means nothing, or what somebody else looks for.
    """
    wanted: set[str] = set()
    for word in select:
        codes = {entry.code for entry in everything()} if word == DEFAULT else codes_of(word)
        if codes != {BRIDGED}:
            selection.chosen([word], by="doctor")  # It says what is wrong with a word.
        wanted |= codes
    unwanted = {code for word in ignore for code in ignored(word)}
    return tuple(
        entry
        for entry in everything()
        if (not select or entry.code in wanted) and entry.code not in unwanted
    )


def patient_of(
    facts: Facts, wanted: Wanted, whole: tuple[ast.Policy, Policy] | None = None
) -> Patient:
    """Return a gateway that is to obey a policy.

    Args:
        whole: how the policy is written and what it means, where both are known already.
    """
    tree, meaning = (None, wanted.meaning) if whole is None else whole
    parts = {family: wanted_parts(ruleset) for family, ruleset in wanted.rulesets.items()}
    return Patient(facts, meaning, tree, parts)


def _check(entry: Entry) -> Check:
    name = entry.slug.replace("-", "_")
    check: Check = import_module(f"natc.host.doctor.findings.{name}").check
    return check
