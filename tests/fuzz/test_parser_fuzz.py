"""Whatever the text, natc ends with a policy or a PolicyError whose places lie in the text.

A text that broke something goes to `regressions/`, under a name that says what it broke, and is
tried again in every run.  `NATC_EXAMPLES` sets how many texts each test tries.
"""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natc.diagnostics import PolicyError
from natc.diagnostics import text as rendering
from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.pipeline import rulesets
from natc.source import Source
from tests.strategies import anything, mutated_texts
from tests.strategies.comments import all_comments, without_comments

EXAMPLES = 2 * settings().max_examples
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.nat"))


def compile_whole(text: str) -> None:
    """Take `text` as far as it goes; fail for anything but a PolicyError in the right place."""
    source = Source("fuzz.nat", text)
    try:
        policy = parse(source)
    except PolicyError as error:
        _assert_sensible(error, source)
        return
    odd = [char for char in text if unicodedata.category(char) in ("Cc", "Zl", "Zp")]
    assert set(odd) <= {"\n", "\t"}, "control characters in a policy"
    again = parse(Source("fuzz.nat", write(policy)))
    assert without_comments(policy) == without_comments(again), "formatting changed the meaning"
    assert sorted(all_comments(policy)) == sorted(all_comments(again)), "formatting lost comments"
    try:
        rulesets(lower(policy))
    except PolicyError as error:
        _assert_sensible(error, source)


def _assert_sensible(error: PolicyError, source: Source) -> None:
    for diagnostic in error.diagnostics:
        assert diagnostic.slug
        for label in (diagnostic.primary, *diagnostic.related):
            assert label.span.source is source
            assert 0 <= label.span.start <= label.span.end <= len(source.text)
        rendering.render([diagnostic])


@given(mutated_texts())
@settings(max_examples=EXAMPLES)
def test_damaged_policies(text: str) -> None:
    compile_whole(text)


@given(anything())
@settings(max_examples=EXAMPLES)
def test_any_text(text: str) -> None:
    compile_whole(text)


@given(st.binary(max_size=80))
@settings(max_examples=EXAMPLES // 2)
def test_any_bytes(raw: bytes) -> None:
    compile_whole(raw.decode("utf-8", errors="replace"))


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_broke_something(path: Path) -> None:
    compile_whole(path.read_bytes().decode("utf-8", errors="replace"))
