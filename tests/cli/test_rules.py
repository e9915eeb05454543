"""`natc rules` and `natc explain`."""

import json
from pathlib import Path

import pytest

from natc.lint.catalogue import ENTRIES
from natc.lint.pages import document
from tests.cli.program import ROOT, natc


def test_the_list_has_a_line_for_each_code() -> None:
    done = natc("rules")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert [line.split()[:3] for line in lines] == [
        [entry.code, entry.slug, str(entry.severity)] for entry in ENTRIES
    ]


def test_json() -> None:
    said = json.loads(natc("rules", "--format", "json").stdout)
    assert said["version"] == 1
    assert len(said["rules"]) == len(ENTRIES)
    assert next(rule for rule in said["rules"] if rule["code"] == "NAT002") == {
        "code": "NAT002",
        "name": "unused-definition",
        "severity": "warning",
        "kind": "X",
        "by": "lint",
        "on": True,
        "fixable": True,
        "summary": "nothing uses a definition, or jumps to a chain",
    }


def test_the_document_of_all_rules_is_up_to_date() -> None:
    made = natc("rules", "--format", "markdown").stdout.decode()
    assert made == document()
    written = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert made == written, "run `make docs`"


@pytest.mark.parametrize("name", ["NAT002", "nat002", "unused-definition"])
def test_a_finding_is_explained_by_code_or_name(name: str) -> None:
    done = natc("explain", name)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "NAT002 unused-definition"
    assert lines[1].startswith("warning, exact on the meaning of the rules, repaired by")
    assert "WHY IT MATTERS" in lines
    assert "    address web1 = 192.168.3.10" in lines
    assert not any("```" in line for line in lines)


@pytest.mark.parametrize(
    ("word", "help_"),
    [
        ("unused-definitions", "did you mean `unused-definition`?"),
        ("late", "did you mean `late-exempt`?"),
        ("forward", "did you mean `forward-collision` or `forward-dropped`?"),
        ("NAT999", "`natc rules` lists them"),
        ("zzzz", "`natc rules` lists them"),
    ],
)
def test_an_unknown_code_names_the_nearest(word: str, help_: str) -> None:
    done = natc("explain", word)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().endswith(f"no finding is called `{word}`; {help_}\n")


def test_a_code_without_a_page_says_so() -> None:
    done = natc("explain", "use-a-map")
    assert done.returncode == 2
    assert "natc does not look for `use-a-map` yet" in done.stderr.decode()


def test_no_policy_is_needed(tmp_path: Path) -> None:
    assert natc("rules", cwd=tmp_path).returncode == 0
