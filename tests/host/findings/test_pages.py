"""Every example of every page of a host finding behaves as it says."""

from importlib import import_module
from pathlib import Path

import pytest

from natc.diagnostics import text
from natc.host.doctor import findings
from natc.host.doctor.examination import BRIDGED, examined
from natc.lint.catalogue import BY_CODE, Entry
from natc.simulate import simulate
from tests.host.findings.pages import (
    CASES,
    FINDINGS,
    PAGES,
    Case,
    announced,
    cases,
    found,
    patient_of,
)

PARAMETERS = [pytest.param(entry, case, id=f"{entry.slug}-{n}") for entry, n, case in CASES]


@pytest.mark.parametrize(("entry", "case"), PARAMETERS)
def test_an_example_is_found_as_announced(entry: Entry, case: Case):
    said = {one for one in found(case) if one[3] == entry.slug}
    assert said == announced(case), text.render(examined(patient_of(case)))


@pytest.mark.parametrize("entry", FINDINGS, ids=lambda entry: entry.slug)
def test_a_page_says_what_why_and_how_exactly(entry: Entry):
    headings = [line for line in PAGES[entry.slug].splitlines() if line.startswith("## ")]
    assert headings == ["## Why it matters", "## Example", "## Precision"]


@pytest.mark.parametrize(
    "entry", [one for one in FINDINGS if one.by == "doctor"], ids=lambda entry: entry.slug
)
def test_a_page_shows_the_bad_and_the_good(entry: Entry):
    said = [bool(announced(case)) for case in cases(PAGES[entry.slug])]
    assert True in said
    assert False in said


def test_every_module_has_a_row():
    modules = {path.stem for path in Path(*findings.__path__).glob("*.py")} - {"__init__"}
    bridged = BY_CODE[BRIDGED].slug.replace("-", "_")
    assert modules == {entry.module.rpartition(".")[2] for entry in FINDINGS} | {bridged}


@pytest.mark.parametrize("entry", FINDINGS, ids=lambda entry: entry.slug)
def test_what_the_doctor_finds_has_a_check(entry: Entry):
    assert hasattr(import_module(entry.module), "check") == (entry.by == "doctor")


@pytest.mark.parametrize("case", [case for _, _, case in CASES])
def test_every_finding_says_what_mends_it(case: Case):
    for finding in examined(patient_of(case)):
        assert finding.help
        assert not finding.message.endswith(".")


@pytest.mark.parametrize("case", [case for _, _, case in CASES])
def test_a_witness_of_a_policy_is_a_packet_of_a_rule_that_is_shown(case: Case):
    patient = patient_of(case)
    for finding in examined(patient):
        if finding.witness is None or patient.policy is None:
            continue
        steps = [s for o in simulate(patient.policy, finding.witness).outcomes for s in o.steps]
        met = {step.rule.origin for step in steps if step.rule is not None}
        assert met & {finding.primary.span, *(label.span for label in finding.related)}
