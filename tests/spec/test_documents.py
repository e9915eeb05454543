"""The policies in natc's documentation are specifications too."""

from pathlib import Path

import pytest

from tests.spec.markdown import Case, cases, check

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "rules.md"
"""Made of the pages of the lint rules, whose examples tests/lint runs."""

DOCUMENTS = (*sorted({*(ROOT / "docs").rglob("*.md")} - {PAGES}), ROOT / "README.md")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{document.name}:{case.line}")
        for document in DOCUMENTS
        if document.exists()
        for case in cases(document)
    ],
)
def test_a_policy_in_the_documentation_is_valid_and_its_tests_pass(case: Case) -> None:
    """What the documentation shows must work."""
    check(case)
