"""The iptables programs of one flavour: load, save, and a PATH on which scripts find them."""

import os
import re
import subprocess
from pathlib import Path

from natc.address import Family
from natc.flavours import PROGRAMS, Flavour
from natc.record import Record
from natc.testlab import netns, programs
from natc.testlab.errors import LabError, LoadError


class Completed(Record):
    """How a script ended.

    Attributes:
        status: 0..255, or the negative number of the signal that ended it.
        output: its standard output and error, joined.
    """

    status: int
    output: str


_LINE = re.compile(r"\bline:? (\d+)")
_PATH = f"{netns.PRIVATE}/bin"
_SCRIPT = f"{netns.PRIVATE}/script"


def load(flavour: Flavour, family: Family, text: str, *, whole: bool = False) -> None:
    """Apply `text`: to its chains alone, or (`whole`) in place of all that its tables hold.

    Raises:
        LoadError: refused, by the program or the kernel.
    """
    options = ("-w", "5") if whole else ("--noflush", "-w", "5")
    done = programs.run((f"{PROGRAMS[family]}-{flavour}-restore", *options), text)
    if done.returncode != 0:
        named = _LINE.search(done.stdout)
        message = " ".join(done.stdout.split())
        raise LoadError(flavour, family, message, int(named[1]) if named else None)


def save(flavour: Flavour, family: Family) -> str:
    """Return all tables, as `iptables-save` prints them."""
    return programs.must((f"{PROGRAMS[family]}-{flavour}-save",))


def install_programs(flavour: Flavour) -> None:
    """Make a folder in which `iptables`, `iptables-save`, … are those of `flavour`."""
    os.mkdir(_PATH)
    for program in PROGRAMS.values():
        for verb in ("", "-restore", "-save"):
            target = programs.find(f"{program}-{flavour}{verb}")
            os.symlink(os.path.realpath(target), f"{_PATH}/{program}{verb}")


def run(script: str, timeout: float) -> Completed:
    """Run a POSIX shell script in which the plain program names mean the flavour.

    Raises:
        LabError: not done after `timeout` seconds.
    """
    Path(_SCRIPT).write_text(script, encoding="utf-8")
    environment = os.environ | {"PATH": os.pathsep.join((_PATH, *programs.FOLDERS))}
    try:
        done = subprocess.run(
            [programs.find("sh"), _SCRIPT],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"a script did not end within {timeout:g} s") from None
    return Completed(done.returncode, done.stdout)
