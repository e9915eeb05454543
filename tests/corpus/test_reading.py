"""Real rule sets are read whole, and come out as they went in."""

from collections import Counter

import pytest

from natc.diagnostics import PolicyError
from natc.source import Source
from natc.targets.iptables.model import Rule, Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.corpus.dumps import CORPUS, NO_RULE_SETS, Dump, dumps, rule_lines, values

pytestmark = pytest.mark.skipif(
    not (CORPUS / "INDEX.tsv").exists(), reason=f"the collection of rule sets is not at {CORPUS}"
)

DUMPS = [pytest.param(dump, id=dump.name) for dump in dumps(noisy=False)]
NOISY = [pytest.param(dump, id=dump.name) for dump in dumps(noisy=True)]

PROTOCOLS = ("tcp", "udp", "icmp", "icmp6")
"""Matches that `-p` stands for, which natc writes with their `-m`."""


def read_dump(dump: Dump) -> Ruleset:
    return read(Source(dump.name, dump.text))


def rules(ruleset: Ruleset) -> list[Rule]:
    every = [rule for table in ruleset.tables for chain in table.chains for rule in chain.rules]
    assert not any(isinstance(rule, str) for rule in every)
    return every  # type: ignore[return-value]


@pytest.mark.parametrize("dump", DUMPS)
def test_a_dump_is_read_with_every_rule_and_every_word(dump: Dump) -> None:
    ruleset = read_dump(dump)
    lines = rule_lines(dump.text)
    assert ruleset.family is dump.family
    assert len(rules(ruleset)) == len(lines)
    before = sum((values(line) for line in lines), Counter())
    after = sum((values(line) for line in rule_lines(write(ruleset, Form.SAVE))), Counter())
    assert set((after - before).elements()) <= set(PROTOCOLS)
    # `-I CHAIN 1` says where a rule stands.
    assert set((before - after).elements()) <= {"1", "2", "3"}


@pytest.mark.parametrize("dump", DUMPS)
def test_a_dump_that_is_written_is_read_as_the_same(dump: Dump) -> None:
    ruleset = read_dump(dump)
    text = write(ruleset, Form.SAVE)
    again = read(Source("written", text), ruleset.family)
    assert again == ruleset
    assert write(again, Form.SAVE) == text


@pytest.mark.parametrize("dump", DUMPS)
def test_a_rule_knows_where_it_stands(dump: Dump) -> None:
    lines = {line.strip() for line in rule_lines(dump.text)}
    assert {rule.origin.text for rule in rules(read_dump(dump))} == lines


@pytest.mark.parametrize("dump", NOISY)
def test_what_is_no_rule_set_is_one_error_at_its_line(dump: Dump) -> None:
    with pytest.raises(PolicyError) as caught:
        read_dump(dump)
    (problem,) = caught.value.diagnostics
    assert problem.code == "NAT901"
    assert problem.primary.span.line == FIRST_WRONG[dump.name]


FIRST_WRONG = {
    "noisy/PayungsakCNR+StrongSwan-IKEv2-VPN-Server__iptables-rules.v4": 6,  # <Your-IPv4-Public-IP>
    "noisy/aceqbaceq+docs__kubernetes.txt@5245": 29,  # Prose in parentheses after a rule.
    "noisy/amerinoj+3gconnect__install.sh": 4,  # $wanif
    "noisy/diekmann+Iptables_Semantics__haskell_tool__test__Suites__GoldenFiles__sqrl_2015_aug_iptables-save-spoofing-protection": 9,  # `ParsedMatch …'
    "noisy/lx1036+code__go__k8s__network__loadbalancer__kube-proxy__iptables__pkg__controller__iptables.md": 121,  # --to-destination  --random
    "noisy/s1061123+multus-proxy-k__pkg__proxy__iptables__proxier_test.go@2288": 5,  # -m  -p
    "noisy/trailofbits+algo__roles__common__templates__rules.v6.j2": 9,  # {% if … %}
    "wild/ShaunBoughey+firewall-ha__templates__iptables.rules.j2": 7,  # {% for … %}
    "wild/babylon882004+openwrtipt__iptables.txt": 20,  # X-A
}
"""File to its first line that makes no sense, found by reading it."""


def test_what_is_left_out_is_there() -> None:
    assert NO_RULE_SETS.keys() <= {dump.name for dump in dumps(noisy=True)}
    assert {dump.name for dump in dumps(noisy=True)} == FIRST_WRONG.keys()
