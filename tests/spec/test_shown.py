"""What README and docs/lint.md show of a command is what natc prints for the policy above it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import ROOT, environment
from tests.spec.consoles import Console, consoles

DOCUMENTS = ("README.md", "docs/lint.md")
SHOWN = [
    pytest.param(document, shown, id=f"{document}:{shown.line}")
    for document in DOCUMENTS
    for shown in consoles(ROOT / document)
    if "--kernel" not in shown.command  # tests/kernel sends packets; the columns are the same.
]
_POLICY = re.compile(r"^```nat\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGE = re.compile(r"# with `(?P<new>[^`]+)`")


@pytest.mark.parametrize(("document", "shown"), SHOWN)
def test_a_command_prints_what_is_shown(document: str, shown: Console, tmp_path: Path) -> None:
    command, _, remark = shown.command.partition("    #")
    _, *words = command.split()
    name = next(word for word in words if word.endswith(".nat"))
    (tmp_path / name).write_text(_policy(ROOT / document, shown, remark), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "natc", *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout + done.stderr == shown.output


def _policy(document: Path, shown: Console, remark: str) -> str:
    """Return the policy above a command, with the line that its remark says in place of its own."""
    above = "\n".join(document.read_text(encoding="utf-8").splitlines()[: shown.line])
    text = _POLICY.findall(above)[-1]
    changed = _CHANGE.search(f"#{remark}")
    if changed is None:
        return text
    verb = changed["new"].partition(" ")[0]
    return re.sub(rf"^{verb} .*(?= -> )", changed["new"], text, flags=re.MULTILINE)
