"""Which settings hold for a file, and what the command line has to say about them."""

from pathlib import Path

import pytest

from tests.cli.program import natc

BAD = """\
address spare = 192.168.3.99
snat out eth0 -> { 203.0.113.1, 203.0.113.9 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("p.nat", "deep/p.nat", "deep/er/p.nat"):
        (tmp_path / name).write_text(BAD, encoding="utf-8")
    (tmp_path / "natc.toml").write_text('select = ["NAT002", "NAT210"]\n')
    return tmp_path


def found(folder: Path, *words: str, stdin: bytes = b"") -> tuple[int, list[str]]:
    done = natc("lint", "--format", "concise", *words, cwd=folder, stdin=stdin)
    lines = done.stdout.decode().splitlines()
    return done.returncode, [line.partition("]: ")[0].partition(": ")[2] for line in lines]


BOTH = ["warning[NAT002", "error[NAT210"]


def test_the_nearest_file_above_holds(folder: Path) -> None:
    assert found(folder, "p.nat") == (1, BOTH)
    (folder / "deep" / "natc.toml").write_text('select = ["NAT002"]\nfail-on = "error"\n')
    assert found(folder, "p.nat") == (1, BOTH)
    assert found(folder, "deep/p.nat") == (0, BOTH[:1])
    assert found(folder, "deep/er/p.nat") == (0, BOTH[:1])
    assert found(folder / "deep" / "er", "p.nat") == (0, BOTH[:1])


def test_each_file_fails_by_its_own_settings(folder: Path) -> None:
    (folder / "deep" / "natc.toml").write_text('select = ["NAT002"]\nfail-on = "never"\n')
    assert found(folder, "deep/p.nat")[0] == 0
    assert found(folder, "deep/p.nat", "p.nat")[0] == 1


def test_a_project_counts_where_it_has_settings(folder: Path) -> None:
    (folder / "deep" / "pyproject.toml").write_text('[project]\nname = "natc-rules"\n')
    assert found(folder, "deep/p.nat") == (1, BOTH)
    (folder / "deep" / "pyproject.toml").write_text('[tool.natc]\nselect = ["NAT210"]\n')
    assert found(folder, "deep/p.nat") == (1, BOTH[1:])
    (folder / "deep" / "natc.toml").write_text('select = ["NAT002"]\n')
    assert found(folder, "deep/p.nat") == (1, BOTH[:1])


def test_a_broken_project_of_others_does_not_matter(folder: Path) -> None:
    (folder / "deep" / "pyproject.toml").write_text("[project\n")
    assert found(folder, "deep/p.nat") == (1, BOTH)


def test_levels_decide_what_fails(folder: Path) -> None:
    text = 'select = ["NAT002"]\n[levels]\nunused-definition = "note"\n'
    (folder / "natc.toml").write_text(text)
    assert found(folder, "p.nat") == (0, ["note[NAT002"])


def test_the_command_line_wins(folder: Path) -> None:
    (folder / "natc.toml").write_text(
        'select = ["NAT002"]\nignore = ["NAT210"]\nfail-on = "never"\n'
    )
    assert found(folder, "p.nat") == (0, BOTH[:1])
    assert found(folder, "p.nat", "--fail-on", "note") == (1, BOTH[:1])
    assert found(folder, "p.nat", "--select", "NAT210") == (0, BOTH[1:])
    assert found(folder, "p.nat", "--ignore", "NAT002") == (0, [])


def test_standard_input_has_the_settings_of_its_name_or_of_here(folder: Path) -> None:
    (folder / "deep" / "natc.toml").write_text('select = ["NAT002"]\n')
    assert found(folder, "-", stdin=BAD.encode()) == (1, BOTH)
    name = ("--stdin-filename", "deep/x.nat")
    assert found(folder, "-", *name, stdin=BAD.encode()) == (1, BOTH[:1])


def test_wrong_settings_are_wrong_usage_and_nothing_is_linted(folder: Path) -> None:
    (folder / "natc.toml").write_text('select = ["NAT002"]\nfail_on = "error"\n')
    done = natc("lint", "p.nat", "deep/p.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [
        "error[NAT000]: no setting is called `fail_on`",
        " --> natc.toml:2:1".replace(" -->", "  -->"),
        "   |",
        ' 2 | fail_on = "error"',
        "   | ^^^^^^^",
        "   |",
        "   = help: did you mean `fail-on`?",
    ]


@pytest.mark.parametrize("text", [b"\xff", b"select = [", b"select = 1"])
def test_no_settings_end_in_a_traceback(text: bytes, folder: Path) -> None:
    (folder / "natc.toml").write_bytes(text)
    done = natc("lint", "p.nat", "--format", "concise", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"natc.toml:1:")
