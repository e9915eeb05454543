"""The hooks for pre-commit, run by pre-commit itself in a repository of git."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import ROOT

GOOD = """\
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

masquerade from lan out wan as share

test "the lan shares the address" {
    icmp 192.168.3.9 > 198.51.100.9 in lan out wan
    expect from 203.0.113.2
}
"""
UNUSED = f"address spare = 192.168.3.99\n\n{GOOD}"
UGLY = GOOD.replace("from lan out", "from   lan out")
FAILING = GOOD.replace("expect from 203.0.113.2", "expect unchanged")

_NO_NETWORK = re.compile(
    "No matching distribution|Could not find a version|NewConnectionError|ConnectTimeout|"
    "name resolution|Network is unreachable"
)


def run(*words: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PYTHON"))
    }
    names = {
        f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return subprocess.run(
        words,
        cwd=cwd,
        env=env | names | {"PRE_COMMIT_HOME": str(home / "cache"), "PRE_COMMIT_COLOR": "never"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def committed(folder: Path) -> str:
    """Make a repository of all files of a folder; return its commit."""
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x", "--no-verify")):
        done = run("git", *words, cwd=folder, home=folder)
        assert done.returncode == 0, done.stderr
    return run("git", "rev-parse", "HEAD", cwd=folder, home=folder).stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that uses the hooks of this checkout, installed."""
    pytest.importorskip("pre_commit", reason="pre-commit runs the hooks")
    here = tmp_path_factory.mktemp("hooks")
    skipped = shutil.ignore_patterns("__pycache__", "*.tables", "*.shapes")
    for folder in ("natc", "grammar", "policies", "docs"):
        shutil.copytree(ROOT / folder, here / "natc" / folder, ignore=skipped)
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "LICENSE",
        ".pre-commit-hooks.yaml",
    ):
        shutil.copy(ROOT / name, here / "natc")
    commit = committed(here / "natc")
    user = here / "user"
    user.mkdir()
    (user / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {here / 'natc'}\n  rev: {commit}\n  hooks:\n"
        "  - id: natc-lint\n    args: [--select, 'NAT002,NAT114']\n"
        "  - id: natc-fmt\n  - id: natc-test\n"
    )
    (user / "office.nat").write_text(GOOD)
    committed(user)
    done = run(sys.executable, "-m", "pre_commit", "install-hooks", cwd=user, home=here)
    if done.returncode != 0 and _NO_NETWORK.search(done.stdout + done.stderr):
        pytest.skip("pip cannot install natc's dependencies here")
    assert done.returncode == 0, done.stdout + done.stderr
    return user


def hooks(repository: Path, text: str) -> dict[str, str]:
    """Return what each hook says of a policy."""
    (repository / "office.nat").write_text(text)
    words = (sys.executable, "-m", "pre_commit", "run", "--all-files")
    done = run(*words, cwd=repository, home=repository.parent)
    said = dict(re.findall(r"^natc (\w+)\.+(\w+)$", done.stdout, re.MULTILINE))
    assert (done.returncode == 0) == (set(said.values()) == {"Passed"}), done.stdout
    return said


def test_a_good_policy_passes(repository: Path) -> None:
    assert hooks(repository, GOOD) == {"lint": "Passed", "fmt": "Passed", "test": "Passed"}


def test_findings_stop_a_commit(repository: Path) -> None:
    assert hooks(repository, UNUSED)["lint"] == "Failed"


def test_a_policy_out_of_form_is_put_in_form(repository: Path) -> None:
    assert hooks(repository, UGLY)["fmt"] == "Failed"
    assert (repository / "office.nat").read_text() == GOOD


def test_a_failing_test_stops_a_commit(repository: Path) -> None:
    said = hooks(repository, FAILING)
    assert (said["lint"], said["test"]) == ("Failed", "Failed")
