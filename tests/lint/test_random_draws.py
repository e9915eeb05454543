"""Rows of draws: what no rule translates is told, by counting until all draws have come round."""

import os
from random import Random

from tests.lint.dumps import found, subject
from tests.lint.test_draws import REST, counted, turns

COUNT = int(os.environ.get("NATC_EXAMPLES", "60")) * 5
FIRST = int(os.environ.get("NATC_RULE_SETS_FROM", "0"))


def test_draws_leak_exactly_when_some_packet_is_translated_by_none() -> None:
    leaking = 0
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)
        everies = [random.randint(1, 4) for _ in range(random.randint(2, 4))]
        *_, left = counted(*everies)
        has_rest = random.random() < 0.3
        told = found(subject(*turns(*everies), *[REST] * has_rest), "NAT304")
        if left and not has_rest:
            (finding,) = told
            share = f"{left.numerator} of {left.denominator} of the connections"
            assert finding.primary.text.startswith(share), seed
            leaking += 1
        else:
            assert told == [], seed
    assert COUNT // 4 < leaking < COUNT
