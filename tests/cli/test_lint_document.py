"""What docs/lint.md, docs/ci.md and the README show is what natc does."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from natc.lint.config import read_config
from natc.source import Source
from tests.cli.program import ROOT, natc

TEXT = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
POLICY = re.findall(r"^```nat\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0]
SHOWN = re.findall(r"^```console\n\$ natc ([^\n]*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
WORKFLOW = (ROOT / "docs" / "ci" / "github-actions.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_the_output_in_the_document_is_real(command: str, output: str, tmp_path: Path) -> None:
    (tmp_path / "office.nat").write_text(POLICY)
    done = natc(*command.split(), cwd=tmp_path)
    assert (done.stdout + done.stderr).decode() == output


def test_the_output_in_the_readme_is_real(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    every = re.findall(r"^```nat\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (policy,) = [text for text in every if text.endswith("as tunnel\n")]
    shown = r"^```console\n\$ natc lint branch.nat\n(.*?)^```$"
    (output,) = re.findall(shown, readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "branch.nat").write_text(policy)
    done = natc("lint", "branch.nat", cwd=tmp_path)
    assert (done.stdout + done.stderr).decode() == output


def test_the_settings_in_the_document_are_right() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert tomllib.loads(text)
    assert read_config(Source("natc.toml", text)) is not None


def test_the_commands_of_the_workflow_work(tmp_path: Path) -> None:
    (tmp_path / "office.nat").write_text(POLICY)
    commands = re.findall(r"run: (natc .+)", WORKFLOW)
    assert len(commands) == 3
    for command in commands:
        words = [word for word in shlex.split(command)[1:] if word not in (">natc.sarif", "*.nat")]
        done = natc(*words, "office.nat", cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for name in ("lint.md", "ci.md", "rules.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (ROOT / "docs" / target).exists(), (name, target)


def test_the_workflow_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="comes with pre-commit")
    assert yaml.safe_load(WORKFLOW)["jobs"]["policies"]["steps"]
    assert [hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())] == [
        "natc-lint", "natc-fmt", "natc-test",
    ]  # fmt: skip
