"""What natc writes, read back, means what the policy means: for every packet, not for samples."""

import pytest
from hypothesis import given, note

from natc.address import Family
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.pipeline import rulesets
from natc.simulate import Site, site_of
from natc.simulate.compare import compare
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.strategies import DIVERSIONS, HAIRPINS, SMALL, Shape, policies


@pytest.mark.parametrize("shape", [SMALL, HAIRPINS, DIVERSIONS], ids=["all", "hairpins", "proxies"])
def test_the_text_read_back_means_what_the_policy_means(shape: Shape) -> None:
    @given(policies(shape))
    def check(policy: ast.Policy) -> None:
        text = write_policy(policy)
        note(text)
        meaning = lower(parse(Source("law.nat", text)))
        for family, ruleset in rulesets(meaning).items():
            for form in (Form.INSTALL, Form.STANDALONE):
                dump = Source("dump", write(ruleset, form))
                note(dump.text)
                again = lift("dump", read(dump, Family(family)))
                for site in (Site(), site_of(meaning, family)):
                    assert compare(meaning, again, family, site) == []
                    assert compare(again, meaning, family, site) == []

    check()
