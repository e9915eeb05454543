"""`read` undoes `write`, for what natc compiles and for any rule set that a dump may hold."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from natc.diagnostics import PolicyError
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.pipeline import rulesets as compiled
from natc.record import replace
from natc.source import Source
from natc.targets.iptables.model import BUILT_IN, Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.strategies import Shape, policies
from tests.strategies.rulesets import rulesets


def read_back(ruleset: Ruleset, form: Form) -> Ruleset:
    text = write(ruleset, form)
    note(text)
    return read(Source("law.rules", text), ruleset.family)


def rules_of(policy: ast.Policy) -> list[Ruleset]:
    """Return what natc compiles, without policy routes: no restore text holds them."""
    made = compiled(lower(parse(Source("law.nat", write_policy(policy)))))
    return [replace(ruleset, routes=()) for ruleset in made.values()]


@given(rulesets())
def test_what_is_written_is_read_as_it_was(ruleset: Ruleset) -> None:
    assert read_back(ruleset, Form.SAVE) == ruleset


@given(policies(Shape()))
def test_what_natc_compiles_is_read_as_it_was(policy: ast.Policy) -> None:
    for ruleset in rules_of(policy):
        assert read_back(ruleset, Form.SAVE) == ruleset
        assert read_back(ruleset, Form.INSTALL) == ruleset


@given(policies(Shape()))
def test_a_standalone_text_adds_the_other_chains_and_the_policies_alone(policy: ast.Policy) -> None:
    for ruleset in rules_of(policy):
        whole = read_back(ruleset, Form.STANDALONE)
        assert write(whole, Form.SAVE) == write(ruleset, Form.STANDALONE)
        for before, after in zip(ruleset.tables, whole.tables, strict=True):
            given_ = {chain.name: chain.rules for chain in before.chains}
            built_in = BUILT_IN[after.name]
            assert after.name == before.name
            for chain in after.chains:
                assert chain.rules == given_.pop(chain.name, ())
                assert chain.policy == ("ACCEPT" if chain.name in built_in else None)
            assert given_ == {}
            assert {chain.name for chain in after.chains} >= set(built_in)


@given(policies(Shape()))
def test_texts_that_delete_what_the_kernel_holds_are_no_rule_sets(policy: ast.Policy) -> None:
    for ruleset in rules_of(policy):
        for form in (Form.REPLACE, Form.REMOVE):
            with pytest.raises(PolicyError) as caught:
                read_back(ruleset, form)
            assert {problem.code for problem in caught.value.diagnostics} == {"NAT911"}


@given(rulesets(), st.sampled_from(Form))
def test_every_rule_set_has_every_form(ruleset: Ruleset, form: Form) -> None:
    lines = write(ruleset, form).splitlines()
    assert lines.count("COMMIT") == len(ruleset.tables)


@given(rulesets())
def test_a_rule_is_the_line_that_it_comes_from(ruleset: Ruleset) -> None:
    text = write(ruleset, Form.SAVE)
    for table in read(Source("law.rules", text), ruleset.family).tables:
        for chain in table.chains:
            for rule in chain.rules:
                assert not isinstance(rule, str)
                alone = Ruleset(
                    ruleset.family, (replace(table, chains=(replace(chain, rules=(rule,)),)),)
                )
                assert rule.origin.text in write(alone, Form.SAVE).splitlines()
