"""Files, pipes, terminals and signals at the edges of a command."""

import fcntl
import os
import pty
import signal
import stat
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.cli.program import POLICY, environment, natc

SIX = POLICY + "masquerade ipv6 from fd00:3::/64 out wan as share6\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.nat").write_text(POLICY, encoding="utf-8")
    (tmp_path / "six.nat").write_text(
        SIX.replace("address 203.0.113.2", "address { 203.0.113.2, 2001:db8::2 }"), encoding="utf-8"
    )
    return tmp_path


def test_a_device_stays_a_device(folder: Path) -> None:
    for path in ("/dev/null", "/dev/stdout", "/dev/stderr"):
        done = natc("compile", "p.nat", "-o", path, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert done.stderr.startswith(b"# natc")


def test_standard_output_by_its_path_is_not_replaced(folder: Path) -> None:
    with (folder / "log").open("wb") as log:
        log.write(b"before\n")
        log.flush()
        done = natc("compile", "p.nat", "-o", "/dev/stdout", cwd=folder, stdout=log.fileno())
    assert done.returncode == 0
    assert (folder / "log").read_bytes().startswith(b"before\n# natc")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_file_to_its_owner(folder: Path) -> None:
    path = folder / "p.nat"
    path.write_text(POLICY.replace("lan out", "lan   out"), encoding="utf-8")
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    assert natc("fmt", "p.nat", cwd=folder).returncode == 0
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o640)


@pytest.mark.parametrize(
    "words", [("--help",), ("compile", "p.nat"), ("test", "p.nat"), ("fmt", "--diff", "ugly.nat")]
)
def test_a_full_standard_output_is_no_bug(words: tuple[str, ...], folder: Path) -> None:
    (folder / "ugly.nat").write_text(POLICY.replace("lan out", "lan   out"), encoding="utf-8")
    with Path("/dev/full").open("wb") as full:
        done = natc(*words, cwd=folder, stdout=full.fileno())
    assert done.stderr.startswith(b"natc: ")
    assert done.stderr.endswith(b"No space left on device\n")
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 3


def test_both_outputs_full_end_with_3(folder: Path) -> None:
    command = f"{sys.executable} -m natc compile p.nat >/dev/full 2>/dev/full"
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment(), check=False)
    assert done.returncode == 3


def test_a_closed_standard_output_is_no_crash(folder: Path) -> None:
    command = f"{sys.executable} -m natc compile p.nat >&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr


def waits_for_more(running: subprocess.Popen[bytes]) -> bool:
    """Tell whether a program has read all that is in its pipe, and sleeps."""
    assert running.stdin is not None
    unread = struct.unpack("i", fcntl.ioctl(running.stdin, termios.FIONREAD, bytes(4)))
    state = Path(f"/proc/{running.pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1][0]
    return unread == (0,) and state == "S"


def test_ctrl_c_ends_with_130_and_says_nothing(folder: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "natc", "compile", "-"],
        cwd=folder, env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A job in the background of a shell has it ignored, and Python leaves that alone.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    try:
        assert running.stdin is not None
        running.stdin.write(b"#" * 200_000)  # More than a pipe holds, so natc must begin to read.
        running.stdin.flush()
        while not waits_for_more(running):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
    finally:
        running.kill()
    out, said = running.communicate()
    assert out == b""
    assert said.strip() == b""


@pytest.mark.parametrize("command", ["compile", "fmt", "test"])
def test_a_terminal_gets_help_instead_of_silence(command: str, folder: Path) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "natc", command, "-"],
        cwd=folder, env=environment(), stdin=slave, capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    os.close(master)
    os.close(slave)
    assert done.stdout == b""
    assert done.stderr.startswith(b"Usage: natc " + command.encode())
    assert done.returncode == 2


def test_old_rules_of_a_family_that_went_away_are_removed(folder: Path) -> None:
    assert natc("compile", "six.nat", "-o", "out/", cwd=folder).returncode == 0
    done = natc("compile", "p.nat", "-o", "out", cwd=folder)
    assert done.stderr == b"removed out/rules.v6: the policy has no rules for IPv6\n"
    assert done.returncode == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["rules.v4"]


def test_old_rules_of_others_stay_with_a_warning(folder: Path) -> None:
    (folder / "rules.v6").write_text("*nat\nCOMMIT\n", encoding="utf-8")
    done = natc("compile", "p.nat", "-o", ".", cwd=folder)
    assert done.stderr.startswith(b"natc: ./rules.v6 stays: the policy has no rules for IPv6")
    assert done.returncode == 0
    assert (folder / "rules.v6").exists()


def test_one_family_in_a_folder_leaves_the_other(folder: Path) -> None:
    assert natc("compile", "six.nat", "-o", "out/", cwd=folder).returncode == 0
    done = natc("compile", "p.nat", "-o", "out/", "--family", "4", cwd=folder)
    assert (done.stderr, done.returncode) == (b"", 0)
    assert (folder / "out" / "rules.v6").exists()


def test_fmt_tells_everything_and_ends_with_the_worst(folder: Path) -> None:
    (folder / "bad.nat").write_text("masquerade (\n", encoding="utf-8")
    (folder / "ugly.nat").write_text(POLICY.replace("lan out", "lan   out"), encoding="utf-8")
    done = natc("fmt", "--format", "concise", "bad.nat", "missing.nat", "ugly.nat", cwd=folder)
    assert done.stderr.decode().splitlines() == [
        "natc: cannot read missing.nat: No such file or directory",
        "reformatted ugly.nat",
        "bad.nat:1:12: error[NAT000]: unexpected `(`",
    ]
    assert done.returncode == 3


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("words", "engines"),
    [
        (("--kernel", "p.nat"), {"nft", "legacy"}),
        (("p.nat", "--kernel"), {"nft", "legacy"}),
        (("--kernel", "nft", "p.nat"), {"nft"}),
        (("--kernel=legacy", "p.nat"), {"legacy"}),
        (("--kernel", "both", "p.nat"), {"nft", "legacy"}),
    ],
)
def test_kernel_takes_no_policy_for_its_value(
    words: tuple[str, ...], engines: set[str], folder: Path
) -> None:
    test = (
        'test "x" { tcp 1.1.1.1:1 > 203.0.113.2:80 in wan out lan; expect to 192.168.3.10:8080 }\n'
    )
    (folder / "p.nat").write_text(POLICY + test, encoding="utf-8")
    done = natc("test", *words, cwd=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    assert {word for word in ("nft", "legacy") if word.encode() in done.stdout} == engines
