"""No terminal of the grammar takes more than linear time, whatever it is given."""

import re
import time

import pytest

from natc.dsl import saved, tables

SIZE = 50_000
HARD = (
    ":" + "1" * SIZE + ":",
    "a:" + "1" * SIZE + "x:",
    "1." * SIZE,
    "1.1" + "x" * SIZE + ":",
    "1.1-" * SIZE,
    "1:" * SIZE,
    "a-" * SIZE,
    "[1" * SIZE,
    "tcp/" + "1-" * SIZE,
    "0x" + "1" * SIZE + "/",
)


@pytest.mark.parametrize("text", HARD, ids=lambda text: text[:6])
def test_a_long_run_is_read_in_linear_time(text: str) -> None:
    terminals = tables.build(saved.grammar()).terminals
    patterns = [re.compile(t.pattern.to_regexp()) for t in terminals]
    began = time.process_time()
    for pattern in patterns:
        pattern.match(text)
    assert time.process_time() - began < 1
