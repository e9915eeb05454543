"""What natc is pointed at is no policy, or what it is told to write to takes nothing."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import POLICY, environment, natc

INVALID, USAGE, UNABLE = 1, 2, 3

PYTHON = (sys.executable, "-B", "-m", "natc")

COMMANDS = ("compile", "fmt", "test")


def errors(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Return what was said on standard error, a line an entry; nothing may be on standard output."""
    assert done.stdout == b""
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "bug in natc" not in said
    return said.splitlines()


def refuses(path: Path, said: str, *, code: int = INVALID) -> None:
    """Check that every command refuses the policy with this line and changes nothing."""
    before = path.read_bytes()
    for command in COMMANDS:
        done = natc(command, "--format", "concise", path.name, cwd=path.parent)
        assert errors(done) == [said]
        assert done.returncode == code
        assert sorted(path.parent.iterdir()) == [path]
        assert path.read_bytes() == before


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.nat"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_file_is_named(command: str, tmp_path: Path) -> None:
    done = natc(command, "no.nat", cwd=tmp_path)
    assert errors(done) == ["natc: cannot read no.nat: No such file or directory"]
    assert done.returncode == UNABLE


@pytest.mark.parametrize("command", COMMANDS)
def test_a_directory_is_no_policy(command: str, tmp_path: Path) -> None:
    done = natc(command, ".", cwd=tmp_path)
    assert errors(done) == ["natc: cannot read .: Is a directory"]
    assert done.returncode == UNABLE


def test_an_unreadable_file_says_why(policy: Path) -> None:
    # Root may read everything, but not what is no memory.
    done = natc("compile", "/proc/self/mem", cwd=policy.parent)
    assert errors(done) == ["natc: cannot read /proc/self/mem: Input/output error"]
    assert done.returncode == UNABLE
    if os.geteuid():
        policy.chmod(0)
        done = natc("compile", "p.nat", cwd=policy.parent)
        assert errors(done) == ["natc: cannot read p.nat: Permission denied"]
        assert done.returncode == UNABLE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"snat \xff\n", "p.nat:1:6: error[NAT014]: not UTF-8 text: byte 0xff"),
        (b"# \xc3\xbc\n# \xc3\n", "p.nat:2:3: error[NAT014]: not UTF-8 text: byte 0xc3"),
        (
            b"masquerade out eth0\nmasq\0uerade out eth1\n",
            "p.nat:2:5: error[NAT014]: a NUL character in the policy",
        ),
        (
            b"# one\nmasquerade out eth0\r\nmasquerade out eth1\r\n",
            "p.nat:2:20: error[NAT014]: a carriage return in the policy",
        ),
        (
            b"\xef\xbb\xbfmasquerade out eth0\n",
            "p.nat:1:1: error[NAT014]: a byte order mark in the policy",
        ),
        (
            b"masquerade out eth0 # \x1b[2J\n",
            "p.nat:1:23: error[NAT014]: the control character U+001B in the policy",
        ),
        (
            "masquerade out eth0 # \u202e\n".encode(),
            "p.nat:1:23: error[NAT014]: the control character U+202E in the policy",
        ),
    ],
    ids=["not-utf8", "cut-utf8", "nul", "crlf", "bom", "escape", "bidi"],
)
def test_text_must_be_plain(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.nat"
    path.write_bytes(data)
    refuses(path, said)


def test_a_control_character_reaches_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_bytes(b"masquerade out eth0 # \x1b[2J\n")
    for format_ in ("text", "concise", "json", "sarif", "github"):
        done = natc("compile", "p.nat", "--format", format_, cwd=tmp_path)
        assert b"\x1b" not in done.stderr


@pytest.mark.parametrize("byte", [b"a", b"\n", b"{", b'"', b"\0", b"#"])
def test_a_file_of_50_mb_is_too_large(byte: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.nat"
    path.write_bytes(byte * 50_000_000)
    done = natc("compile", "--format", "concise", "p.nat", cwd=tmp_path)
    assert errors(done) == ["p.nat:1:1: error[NAT015]: policy of more than 32 MiB"]
    assert done.returncode == INVALID


def test_an_endless_input_is_too_large(tmp_path: Path) -> None:
    done = natc("compile", "--format", "concise", "/dev/zero", cwd=tmp_path)
    assert errors(done) == ["/dev/zero:1:1: error[NAT015]: policy of more than 32 MiB"]
    assert done.returncode == INVALID


@pytest.mark.parametrize("more", [(), ("--color", "never")], ids=["plain", "command"])
def test_a_named_pipe_is_opened_once_and_read_to_its_end(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    pipe = tmp_path / "p.nat"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'printf %s "$1" > p.nat', "sh", POLICY], cwd=tmp_path):
        done = natc("compile", "p.nat", *more, cwd=tmp_path, seconds=10)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"p.nat:5 share"' in done.stdout


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "zone lan { interface eth0 }\n"])
def test_a_policy_without_rules_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(text, encoding="utf-8")
    done = natc("compile", "--format", "concise", "p.nat", cwd=tmp_path)
    assert errors(done) == ["p.nat:1:1: error[NAT016]: the policy says nothing about any packet"]
    assert done.returncode == INVALID


# What is written.


def test_an_invalid_policy_leaves_the_old_output_alone(policy: Path) -> None:
    policy.write_text(POLICY + "masquerade from nowhere out wan\n", encoding="utf-8")
    old = policy.parent / "rules"
    old.write_text("old\n", encoding="utf-8")
    for words in ((), ("--script",), ("--standalone",), ("--family", "4")):
        done = natc("compile", "p.nat", "-o", "rules", *words, cwd=policy.parent)
        errors(done)
        assert done.returncode == INVALID
        assert old.read_text(encoding="utf-8") == "old\n"
    assert sorted(path.name for path in policy.parent.iterdir()) == ["p.nat", "rules"]


def test_an_output_in_a_missing_directory_says_so(policy: Path) -> None:
    done = natc("compile", "p.nat", "-o", "no/such/rules", cwd=policy.parent)
    assert errors(done) == ["natc: cannot write no/such/rules: No such file or directory"]
    assert done.returncode == UNABLE


def test_an_output_below_a_file_says_so(policy: Path) -> None:
    for output in ("p.nat/", "p.nat/rules/"):
        done = natc("compile", "p.nat", "-o", output, cwd=policy.parent)
        assert errors(done)[0].startswith(f"natc: cannot write {output}")
        assert done.returncode == UNABLE
        assert policy.read_text(encoding="utf-8") == POLICY


def test_an_output_that_may_not_be_written_says_so(policy: Path) -> None:
    # /proc takes no new files, not even of root.
    done = natc("compile", "p.nat", "-o", "/proc/natc/rules", cwd=policy.parent)
    assert errors(done)[0].startswith("natc: cannot write /proc/natc/rules: ")
    assert done.returncode == UNABLE
    done = natc("compile", "p.nat", "-o", "/proc/natc/", cwd=policy.parent)
    assert errors(done)[0].startswith("natc: cannot write /proc/natc")
    assert done.returncode == UNABLE


def test_a_full_disk_leaves_the_old_output_alone(tmp_path: Path) -> None:
    rules = "".join(f"masquerade from 10.0.{i >> 8}.{i & 255} out eth0\n" for i in range(9000))
    (tmp_path / "p.nat").write_text(rules, encoding="utf-8")
    (tmp_path / "rules").write_text("old\n", encoding="utf-8")

    done = subprocess.run(
        [
            "dash",
            "-c",
            'ulimit -f 8; trap "" XFSZ; exec "$@"',
            "dash",
            *PYTHON,
            "compile",
            "p.nat",
            "-o",
            "rules",
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert errors(done) == ["natc: cannot write rules: File too large"]
    assert done.returncode == UNABLE
    assert (tmp_path / "rules").read_text(encoding="utf-8") == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.nat", "rules"]


def test_a_full_standard_output_says_so(policy: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = natc("compile", "p.nat", cwd=policy.parent, stdout=full.fileno())
    said = done.stderr.decode()
    assert "bug in natc" not in said
    assert "No space left on device" in said
    assert done.returncode == UNABLE


def test_an_output_that_is_no_regular_file_is_written_to_and_stays(policy: Path) -> None:
    # Renaming a file onto /dev/null or /dev/stdout would take it from everybody.
    pipe = policy.parent / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    try:
        done = natc("compile", "p.nat", "-o", "pipe", cwd=policy.parent)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        said, _ = reader.communicate(timeout=5)
    finally:
        reader.kill()
    assert done.returncode == 0
    assert said.startswith(b"# natc")


def test_an_output_through_a_link_writes_what_it_points_to(policy: Path) -> None:
    (policy.parent / "real").write_text("old\n", encoding="utf-8")
    (policy.parent / "link").symlink_to("real")
    assert natc("compile", "p.nat", "-o", "link", cwd=policy.parent).returncode == 0
    assert (policy.parent / "link").is_symlink()
    assert (policy.parent / "real").read_text(encoding="utf-8").startswith("# natc")


def test_fmt_leaves_a_file_that_it_cannot_replace(tmp_path: Path) -> None:
    path = tmp_path / "p.nat"
    path.write_text("masquerade  out eth0\n", encoding="utf-8")
    done = subprocess.run(
        ["dash", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "dash", *PYTHON, "fmt", "p.nat"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert errors(done) == ["natc: cannot write p.nat: File too large"]
    assert done.returncode == UNABLE
    assert path.read_text(encoding="utf-8") == "masquerade  out eth0\n"
    assert [path] == list(tmp_path.iterdir())


def test_natc_needs_little_memory_for_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_bytes(b"\0" * 30_000_000)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = natc("compile", "--format", "concise", "p.nat", cwd=tmp_path)
    assert errors(done) == ["p.nat:1:1: error[NAT014]: a NUL character in the policy"]
    assert max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < 1_000_000
