"""Every example of every page behaves as it says."""

import pytest

from natc.ir.intervals import point
from natc.lint.catalogue import Entry
from natc.simulate import simulate
from natc.simulate.site import Site
from tests.lint.pages import (
    ENTRIES,
    EXAMPLES,
    OF_WHAT_IS_MISSING,
    PAGES,
    Example,
    check,
    examples,
    findings,
    subject_of,
)

CASES = [
    pytest.param(entry, example, id=f"{entry.slug}-{number}") for entry, number, example in EXAMPLES
]


@pytest.mark.parametrize(("entry", "example"), CASES)
def test_an_example_is_found_as_announced(entry: Entry, example: Example):
    check(example, entry.slug)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_a_page_says_what_why_and_how_exactly(entry: Entry):
    headings = [line for line in PAGES[entry.slug].splitlines() if line.startswith("## ")]
    assert headings == ["## Why it matters", "## Example", "## Precision"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_a_page_shows_the_bad_and_the_good(entry: Entry):
    page = PAGES[entry.slug]
    assert f"[{entry.slug}]" in page
    assert any(
        line and not line.startswith(("#", "*", "COMMIT", "zone")) and "# " not in line
        for example in examples(page)
        for line in example.body.splitlines()
    )


@pytest.mark.parametrize("example", [example for _, _, example in EXAMPLES])
def test_every_witness_is_a_packet_of_a_rule_that_is_shown(example: Example):
    witnessed = [found for found in findings(example) if found.witness is not None]
    if not witnessed:
        return
    subject = subject_of(example)
    for found in witnessed:
        site = Site() if subject.is_dump else None
        trace = simulate(subject.policy, found.witness, site)
        met = {
            step.rule.origin
            for outcome in trace.outcomes
            for step in outcome.steps
            if step.rule is not None
        }
        shown = {found.primary.span, *(label.span for label in found.related)}
        if found.slug in OF_WHAT_IS_MISSING:
            sources = {outcome.source for outcome in trace.outcomes}
            assert sources == {point(found.witness.source)}, f"{found.witness} is translated"
            continue
        assert met & shown, f"{found.witness} meets none of the rules of {found.code}"
