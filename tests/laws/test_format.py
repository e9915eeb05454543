"""Text and syntax tree are two forms of one thing."""

from hypothesis import given
from hypothesis import strategies as st

from natc.dsl import ast
from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.source import Source
from tests.strategies import Shape, policies, policy_texts
from tests.strategies.comments import all_comments, without_comments

SHAPE = Shape(includes=True)
EMPTY = st.text(" \t\n;\N{NO-BREAK SPACE}", max_size=6)


def read(text: str) -> ast.Policy:
    """Return the syntax tree of `text`."""
    return parse(Source("law.nat", text))


@given(policies(SHAPE))
def test_what_format_writes_parse_reads_back(policy: ast.Policy) -> None:
    text = write(policy)
    assert policy == read(text), text


@given(policy_texts(SHAPE))
def test_formatting_twice_changes_nothing(text: str) -> None:
    once = write(read(text))
    assert once == write(read(once))


@given(policy_texts(SHAPE))
def test_formatting_keeps_every_comment(text: str) -> None:
    before, after = read(text), read(write(read(text)))
    assert sorted(all_comments(before)) == sorted(all_comments(after))


@given(policies(SHAPE))
def test_every_comment_of_a_text_is_in_its_tree(policy: ast.Policy) -> None:
    assert sorted(all_comments(policy)) == sorted(all_comments(read(write(policy))))


@given(policy_texts(SHAPE))
def test_layout_does_not_change_the_tree(text: str) -> None:
    assert without_comments(read(text)) == without_comments(read(write(read(text))))


@given(policy_texts(SHAPE), EMPTY, EMPTY)
def test_empty_lines_at_the_ends_are_not_in_the_tree(text: str, before: str, after: str) -> None:
    assert read(text) == read(f"{before}\n{text}\n{after}")


@given(policies(SHAPE))
def test_formatted_lines_are_clean(policy: ast.Policy) -> None:
    text = write(policy)
    assert text.endswith("\n")
    assert not text.startswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    assert all(line == line.rstrip() for line in text.split("\n"))
