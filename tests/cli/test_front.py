"""The front door: help, versions, colours, pipes, exit codes, and the same bytes every time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from natc import __version__
from tests.cli.program import POLICY, ROOT, environment, natc

COMMANDS = {
    "compile": "POLICY",
    "fmt": "POLICY",
    "lint": "FILE",
    "test": "POLICY",
    "import": "FILE",
    "explain": "CODE",
    "apply": "POLICY",
    "plan": "POLICY",
    "doctor": "[POLICY]",
    "watch": "[POLICY]",
    "status": "",
    "confirm": "",
    "rollback": "",
    "remove": "",
    "install-boot": "",
}
"""Command to its argument."""

WRONG = "masquerade in eth1 out eth0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.nat").write_text(POLICY, encoding="utf-8")
    (tmp_path / "wrong.nat").write_text(WRONG, encoding="utf-8")
    return tmp_path


# Help.


def test_help_fits_a_screen() -> None:
    for words in (("--help",), ("-h",), ()):
        done = natc(*words, env=environment(COLUMNS="80"))
        text = (done.stdout + done.stderr).decode()
        lines = text.splitlines()
        assert len(lines) <= 24
        assert max(len(line) for line in lines) <= 80
        for command in COMMANDS:
            assert re.search(rf"^  ({command}|gateway:[\s\S]*\b{command}\b)", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_starts_with_what_it_does_and_two_examples(command: str) -> None:
    done = natc(command, "--help", env=environment(COLUMNS="80"))
    assert (done.returncode, done.stderr) == (0, b"")
    usage, empty, first, other, *rest = done.stdout.decode().splitlines()
    assert usage.startswith(f"Usage: natc {command} [OPTIONS] {COMMANDS[command]}".strip())
    assert (empty, other) == ("", "")
    assert first.strip().endswith(".")
    assert [line.split()[:2] for line in rest[:2]] == [["natc", command]] * 2
    assert max(len(line) for line in rest) <= 80


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word: str) -> None:
    done = natc(word)
    assert (done.returncode, done.stdout.decode()) == (0, f"natc {__version__}\n")


@pytest.mark.parametrize(
    ("word", "near"), [("complie", "compile"), ("format", "fmt"), ("tset", "test")]
)
def test_an_unknown_command_names_the_nearest(word: str, near: str) -> None:
    done = natc(word, "p.nat")
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"No such command '{word}'. Did you mean '{near}'?" in done.stderr.decode()


def test_a_far_command_names_none() -> None:
    done = natc("zzzz")
    assert done.returncode == 2
    assert "Did you mean" not in done.stderr.decode()


# Exit codes, as docs/cli.md has them.


def test_the_table_of_exit_codes_is_complete() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    assert [int(code) for code, _ in rows][:4] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("compile", "p.nat"), 0),
        (("fmt", "p.nat"), 0),
        (("fmt", "--check", "p.nat"), 0),
        (("test", "p.nat"), 0),
        (("compile", "wrong.nat"), 1),
        (("fmt", "wrong.nat"), 0),
        (("test", "wrong.nat"), 1),
        (("compile", "--nonsense"), 2),
        (("fmt", "--nonsense"), 2),
        (("test", "--nonsense"), 2),
        (("test", "p.nat", "--kernel=bsd"), 2),
        (("compile", "nowhere.nat"), 3),
        (("fmt", "nowhere.nat"), 3),
        (("test", "nowhere.nat"), 3),
        (("compile", "p.nat", "-o", "no/such/file"), 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_codes(words: tuple[str, ...], code: int, folder: Path) -> None:
    done = natc(*words, cwd=folder)
    assert done.returncode == code
    if code in (2, 3):
        assert done.stdout == b""
    assert (done.stderr == b"") == (code == 0)


@pytest.mark.parametrize(
    ("command", "module"),
    [("compile", "natc.cli.plain"), ("lint", "natc.cli.main"), ("lint", "natc.cli.lint_command")],
)
def test_ctrl_c_while_natc_loads_ends_with_130(command: str, module: str, folder: Path) -> None:
    program = """
import sys
from natc.cli.entry import run

module = sys.argv.pop()

class Interrupted:
    @staticmethod
    def find_spec(name, *_):
        if name == module:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted)
run()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, command, "p.nat", module],
        cwd=folder, env=environment(), capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, b"", b"")


# Colour.

ESCAPE = b"\x1b["


def test_no_colour_in_a_pipe(folder: Path) -> None:
    assert ESCAPE not in natc("compile", "wrong.nat", cwd=folder).stderr


def test_colour_always_and_never(folder: Path) -> None:
    always = natc("compile", "wrong.nat", "--color", "always", cwd=folder).stderr
    never = natc("compile", "wrong.nat", "--color", "never", cwd=folder).stderr
    assert ESCAPE in always
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", always) == never


@pytest.mark.parametrize("form", ["concise", "json", "sarif", "github"])
def test_forms_for_programs_have_no_colour(form: str, folder: Path) -> None:
    words = ("compile", "wrong.nat", "--color", "always", "--format", form)
    assert ESCAPE not in natc(*words, cwd=folder).stderr


def on_a_terminal(folder: Path, *words: str, **env: str) -> bytes:
    """Run natc with standard error on a terminal and return what it shows."""
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "natc", *words],
            cwd=folder, env=environment(TERM="xterm", **env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=theirs, timeout=20, check=False,
        )  # fmt: skip
    finally:
        os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux says EIO at the end of a terminal.
        pass
    os.close(ours)
    return shown


def test_colour_on_a_terminal_unless_no_color(folder: Path) -> None:
    words = ("compile", "wrong.nat")
    assert ESCAPE in on_a_terminal(folder, *words)
    assert ESCAPE in on_a_terminal(folder, *words, NO_COLOR="")
    assert ESCAPE not in on_a_terminal(folder, *words, NO_COLOR="1")
    assert ESCAPE not in on_a_terminal(folder, *words, "--color", "never")
    assert ESCAPE in on_a_terminal(folder, *words, "--color", "always", NO_COLOR="1")


# Pipes.


@pytest.mark.parametrize(
    "words",
    [
        ("compile", "big.nat"),
        ("compile", "big.nat", "--script"),
        ("fmt", "--diff", "big.nat"),
        ("fmt", "-"),
        ("test", "big.nat"),
    ],
    ids=" ".join,
)
def test_a_reader_that_goes_away_is_no_error(words: tuple[str, ...], tmp_path: Path) -> None:
    rules = 30 if words[0] == "test" else 3000
    lines = [f"masquerade   out eth{number}" for number in range(rules)]
    packet = "icmp 10.0.0.1 > 10.0.0.2 in a out b; expect unchanged"
    lines += [f'test "{number}" {{ {packet} }}' for number in range(3000)]
    policy = tmp_path / "big.nat"
    policy.write_text("\n".join(lines))
    process = subprocess.Popen(
        [sys.executable, "-m", "natc", *words],
        cwd=tmp_path, env=environment(), stdin=policy.open("rb"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    assert len(process.stdout.read(10)) == 10
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(timeout=20) in (0, 1, -13, 141)
    assert said == b""
    process.stderr.close()


# The same bytes every time.


@pytest.mark.parametrize(
    "words",
    [
        ("compile", "policies/office.nat", "--script"),
        ("compile", "policies/office.nat", "--family", "4"),
        ("test", "policies/office.nat", "--packets"),
        ("compile", "-", "--format", "json"),
    ],
    ids=" ".join,
)
def test_the_same_bytes_whatever_the_hash_seed(words: tuple[str, ...]) -> None:
    wrong = b"snat from { nobody, noone } in eth0 -> webb\naddress web = { a, b }\n" * 2
    made = {
        (done.returncode, done.stdout, done.stderr)
        for seed in ("0", "1", "20200101")
        if (
            done := natc(
                *words, "--node", "x", cwd=ROOT, stdin=wrong, env=environment(PYTHONHASHSEED=seed)
            )
        )
    }
    assert len(made) == 1


def test_the_folder_and_the_clock_do_not_matter(folder: Path) -> None:
    here = natc("compile", "p.nat", cwd=folder).stdout
    there = natc(
        "compile", "p.nat", cwd=folder, env=environment(TZ="Pacific/Apia", LC_ALL="C")
    ).stdout
    assert here == there
    assert str(folder).encode() not in here
