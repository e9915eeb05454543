"""What docs/traces.md shows is what natc prints.

`pytest --update-golden` rewrites it; read `git diff` before you commit it.
"""

import pytest

from tests.cli.program import ROOT
from tests.spec.consoles import Console, consoles, printed, rewrite

DOCUMENT = ROOT / "docs" / "traces.md"


@pytest.fixture(scope="module", autouse=True)
def _rewritten(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        rewrite(DOCUMENT)


@pytest.mark.parametrize("number", range(len(list(consoles(DOCUMENT)))))
def test_a_command_prints_what_the_document_shows(number: int) -> None:
    shown: Console = list(consoles(DOCUMENT))[number]
    assert printed(shown.command) == shown.output, f"{DOCUMENT.name}:{shown.line}"


def test_every_example_network_is_there() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in (
        "company",
        "forward-80-to-10080",
        "share-static",
        "pool",
        "proxy-redirect",
        "balance",
    ):
        assert f"policies/{name}.nat" in text
