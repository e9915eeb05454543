"""An imported policy does what the rules do: for every packet, not for samples."""

import pytest
from hypothesis import given, note

from natc.address import Family
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.importers import import_rules
from natc.pipeline import rulesets as compiled
from natc.source import Source
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.importers.checks import check_import, policy_of
from tests.importers.kernels import kernels
from tests.strategies import DIVERSIONS, HAIRPINS, SMALL, Shape, policies
from tests.strategies.rulesets import rulesets


@pytest.mark.parametrize("shape", [SMALL, HAIRPINS, DIVERSIONS], ids=["all", "hairpins", "proxies"])
def test_what_natc_compiles_is_imported_as_it_is(shape: Shape) -> None:
    @given(policies(shape))
    def check(policy: ast.Policy) -> None:
        text = write_policy(policy)
        note(text)
        for family, ruleset in compiled(lower(parse(Source("law.nat", text)))).items():
            dump = Source("dump", write(ruleset, Form.STANDALONE))
            note(dump.text)
            check_import(read(dump, Family(family)))

    check()


@given(kernels())
def test_any_rules_are_imported_as_they_are_but_for_those_remarked_on(ruleset: Ruleset) -> None:
    note(write(ruleset, Form.SAVE))
    check_import(ruleset)


@given(rulesets())
def test_rules_that_no_kernel_takes_do_not_stop_an_import(ruleset: Ruleset) -> None:
    note(write(ruleset, Form.SAVE))
    policy_of(import_rules(ruleset))
