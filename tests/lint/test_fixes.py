"""Repairs of texts: which go together, and what they leave."""

import pytest

from natc.diagnostics import Edit, Fix
from natc.lint.fixes import applied, compatible, deletion
from natc.source import Source, Span


def edit(text: str, start: int, end: int, new: str) -> Edit:
    return Edit(Span(Source("p.nat", text), start, end), new)


def without(text: str, statement: str) -> str:
    """Return `text` without a statement."""
    start = text.index(statement)
    span = Span(Source("p.nat", text), start, start + len(statement))
    return applied(text, [deletion(span)])


def test_edits_are_done_in_the_order_of_the_text():
    text = "abcdef"
    edits = [edit(text, 4, 6, "!"), edit(text, 0, 1, "AA"), edit(text, 2, 2, "-")]
    assert applied(text, edits) == "AAb-cd!"


def test_edits_that_overlap_are_a_bug():
    with pytest.raises(ValueError, match="overlap"):
        applied("abcdef", [edit("abcdef", 0, 3, ""), edit("abcdef", 2, 4, "")])


def test_the_first_of_fixes_that_overlap_is_done():
    fixes = [
        Fix("one", (edit("abcdef", 0, 2, ""), edit("abcdef", 4, 5, ""))),
        Fix("two", (edit("abcdef", 1, 3, ""),)),
        Fix("three", (edit("abcdef", 5, 6, ""),)),
        Fix("four", (edit("abcdef", 3, 4, ""), edit("abcdef", 4, 5, ""))),
        Fix("five", (edit("abcdef", 2, 4, ""),)),
    ]
    assert [fix.title for fix in compatible(fixes)] == ["one", "three", "five"]


def test_two_insertions_at_one_place_are_not_done_at_once():
    fixes = [Fix("one", (edit("ab", 1, 1, "x"),)), Fix("two", (edit("ab", 1, 1, "y"),))]
    assert [fix.title for fix in compatible(fixes)] == ["one"]


def test_fixes_of_different_files_never_overlap():
    other = Edit(Span(Source("q.nat", "abcdef"), 0, 2), "")
    fixes = [Fix("one", (edit("abcdef", 0, 2, ""),)), Fix("two", (other,))]
    assert len(compatible(fixes)) == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\nX\nb\n", "a\nb\n"),
        ("X\nb\n", "b\n"),
        ("a\nX", "a\n"),
        ("a\n  X  # why\nb\n", "a\nb\n"),
        ("a\n\nX\n\nb\n", "a\n\nb\n"),
        ("X\n\nb\n", "b\n"),
        ("a\n\nX\n", "a\n"),
        ("a\n\n\nX\n\n", "a\n"),
        ("\nX\n", ""),
        ("a\n# about X\nX1\n\nb\n", "a\n# about X\n\nb\n"),
        ("a; X; b\n", "a; b\n"),
        ("a; X\nb\n", "a\nb\n"),
        ("X; b\n", "b\n"),
        ("node { X }\n", "node {  }\n"),
        ("a\nX {\n  1,\n  2\n}\nb\n", "a\nb\n"),
    ],
)
def test_a_statement_goes_with_its_line(text: str, left: str):
    statement = "X {\n  1,\n  2\n}" if "{\n" in text else "X1" if "X1" in text else "X"
    assert without(text, statement) == left
