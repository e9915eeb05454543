"""Rule sets of real machines: each is imported as it is, but for what is remarked on."""

import os
from pathlib import Path

import pytest

from natc.diagnostics import PolicyError
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.importers import import_rules
from natc.pipeline import rulesets
from natc.source import Source
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.importers.checks import check_import

CORPUS = Path(os.environ.get("NATC_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
FILES = sorted(CORPUS.glob("*/*")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason=f"no rule sets in {CORPUS}")


@pytest.fixture(params=FILES, ids=[path.name for path in FILES])
def rules(request: pytest.FixtureRequest) -> Ruleset:
    """Return the rules of one file, if natc can read them."""
    try:
        return read(Source("rules", request.param.read_text(encoding="utf-8")))
    except (PolicyError, UnicodeDecodeError) as error:
        pytest.skip(f"natc does not read it: {error}")


def test_real_rules_are_imported_as_they_are(rules: Ruleset) -> None:
    check_import(rules)


def test_what_was_imported_is_the_same_after_compiling_it_and_importing_that(
    rules: Ruleset,
) -> None:
    policy = import_rules(rules).policy
    if not statements(policy):
        pytest.skip("there is nothing that natc can express")
    (compiled,) = rulesets(lower(parse(Source("rules.nat", write_policy(policy))))).values()
    again = import_rules(read(Source("again", write(compiled, Form.STANDALONE)), rules.family))
    assert again.remarks == ()
    assert statements(again.policy) == statements(policy)


def statements(policy: ast.Policy) -> list[str]:
    """Return what a policy says, without names: some can be given to one statement only."""
    said = [s for s in policy.statements if isinstance(s, ast.Rule | ast.Static)]
    return [write_policy(ast.Policy((plain(s),))) for s in said]


def plain(statement: ast.Rule | ast.Static) -> ast.Rule | ast.Static:
    """Return a statement without its name and comments."""
    if isinstance(statement, ast.Static):
        return ast.Static(statement.inside, statement.outside, statement.clauses)
    return ast.Rule(statement.verb, statement.clauses, statement.target, statement.options)
