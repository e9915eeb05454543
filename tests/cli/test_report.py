"""How many problems are shown, and what a failed test says in each format."""

import json
from pathlib import Path

import pytest

from tests.cli.program import natc

WRONG = "masquerade in eth0\n"
FAILING = """\
masquerade out eth0
test "nothing, really" { tcp 10.0.0.9:4000 > 198.51.100.80:80 in local out eth1; expect dropped }
"""
MESSAGE = "the test `nothing, really` fails in natc's model"
BECAME = "natc's model: unchanged"
WITNESS = "witness: tcp 10.0.0.9:4000 > 198.51.100.80:80 in local out eth1"


def said(count: int, format_: str) -> list[str]:
    """Return the lines that `natc compile` says about `count` wrong rules."""
    text = WRONG * count
    done = natc("compile", "-", "--format", format_, stdin=text.encode())
    assert (done.returncode, done.stdout) == (1, b"")
    return done.stderr.decode().splitlines()


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (21, "… and 1 more problem"),
        (1234, "… and 1,214 more problems"),
    ],
)
def test_text_shows_twenty_problems_and_counts_the_rest(count: int, last: str) -> None:
    lines = said(count, "text")
    assert lines[-2:] == ["", last]
    assert sum(line.startswith("error[") for line in lines) == 20


def test_twenty_problems_are_all_shown() -> None:
    lines = said(20, "text")
    assert sum(line.startswith("error[") for line in lines) == 20
    assert "more problem" not in lines[-1]


@pytest.mark.parametrize("format_", ["concise", "github", "json", "sarif"])
def test_programs_get_every_problem(format_: str) -> None:
    text = "\n".join(said(50, format_))
    if format_ == "json":
        assert len(json.loads(text)["diagnostics"]) == 50
    elif format_ == "sarif":
        assert len(json.loads(text)["runs"][0]["results"]) == 50
    else:
        assert len(text.splitlines()) == 50


def test_failed_tests_are_counted_too(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(FAILING + "\n".join(FAILING.splitlines()[1:] * 24))
    done = natc("test", "p.nat", cwd=tmp_path)
    assert done.stdout.decode().splitlines()[-1] == "… and 5 more problems"


@pytest.mark.parametrize(
    ("format_", "line"),
    [
        ("concise", f"p.nat:2:89: error[NAT114]: {MESSAGE}; {BECAME}; {WITNESS}"),
        (
            "github",
            (
                "::error file=p.nat,line=2,endLine=2,col=89,title=NAT114 test-failed::"
                f"{MESSAGE}%0A{BECAME}%0A{WITNESS}"
            ),
        ),
    ],
)
def test_a_failed_test_says_in_one_line_what_happened(
    format_: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "p.nat").write_text(FAILING)
    done = natc("test", "p.nat", "--format", format_, cwd=tmp_path)
    assert done.stdout.decode() == f"{line}\n"


def test_a_failed_test_says_to_code_scanning_what_happened(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(FAILING)
    done = natc("test", "p.nat", "--format", "sarif", cwd=tmp_path)
    (result,) = json.loads(done.stdout)["runs"][0]["results"]
    assert result["message"]["text"] == f"{MESSAGE}; {BECAME}; {WITNESS}"
