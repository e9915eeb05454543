"""The programs that a lab runs."""

import subprocess
from collections.abc import Sequence

from natc import programs
from natc.testlab.errors import LabError, LabUnavailable

FOLDERS = programs.FOLDERS


def find(name: str) -> str:
    """Return the path of a program.

    Raises:
        LabUnavailable: it is not installed; names the Debian package.
    """
    try:
        return programs.find(name)
    except programs.Missing as error:
        raise LabUnavailable(str(error)) from None


def run(command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run `command` with `text` on its standard input; the two outputs are joined."""
    return programs.run([find(command[0]), *command[1:]], text)


def must(command: Sequence[str], text: str = "") -> str:
    """Run `command`, which has no reason to fail, and return its output.

    Raises:
        LabError: it failed.
    """
    done = run(command, text)
    if done.returncode != 0:
        raise LabError(f"`{' '.join(command)}` failed: {done.stdout.strip()}")
    return done.stdout
