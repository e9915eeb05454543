"""Definitions that nothing uses: every way of using one."""

import time

import pytest

from natc import pipeline
from natc.lint.catalogue import BY_CODE
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source

CHOSEN = (BY_CODE["NAT002"],)
ZONES = """\
zone wan { interface eth0; address { 203.0.113.2, 203.0.113.3 }; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
"""


def unused(text: str, files: dict[str, str] | None = None, node: str | None = None) -> list[str]:
    source = Source("p.nat", text)
    tree, meaning = pipeline.understand_whole(source, (files or {}).__getitem__, node)
    return [finding.primary.span.text for finding in lint(Subject(meaning, tree), CHOSEN)]


@pytest.mark.parametrize(
    "use",
    [
        "snat from x out wan -> 203.0.113.2",
        "snat from lan to not x out wan -> 203.0.113.2",
        "snat from { 10.0.0.1, x } out wan -> 203.0.113.2",
        "snat from lan except x out wan -> 203.0.113.2",
        "dnat tcp/80 on wan -> x",
        "dnat tcp/80 on wan -> x:8080",
        "static x <-> 203.0.113.3",
        "balance tcp/80 on wan -> { x weight 2, 192.168.3.9 }",
        "zone dmz { interface eth2; address x }\nmasquerade out dmz",
        "address y = x\nmasquerade from y out wan",
        'node "a" { address y = x }\naddress y = 10.0.0.1\nmasquerade from y out wan',
        'masquerade out wan\ntest "t" { tcp x:1 > 198.51.100.1:2 in lan; expect from wan }',
        'masquerade out wan\ntest "t" { tcp 10.0.0.1:1 > 198.51.100.1:2 in lan; expect from x }',
        "masquerade out wan\nassert never from x out lan : translated",
    ],
)
def test_every_way_to_use_an_address(use: str) -> None:
    assert unused(f"{ZONES}address x = 192.168.3.10\n{use}\n") == []


@pytest.mark.parametrize(
    "no_use",
    [
        "masquerade from lan out wan as x",
        "masquerade from lan out wan  # not for x",
        "masquerade set x out wan",
        'masquerade out wan\nallow NAT002 because "x"',
        'masquerade out wan\ntest "x" { icmp 10.0.0.1 > 198.51.100.1 in lan; expect from wan }',
        "masquerade from lan out { wan, x-1 }",
        'node "a" { address x = 192.168.3.11 }\nmasquerade out wan',
    ],
)
def test_the_same_word_elsewhere_is_no_use(no_use: str) -> None:
    found = unused(f"{ZONES}address x = 192.168.3.10\n{no_use}\n")
    assert set(found) == ({"x"} if "allow" not in no_use else set())


def test_services() -> None:
    text = "service a = tcp/80\nservice b = { a, tcp/81 }\nservice c = tcp/82\n"
    assert unused(f"{text}dnat b to 203.0.113.2 -> 10.0.0.1\n") == ["c"]


def test_uses_in_included_files_count_and_their_definitions_do_not() -> None:
    files = {"more.nat": "address spare = 10.0.0.9\nsnat from x out eth0 -> 203.0.113.2\n"}
    assert unused('include "more.nat"\naddress x = 10.0.0.1\naddress y = 10.0.0.2\n', files) == [
        "y"
    ]


def test_a_policy_of_many_rules_is_searched_in_no_time() -> None:
    rules = "".join(
        f"dnat tcp/{n % 60000 + 1} to 203.0.113.{n % 200 + 1} -> used\n" for n in range(20000)
    )
    text = f"address used = 10.0.0.1\naddress spare = 10.0.0.2\n{rules}"
    tree, meaning = pipeline.understand_whole(Source("p.nat", text), str)
    began = time.process_time()
    assert len(lint(Subject(meaning, tree), CHOSEN)) == 1
    assert time.process_time() - began < 1
