"""The gateway's own way to forwarded services."""

import pytest

from natc.lint.catalogue import BY_CODE
from natc.lint.run import lint
from tests.lint.test_sides import subject

FACTS = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
snat from lan out wan -> 203.0.113.2
"""
FORWARD = "port-forward tcp/80 on wan -> 192.168.3.10"


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        pytest.param(FORWARD, [4], id="the gateway does not reach it"),
        pytest.param(f"{FORWARD}\n{FORWARD[:-1]}1", [4], id="a rule that no packet reaches"),
        pytest.param(
            "port-forward tcp/80 on wan -> 192.168.3.1:8080", [], id="a service of the gateway"
        ),
    ],
)
def test_what_the_gateway_misses_are_services_that_others_reach(
    rules: str, lines: list[int]
) -> None:
    found = lint(subject(f"{FACTS}{rules}\n"), [BY_CODE["NAT409"]])
    assert [finding.primary.span.line for finding in found] == lines
