"""Rows of draws, against counting what each rule gets."""

from fractions import Fraction
from itertools import count, islice

import pytest

from natc.lint.draws import rows
from tests.lint.dumps import found, lines_of, subject


def turns(*everies: int) -> list[str]:
    """Return rules that each take every nth packet of what is left."""
    match = "-A PREROUTING -p tcp -m tcp --dport 80 -m statistic --mode nth --every"
    return [
        f"{match} {every} --packet 0 -j DNAT --to-destination 10.0.0.{host}"
        for host, every in enumerate(everies, 1)
    ]


def chances(*texts: str) -> list[str]:
    """Return rules that each draw with a probability."""
    match = "-A PREROUTING -p tcp -m tcp --dport 80 -m statistic --mode random --probability"
    return [
        f"{match} {text} -j DNAT --to-destination 10.0.0.{host}"
        for host, text in enumerate(texts, 1)
    ]


REST = "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.9"


def counted(*everies: int) -> list[Fraction]:
    """Return the share of each rule, and what is left, after all have come round."""
    packets = 1
    for every in everies:
        packets *= every
    counters = [count() for _ in everies]
    taken = [0] * (len(everies) + 1)
    for _ in range(packets):
        winner = next(
            (i for i, every in enumerate(everies) if next(counters[i]) % every == 0), len(everies)
        )
        taken[winner] += 1
    return [Fraction(number, packets) for number in taken]


@pytest.mark.parametrize("everies", [(3, 3, 3), (3, 2), (4, 3, 2), (5, 2, 7), (2, 2)])
def test_the_shares_of_turns_are_those_that_counting_gives(everies: tuple[int, ...]):
    *shares, left = counted(*everies)
    (row,) = rows(subject(*turns(*everies)))
    assert list(row.shares) == shares
    assert row.left == left


def test_a_rule_that_matches_the_same_or_more_takes_the_rest():
    wider = "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.9"
    other = "-A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination 10.0.0.9"
    for last, takes in ((REST, True), (wider, True), (other, False)):
        (row,) = rows(subject(*turns(3, 2), last))
        assert (row.rest is not None) is takes


def test_rules_with_other_matches_between_or_targets_that_go_on_are_no_row():
    first, second = turns(2, 2)
    between = "-A PREROUTING -p udp -j ACCEPT"
    assert not rows(subject(first, between, second))
    marks = [rule.partition(" -j ")[0] + " -j MARK --set-mark 0x1" for rule in (first, second)]
    assert not rows(subject(*marks))


@pytest.mark.parametrize(
    ("rules", "biased", "leaks"),
    [
        ([*turns(3, 2), REST], False, None),
        (turns(3, 2, 1), False, None),
        (turns(3, 3, 3), True, "8 of 27"),
        ([*turns(3, 3), REST], True, None),
        (turns(3, 2), False, "1 of 3"),
        ([*chances("0.33332999982", "0.50000000000"), REST], False, None),
        (chances("0.7", "0.3"), True, "21.0000%"),
        ([*chances("0.5", "0.5"), REST], False, None),  # Weights of 2, 1, 1.
        ([*chances("0.5", "0.33333"), REST], False, None),  # Weights of 3, 1, 2.
    ],
)
def test_draws_are_reported_that_are_not_what_they_seem(
    rules: list[str], biased: bool, leaks: str | None
):
    linted = subject(*rules)
    assert lines_of(linted, "NAT303") == rules[: int(biased)]
    leaking = found(linted, "NAT304")
    assert [finding.primary.text.partition(" of the")[0] for finding in leaking] == (
        [] if leaks is None else [leaks]
    )


def test_what_a_later_rule_translates_does_not_leak():
    rules = [":X - [0:0]", "-A PREROUTING -p tcp -j X", REST]
    rules += [rule.replace("PREROUTING", "X") for rule in turns(3, 3, 3)]
    assert found(subject(*rules), "NAT304") == []
    assert len(found(subject(*rules[:2], *rules[3:]), "NAT304")) == 1


def test_equal_shares_are_never_reported():
    for number in islice(count(2), 6):
        everies = range(number, 1, -1)
        assert found(subject(*turns(*everies), REST), "NAT303", "NAT304") == []
