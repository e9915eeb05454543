"""A lab leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import natc.programs
from natc.address import Family
from natc.testlab import Flavour, Lab, LabError, LabUnavailable, LoadError, Topology
from tests.kernel.site import topology

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).parents[2]
DEADLINE = 10.0
"""Seconds."""


def processes(word: str) -> list[int]:
    """Return the processes whose command line holds `word`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def children() -> list[int]:
    """Return this process's children."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(number) for number in text.split()]


def traces() -> tuple[object, ...]:
    """Return everything on the host that a lab could have touched."""
    folders = [
        Path(tempfile.gettempdir()),
        Path("/run"),
        Path("/run/netns"),
        Path("/sys/class/net"),
    ]
    names = [
        str(path)
        for folder in folders
        if folder.exists()
        for path in folder.iterdir()
        if folder.name in {"netns", "net"} or "natc-" in path.name or "xtables" in path.name
    ]
    open_files = len(os.listdir("/proc/self/fd"))
    return sorted(names), children(), open_files, os.stat("/proc/self/ns/net").st_ino


@pytest.fixture(autouse=True)
def _leaves_no_trace() -> Iterator[None]:
    before = traces()
    yield
    assert traces() == before


def test_after_success(flavour: Flavour) -> None:
    with Lab(topology(), flavour) as lab:
        assert len(children()) == 1
        lab.load("*nat\nCOMMIT\n", Family.IPV4)
    assert children() == []


def test_after_a_failure_in_the_block(flavour: Flavour) -> None:
    with pytest.raises(ZeroDivisionError), Lab(topology(), flavour):
        print(1 / 0)


def test_after_a_refused_text(flavour: Flavour) -> None:
    with pytest.raises(LoadError), Lab(topology(), flavour) as lab:
        lab.load("*nat\n-A NOWHERE -j ACCEPT\nCOMMIT\n", Family.IPV4)


def test_after_an_exception_in_the_worker(flavour: Flavour) -> None:
    with pytest.raises(LabError, match="ipset"), Lab(topology(), flavour) as lab:
        lab.ipset("x", ["not an address"])


def test_after_the_worker_could_not_build_its_gateway() -> None:
    twice = topology().interfaces[:1] * 2
    with pytest.raises(LabError, match="ip -batch"), Lab(topology(interfaces=twice)):
        pass


def test_after_the_worker_was_killed() -> None:
    with pytest.raises(LabError, match="died"), Lab(topology()) as lab:
        keeper = children()[0]
        os.kill(keeper, signal.SIGTERM)
        os.waitid(os.P_PID, keeper, os.WEXITED | os.WNOWAIT)  # until then it may still answer
        lab.run("true")


def test_scripts_end_with_the_lab() -> None:
    with Lab(topology()) as lab:
        lab.run("sleep 4711.25 >/dev/null 2>&1 </dev/null & :")
        assert len(processes("4711.25")) >= 1
    assert processes("4711.25") == []


def test_two_labs_do_not_hold_each_other() -> None:
    with Lab(topology()) as first:
        with Lab(topology()) as second:
            second.run("true")
        first.run("true")


SLEEPER = """
import sys
from natc.testlab import Lab, Topology
with Lab(Topology()) as lab:
    print("ready", flush=True)
    lab.run("sleep MARK")
"""


def start_sleeper(mark: str) -> subprocess.Popen[str]:
    """Start a process whose lab runs a long script, and wait until it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER.replace("MARK", mark)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_until(lambda: any(is_sleep(pid) for pid in processes(mark)))
    return process


def is_sleep(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll `condition` until it holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"


def test_after_ctrl_c_to_the_process_group() -> None:
    process = start_sleeper("4712.25")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode in {1, 130, -signal.SIGINT}
    assert "KeyboardInterrupt" in errors
    assert processes("4712.25") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_after_the_parent_was_killed(number: signal.Signals) -> None:
    process = start_sleeper(f"4713.{number:d}")
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    wait_until(lambda: processes(f"4713.{number:d}") == [])


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(natc.programs, "FOLDERS", ())
    with pytest.raises(LabUnavailable, match=r"`ip` is not installed \(Debian package iproute2\)"):
        Lab(Topology()).__enter__()
