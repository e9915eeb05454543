"""The documents that show rules and the policies that they become."""

from itertools import pairwise
from pathlib import Path

import pytest

from natc.address import Family
from natc.dsl.format import format as write_policy
from natc.importers import import_rules
from natc.source import Source
from natc.targets.iptables.read import read
from tests.spec.markdown import Case, cases, check

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "tests" / "importers" / "rules.md", ROOT / "docs" / "import.md")
HEAD = "# Imported from "


def pairs() -> list[tuple[str, Case, Case]]:
    """Return the rules and policies that follow each other."""
    found = []
    for document in DOCUMENTS:
        shown = list(cases(document))
        for rules, policy in pairwise(shown):
            if rules.kind == "iptables" and policy.kind == "nat":
                found.append((f"{document.name}:{rules.line} {rules.title}", rules, policy))
    return found


@pytest.mark.parametrize(
    ("rules", "policy"), [pytest.param(r, p, id=name) for name, r, p in pairs()]
)
def test_rules_become_the_policy_that_is_shown(rules: Case, policy: Case) -> None:
    family = next(
        (Family(int(word[7:])) for word in rules.words if word.startswith("family=")), None
    )
    made = write_policy(
        import_rules(read(Source("rules.v4", rules.text), family), "rules.v4").policy
    )
    assert policy.text == (made if policy.text.startswith(HEAD) else without_head(made))
    check(policy)


def without_head(policy: str) -> str:
    """Return a policy without what it says of the whole import."""
    lines = policy.split("\n")
    gap = lines.index("")
    kept = [line for line in lines[:gap] if line.startswith("# not expressed")]
    return "\n".join([*kept, *lines[gap + 1 :]])
