"""`allow`: what it silences, and when it is stale."""

from datetime import date

import pytest

from natc import pipeline
from natc.diagnostics import PolicyError, Severity
from natc.lint.catalogue import BY_CODE, Entry
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source
from tests.lint import dumps
from tests.lint.test_bounded import Work

RULES = """\
address spare = 192.168.3.99
address other = 192.168.3.98
dnat tcp/80 to 203.0.113.2 -> 192.168.3.10 as web
dnat tcp/80 to 203.0.113.2 -> 192.168.3.10 as again
"""
CHOSEN = tuple(BY_CODE[code] for code in ("NAT002", "NAT010", "NAT106"))


def found(
    text: str, today: date | None = None, chosen: tuple[Entry, ...] = CHOSEN
) -> list[tuple[str, int]]:
    tree, meaning = pipeline.understand_whole(Source("p.nat", RULES + text), str)
    findings = lint(Subject(meaning, tree, today=today), chosen)
    return [(finding.code, finding.primary.span.line) for finding in findings]


def test_without_an_allowance_all_is_found():
    assert found("") == [("NAT002", 1), ("NAT002", 2), ("NAT106", 4)]


@pytest.mark.parametrize("name", ["NAT002", "unused-definition"])
def test_an_allowance_without_a_rule_is_for_the_whole_policy(name: str):
    assert found(f'allow {name} because "later"\n') == [("NAT106", 4)]


@pytest.mark.parametrize("rule", ["web", "again"])
def test_an_allowance_is_for_findings_that_show_its_rule(rule: str):
    said = found(f'allow NAT106 on {rule} because "both are meant"\n')
    assert said == [("NAT002", 1), ("NAT002", 2)]


def test_an_allowance_on_another_rule_silences_nothing_and_is_stale():
    text = 'dnat tcp/81 to 203.0.113.2 -> 192.168.3.10 as more\nallow NAT106 on more because "x"\n'
    assert found(text)[-2:] == [("NAT106", 4), ("NAT010", 6)]


def test_an_allowance_holds_on_its_last_day_and_not_on_the_next():
    text = 'allow NAT106 until 2027-01-31 because "x"\n'
    assert found(text, date(2027, 1, 31)) == [("NAT002", 1), ("NAT002", 2)]
    assert found(text, date(2027, 2, 1))[2:] == [("NAT106", 4), ("NAT010", 5)]


def test_allowances_of_rules_that_are_not_run_are_not_judged():
    text = 'allow NAT405 because "x"\nallow NAT106 because "x"\n'
    assert found(text, chosen=(BY_CODE["NAT010"],)) == []
    with_it = (BY_CODE["NAT010"], BY_CODE["NAT405"])
    assert found(text, chosen=with_it) == [("NAT010", 5)]


def test_allowances_of_what_natc_does_not_look_for_are_stale():
    assert found('allow NAT801 because "x"\n')[-1] == ("NAT010", 5)


def test_allowances_of_what_is_found_on_a_gateway_are_not_judged():
    assert found('allow NAT505 because "x"\nallow NAT508 because "x"\n') == found("")


def test_stale_allowances_are_found_only_when_they_are_looked_for():
    assert found('allow NAT801 because "x"\n', chosen=(BY_CODE["NAT106"],)) == [("NAT106", 4)]


def test_stale_allowances_can_be_allowed_but_not_for_nothing():
    allow = 'allow NAT010 because "being cleaned up"\n'
    assert ("NAT010", 5) not in found(f'allow NAT801 because "x"\n{allow}')
    assert found(allow)[-1] == ("NAT010", 5)


def test_nothing_is_stale_when_something_is_not_decided():
    tree, meaning = pipeline.understand_whole(
        Source("p.nat", RULES + 'allow NAT801 because "x"\n'), str
    )
    subject = Subject(meaning, tree)
    subject.undecided.append("whether a is b")
    assert "NAT010" not in {finding.code for finding in lint(subject, CHOSEN)}


def test_an_allowance_reaches_the_further_rules_of_its_statement():
    text = """\
zone wan { interface eth0; address 203.0.113.9; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
port-forward tcp/8080 on wan -> 192.168.3.10 hairpin as hair
port-forward tcp/8080 on wan -> 192.168.3.10 hairpin as hair2
"""
    assert [line for code, line in found(text) if code == "NAT106"] != [4]
    said = found(text + 'allow NAT106 on hair because "x"\n')
    assert [line for code, line in said if code == "NAT106"] == [4]


def test_levels_can_be_changed():
    tree, meaning = pipeline.understand_whole(Source("p.nat", RULES), str)
    findings = lint(Subject(meaning, tree), CHOSEN, {"NAT106": Severity.NOTE})
    assert [str(finding.severity) for finding in findings] == ["warning", "warning", "note"]


ALLOWED = "-A PREROUTING -p tcp -m tcp --dport 80 {} -j DNAT --to-destination 10.0.0.1"
PLAIN = "-A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination 10.0.0.1"


def test_rules_with_the_same_comment_each_have_its_allowance():
    again = ALLOWED.replace("10.0.0.1", "10.0.0.2").replace("{}", "-s {} {}")
    said = '-m comment --comment "natc: allow NAT108 because of the move"'
    clients = ["10.1.0.1", "10.1.0.2,10.1.0.3", "10.1.0.4"]  # Two rules in one line.
    lines = [ALLOWED.format(""), *(again.format(each, said) for each in clients)]
    rules = dumps.subject(*lines, again.format("10.1.0.5", ""))
    findings = lint(rules, (BY_CODE["NAT010"], BY_CODE["NAT108"]))
    assert [(finding.code, finding.primary.span.line) for finding in findings] == [("NAT108", 6)]


def in_dump(comment: str, today: date | None = None) -> list[tuple[str, int]]:
    rule = ALLOWED.format(f'-m comment --comment "{comment}"')
    plain = dumps.subject(rule, PLAIN)
    linted = Subject(plain.policy, rulesets=plain.rulesets, today=today)
    findings = lint(linted, (BY_CODE["NAT010"], BY_CODE["NAT405"]))
    return [(finding.code, finding.primary.span.line) for finding in findings]


@pytest.mark.parametrize(
    "comment",
    [
        "natc: allow NAT405 because one side",
        'natc: allow unscoped-dnat because \\"one side\\"',
        "natc:allow NAT405 until 2027-01-31 because one side",
    ],
)
def test_the_comment_of_a_kernel_rule_allows_a_finding_of_that_rule_alone(comment: str):
    assert in_dump(comment, date(2027, 1, 31)) == [("NAT405", 3)]


def test_the_comment_of_a_kernel_rule_may_be_past_its_day_or_silence_nothing():
    said = "natc: allow NAT405 until 2027-01-31 because one side"
    assert in_dump(said, date(2027, 2, 1)) == [("NAT010", 2), ("NAT405", 2), ("NAT405", 3)]
    more = in_dump("natc: allow NAT010 because x")
    assert more == [("NAT010", 2), ("NAT405", 2), ("NAT405", 3)]


@pytest.mark.parametrize(
    "comment", ["natc", "natc: allowed", "natc: allow-listed hosts", "we allow NAT405 because x"]
)
def test_other_comments_are_no_allowances(comment: str):
    assert in_dump(comment) == [("NAT405", 2), ("NAT405", 3)]


@pytest.mark.parametrize(
    "comment",
    [
        "natc: allow",
        "natc allow NAT405 because one side",
        "natc allow",
        "natc: allow NAT405",
        "natc: allow NAT405 because",
        "natc: allow NAT405 because  ",
        "natc: allow NAT4O5 because one side",
        "natc: allow NAT405 until tomorrow because one side",
        "natc: allow NAT405 until 2027-02-30 because one side",
        "natc: allow NAT405 until 20270131 because one side",
        "natc: allow NAT405 until 2027-W01-1 because one side",
    ],
)
def test_a_comment_that_begins_like_an_allowance_and_is_none_is_an_error(comment: str):
    with pytest.raises(PolicyError) as error:
        in_dump(comment)
    (finding,) = error.value.diagnostics
    assert (finding.code, finding.primary.span.line) == ("NAT019", 2)
    assert finding.help is not None


def test_a_comment_at_each_rule_costs_as_much_a_rule_however_many_there_are():
    def calls(count: int) -> int:
        said = '-m comment --comment "natc: allow NAT405 because of {0}"'
        line = ALLOWED.replace("--dport 80", "--dport {0}").replace("{}", said)
        rules = dumps.subject(*(line.format(port) for port in range(1, count + 1)))
        with Work() as work:
            assert lint(rules, (BY_CODE["NAT405"],)) == []
        return work.calls

    assert calls(200) < 3 * calls(100)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("one side", "one side"),
        ('"one side"', "one side"),
        ('one "side"', 'one "side"'),
        ('"one" side', '"one" side'),
    ],
)
def test_the_reason_in_a_comment_may_stand_in_quotes(said: str, reason: str):
    quoted = said.replace('"', '\\"')
    rule = ALLOWED.format(f'-m comment --comment "natc: allow NAT405 because {quoted}"')
    ((allowance, _),) = dumps.subject(rule).allowed
    assert allowance.reason == reason
