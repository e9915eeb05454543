"""Settings of the linter: what a file may say, and where it is wrong."""

import pytest

from natc.diagnostics import PolicyError, Severity
from natc.lint.config import Config, read_config
from natc.source import Source


def problems(text: str, *, is_pyproject: bool = False) -> list[tuple[str, str, str]]:
    """Return code, place and text of what is marked, for each problem."""
    source = Source("natc.toml", text)
    with pytest.raises(PolicyError) as wrong:
        read_config(source, is_pyproject=is_pyproject)
    return [
        (d.code, str(d.primary.span).partition(":")[2], d.primary.span.text)
        for d in wrong.value.diagnostics
    ]


def test_all_settings():
    text = """\
select = ["default", "NAT306"]
ignore = ["stale-suppression"]
fail-on = "error"

[levels]
NAT405 = "note"
unused-definition = "error"
"""
    expected = Config(
        ("default", "NAT306"),
        ("stale-suppression",),
        "error",
        (("NAT405", Severity.NOTE), ("NAT002", Severity.ERROR)),
    )
    assert read_config(Source("natc.toml", text)) == expected


def test_an_empty_file_says_nothing():
    assert read_config(Source("natc.toml", "")) == Config()


@pytest.mark.parametrize("text", ["", "[project]\nname = 'natc'\n", "[tool.ruff]\n", "tool = 3\n"])
def test_a_project_without_settings_of_natc(text: str):
    assert read_config(Source("pyproject.toml", text), is_pyproject=True) is None


def test_a_project_with_settings():
    text = '[project]\nname = "x"\n[tool.natc]\nfail-on = "never"\n[tool.natc.levels]\nNAT405 = "note"\n'
    config = read_config(Source("pyproject.toml", text), is_pyproject=True)
    assert config == Config(fail_on="never", levels=(("NAT405", Severity.NOTE),))


def test_a_level_for_a_family_is_for_its_lint_rules():
    config = read_config(Source("natc.toml", '[levels]\nNAT40 = "note"\n'))
    assert config is not None
    assert ("NAT405", Severity.NOTE) in config.levels


@pytest.mark.parametrize(
    ("text", "code", "place", "marked"),
    [
        ('selct = ["NAT405"]\n', "NAT000", "1:1", "selct"),
        ('fail-on = "warning"\nextra = 1\n', "NAT000", "2:1", "extra"),
        ('select = "NAT405"\n', "NAT017", "1:1", "select"),
        ("ignore = [1]\n", "NAT017", "1:1", "ignore"),
        ('# comment\nselect = ["NAT405", "NAT999"]\n', "NAT001", "2:21", '"NAT999"'),
        ('ignore = [\n  "NAT405",\n  "shadowd",\n]\n', "NAT001", "3:3", '"shadowd"'),
        ('ignore = ["NAT001"]\n', "NAT019", "1:11", '"NAT001"'),
        ('fail-on = "high"\n', "NAT017", "1:1", "fail-on"),
        ("fail-on = 1\n", "NAT017", "1:1", "fail-on"),
        ("levels = 1\n", "NAT017", "1:1", "levels"),
        ('[levels]\nNAT405 = "high"\n', "NAT017", "2:1", "NAT405"),
        ('[levels]\nNAT405 = ["note"]\n', "NAT017", "2:1", "NAT405"),
        ('[levels]\nNAT999 = "note"\n', "NAT001", "2:1", "NAT999"),
        ('[levels]\n"NAT000" = "note"\n', "NAT019", "2:1", '"NAT000"'),
        ('levels.NAT405 = "high"\n', "NAT017", "1:8", "NAT405"),
        ('levels = { NAT405 = "high" }\n', "NAT017", "1:12", "NAT405"),
        ('select = ["NAT405"\n', "NAT000", "2:1", ""),
        ("fail-on\n", "NAT000", "1:8", ""),
    ],
)
def test_what_is_wrong_is_shown_where_it_stands(text: str, code: str, place: str, marked: str):
    assert problems(text) == [(code, place, marked)]


@pytest.mark.parametrize("header", ["[tool.natc]", "[lint]"])
def test_a_table_of_other_files_is_told_from_an_unknown_setting(header: str):
    source = Source("natc.toml", f'{header}\nignore = ["NAT101"]\n')
    with pytest.raises(PolicyError) as wrong:
        read_config(source)
    (problem,) = wrong.value.diagnostics
    assert problem.primary.span.text == header
    assert problem.help == "settings of `natc.toml` stand in no table, levels apart"


def test_all_problems_come_at_once():
    text = 'a = 1\nselect = ["NAT999"]\n[levels]\nNAT405 = 1\n'
    assert [code for code, _, _ in problems(text)] == ["NAT000", "NAT001", "NAT017"]


def test_places_in_a_project_are_those_of_its_table():
    text = 'select = 1\n[other]\nselect = 2\n[tool.natc]\nselect = 3\n[tool.natc.levels]\nNAT999 = "note"\n'
    assert problems(text, is_pyproject=True) == [
        ("NAT017", "5:1", "select"),
        ("NAT001", "7:1", "NAT999"),
    ]
    assert problems("[tool]\nnatc = 3\n", is_pyproject=True)[0][0] == "NAT017"
