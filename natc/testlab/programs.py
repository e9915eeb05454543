"""The programs a lab runs, where they are and which Debian package has them."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from natc.testlab.errors import LabError, LabUnavailable

_PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "ipset": "ipset",
    "sh": "dash",
    "stdbuf": "coreutils",
}
"""Debian packages; the programs not listed are all in `iptables`."""

FOLDERS = (*os.get_exec_path(), "/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where to look: an unprivileged user's PATH often lacks the sbin folders."""


def find(name: str) -> str:
    """Return the path of a program.

    Raises:
        LabUnavailable: it is not installed; names the Debian package.
    """
    path = shutil.which(name, path=os.pathsep.join(FOLDERS))
    if path is None:
        package = _PACKAGES.get(name, "iptables")
        raise LabUnavailable(f"`{name}` is not installed (Debian package {package})")
    return path


def run(command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run `command` with `text` on its standard input; the two outputs are joined."""
    return subprocess.run(
        [find(command[0]), *command[1:]],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )


def must(command: Sequence[str], text: str = "") -> str:
    """Run `command`, which has no reason to fail, and return its output.

    Raises:
        LabError: it failed.
    """
    done = run(command, text)
    if done.returncode != 0:
        raise LabError(f"`{' '.join(command)}` failed: {done.stdout.strip()}")
    return done.stdout
