"""Commands in Markdown with what they print: ```` ```console ```` blocks that begin with `$ natc`."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from natc.record import Record
from tests.cli.program import ROOT, environment

_BLOCK = re.compile(
    r"^```console\n\$ (?P<command>natc (?:[^\n]*\\\n)*[^\n]*)\n(?P<output>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Console(Record):
    """One command of a document.

    Attributes:
        line: of the command, in the document.
        output: what the document says that it prints.
    """

    line: int
    command: str
    output: str


def consoles(document: Path) -> Iterator[Console]:
    """Yield the commands of a document in order."""
    content = document.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        line = content.count("\n", 0, found.start("command")) + 1
        yield Console(line, found["command"], found["output"])


def printed(command: str) -> str:
    """Run a command of this checkout's natc in its folder, and return standard output."""
    natc = f"{shlex.quote(sys.executable)} -m natc"
    done = subprocess.run(
        ["sh", "-eu", "-c", re.sub(r"(^|\| )natc ", rf"\1{natc} ", command)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def rewrite(document: Path) -> None:
    """Put what natc prints into a document."""
    content = document.read_text(encoding="utf-8")

    def block(found: re.Match[str]) -> str:
        return f"```console\n$ {found['command']}\n{printed(found['command'])}```"

    document.write_text(_BLOCK.sub(block, content), encoding="utf-8")
