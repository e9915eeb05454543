"""Which rules a few words mean."""

import pytest

from natc.lint.catalogue import ENTRIES
from natc.lint.run import defaults
from natc.lint.selection import BadWord, chosen


def codes(select: list[str] | None, ignore: list[str] | None = None) -> list[str]:
    return [entry.code for entry in chosen(select, ignore or [])]


def test_without_words_the_defaults_run():
    assert chosen(None) == defaults()
    assert codes(["default"]) == codes(None)


def test_all_is_all():
    assert codes(["all"]) == [entry.code for entry in ENTRIES if entry.by == "lint"]
    assert codes(["all"], ["all"]) == codes(None, ["NAT"]) == []


def test_what_is_on_by_default_may_be_ignored():
    assert codes(["all"], ["default"]) == [
        entry.code for entry in ENTRIES if entry.by == "lint" and not entry.on
    ]


def test_code_name_and_beginning():
    assert codes(["NAT405"]) == codes(["unscoped-dnat"]) == ["NAT405"]
    family = codes(["NAT4"])
    assert "NAT405" in family
    assert all(code.startswith("NAT4") for code in family)
    assert set(codes(["NAT40"])) <= set(family)


def test_words_add_up_and_the_order_is_that_of_the_codes():
    assert codes(["NAT405", "NAT002"]) == ["NAT002", "NAT405"]


def test_what_is_ignored_is_not_run_even_if_it_is_selected():
    assert codes(["NAT002", "NAT405"], ["NAT4"]) == ["NAT002"]


def test_errors_of_the_compiler_may_be_selected_but_not_ignored():
    assert codes(["NAT001"]) == []
    with pytest.raises(BadWord, match="cannot be ignored"):
        codes(None, ["undefined-name"])


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("nat405", "NAT405"),
        ("NAT4055", "NAT405"),
        ("unscoped-dnatt", "unscoped-dnat"),
        ("al", "all"),
        ("late", "late-exempt"),
        ("dupl", "duplicate-definition` or `duplicate-rule"),
    ],
)
def test_an_unknown_word_names_the_nearest(word: str, near: str):
    with pytest.raises(BadWord) as wrong:
        codes([word])
    assert wrong.value.help == f"did you mean `{near}`?"


def test_no_other_code_is_near_to_a_code():
    with pytest.raises(BadWord) as wrong:
        codes(["NAT999"])
    assert wrong.value.help == "`natc rules` lists them"


def test_a_word_that_is_like_no_other_names_none():
    with pytest.raises(BadWord) as wrong:
        codes(["zzzz"])
    assert wrong.value.help is None
