"""One mistake is one finding, and what is said of it is true of all of the statement."""

import pytest

from natc.diagnostics import Diagnostic
from natc.lint.run import lint
from tests.lint import dumps
from tests.lint.test_sides import subject

WAN = "zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }\n"
LAN = "zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }\n"
FORWARD = "port-forward tcp/443 on wan -> 192.168.3.10 hairpin\n"
PUBLISHED = "port-forward tcp/443 on wan -> 192.168.3.10\n"


def found(rules: str) -> list[Diagnostic]:
    return lint(subject(WAN + LAN + rules))


@pytest.mark.parametrize(
    "above",
    [
        pytest.param("snat from lan out lan -> 192.168.3.1", id="covers"),
        pytest.param("snat tcp from lan out lan -> 192.168.3.1", id="in part"),
        pytest.param("masquerade from lan out lan", id="otherwise"),
        pytest.param("masquerade tcp from 192.168.3.0/25 out lan", id="otherwise in part"),
    ],
)
def test_a_hairpin_that_needs_one_rule_less_is_no_finding(above: str) -> None:
    """To delete the statement, or what it says, would take the service away."""
    told = found(f"snat from lan out wan -> 203.0.113.2\n{above}\n{FORWARD}")
    assert [one.code for one in told if one.primary.span.line == 5] == []


def test_half_of_a_statement_that_is_not_reached_is_called_a_half() -> None:
    (shadowed,) = found(
        "snat from lan out wan -> 203.0.113.2\nstatic 192.168.3.25 <-> 203.0.113.20 on wan\n"
        'allow NAT403 because "the ISP routes it here"\n'
    )
    assert shadowed.message == "no packet reaches a part of this rule"
    assert shadowed.primary.text == "never reached by packets that leave"
    assert shadowed.help == "move it above the rules that take its packets"


def test_a_forward_that_is_never_in_force_lacks_no_hairpin() -> None:
    again = PUBLISHED.replace(".10", ".11")
    told = found(f"snat from lan out wan -> 203.0.113.2\n{PUBLISHED}{again}")
    assert [(one.code, one.primary.span.line) for one in told] == [("NAT401", 4), ("NAT108", 5)]


def test_a_rule_that_decides_in_many_ways_is_shown_once() -> None:
    two = WAN.replace("203.0.113.2;", "{ 203.0.113.2, 203.0.113.20 };")
    below = "dnat tcp/443 to 203.0.113.2 -> 192.168.3.11\n"
    policy = f"{two}{LAN}snat from lan out wan -> 203.0.113.2\n{FORWARD}{below}"
    (partly,) = lint(subject(policy))
    assert partly.code == "NAT104"
    assert [label.span.line for label in partly.related] == [4]


def test_chains_of_a_text_for_noflush_wait_for_rules_of_others() -> None:
    """So ufw has them in its before.rules."""
    text = ":ufw-before-input - [0:0]", "-A ufw-before-input -i lo -j ACCEPT"
    assert dumps.lines_of(dumps.subject(*text, table="filter"), "NAT002") == []
    assert dumps.lines_of(dumps.subject(*text), "NAT002") == []


def test_chains_that_a_firewall_keeps_for_later_are_its_own_business() -> None:
    text = ":INPUT ACCEPT [0:0]", ":logdrop - [0:0]", "-A INPUT -i lo -j ACCEPT"
    assert dumps.lines_of(dumps.subject(*text, table="filter"), "NAT002") == []


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10", "NAT405", "`-d "),
        ("-A POSTROUTING -s 192.168.1.0/24 -j MASQUERADE", "NAT406", "`-o "),
        ("-A POSTROUTING -o eth0 -j SNAT --to-source 203.0.113.2-203.0.113.9", "NAT305", "`--pers"),
        ("-A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 3128", "NAT307", "`-m owner"),
    ],
)
def test_help_for_a_dump_has_the_words_of_iptables(line: str, code: str, word: str) -> None:
    (finding,) = dumps.found(dumps.subject(line), code)
    assert finding.help is not None
    assert word in finding.help
