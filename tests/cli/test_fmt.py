"""`natc fmt`: in place, or only to see."""

import stat
from pathlib import Path

import pytest

from tests.cli.program import POLICY, ROOT, natc

UGLY = "zone   wan{interface eth0;address 203.0.113.2}\n\n\nmasquerade out   eth0   #why"
PRETTY = "zone wan { interface eth0; address 203.0.113.2 }\n\nmasquerade out eth0  # why\n"
WRONG = "masquerade out ->\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"ugly": UGLY, "good": POLICY, "wrong": WRONG}.items():
        (tmp_path / f"{name}.nat").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_file_is_rewritten_in_place(folder: Path) -> None:
    done = natc("fmt", "ugly.nat", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"reformatted ugly.nat\n")
    assert (folder / "ugly.nat").read_text() == PRETTY


def test_a_file_in_form_is_not_touched(folder: Path) -> None:
    before = (folder / "good.nat").stat()
    done = natc("fmt", "good.nat", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    after = (folder / "good.nat").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_second_run_changes_nothing(folder: Path) -> None:
    natc("fmt", "ugly.nat", cwd=folder)
    done = natc("fmt", "ugly.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert natc("fmt", "--check", "ugly.nat", cwd=folder).returncode == 0


def test_several_files(folder: Path) -> None:
    done = natc("fmt", "good.nat", "ugly.nat", cwd=folder)
    assert done.stderr == b"reformatted ugly.nat\n"


def test_the_mode_of_a_file_is_kept(folder: Path) -> None:
    (folder / "ugly.nat").chmod(0o640)
    natc("fmt", "ugly.nat", cwd=folder)
    assert stat.S_IMODE((folder / "ugly.nat").stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["good.nat", "ugly.nat", "wrong.nat"]


def test_check_changes_nothing_and_tells(folder: Path) -> None:
    done = natc("fmt", "--check", "good.nat", "ugly.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"would reformat ugly.nat\n"
    assert (folder / "ugly.nat").read_text() == UGLY
    assert natc("fmt", "--check", "good.nat", cwd=folder).returncode == 0


def test_diff_shows_and_changes_nothing(folder: Path) -> None:
    done = natc("fmt", "--diff", "good.nat", "ugly.nat", cwd=folder)
    assert done.returncode == 0
    assert done.stderr == b""
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "--- ugly.nat"
    assert lines[1].startswith("+++ ugly.nat")
    assert "-zone   wan{interface eth0;address 203.0.113.2}" in lines
    assert "+zone wan { interface eth0; address 203.0.113.2 }" in lines
    assert (folder / "ugly.nat").read_text() == UGLY


def test_check_and_diff_together(folder: Path) -> None:
    done = natc("fmt", "--check", "--diff", "ugly.nat", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.startswith(b"--- ugly.nat\n")


def test_a_dash_goes_from_standard_input_to_standard_output() -> None:
    done = natc("fmt", "-", stdin=UGLY.encode())
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, PRETTY, b"")
    again = natc("fmt", "-", stdin=done.stdout)
    assert again.stdout == done.stdout


def test_a_dash_with_check_prints_no_policy() -> None:
    done = natc("fmt", "--check", "-", "--stdin-filename", "x.nat", stdin=UGLY.encode())
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"would reformat x.nat\n")


def test_a_syntax_error_leaves_that_file_and_formats_the_others(folder: Path) -> None:
    done = natc("fmt", "wrong.nat", "ugly.nat", "--format", "concise", cwd=folder)
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "reformatted ugly.nat\n" in said
    assert "wrong.nat:1:16: error[NAT000]: " in said
    assert (folder / "wrong.nat").read_text() == WRONG


def test_only_the_syntax_matters() -> None:
    done = natc("fmt", "-", stdin=b'include "nowhere.nat"\nsnat from nobody out eth0 -> 1.1.1.1\n')
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_empty_file_is_in_form() -> None:
    done = natc("fmt", "-", stdin=b"")
    assert (done.returncode, done.stdout) == (0, b"")


def test_fmt_needs_a_file() -> None:
    assert natc("fmt").returncode == 2


def test_every_policy_of_this_project_is_in_form() -> None:
    policies = sorted((ROOT / "policies").rglob("*.nat"))
    done = natc("fmt", "--check", *policies)
    assert done.stderr.decode() == ""
    assert done.returncode == 0
