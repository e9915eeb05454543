"""Other programs: where they are, and running them.  A leaf."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

FOLDERS = (*os.get_exec_path(), "/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where to look: an unprivileged user's PATH often lacks the sbin folders."""

_PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "sh": "dash",
    "flock": "util-linux",
    "stdbuf": "coreutils",
}
"""Debian packages; the programs not listed are all in `iptables`."""


class Missing(Exception):  # noqa: N818 - a state, not an error of natc
    """A program is not installed; the message names the Debian package."""


def path_of(name: str) -> str | None:
    """Return where a program is, None if it is not installed."""
    return shutil.which(name, path=os.pathsep.join(FOLDERS))


def find(name: str) -> str:
    """Return where a program is.

    Raises:
        Missing: it is not installed.
    """
    path = path_of(name)
    if path is None:
        package = _PACKAGES.get(name, "iptables")
        raise Missing(f"`{name}` is not installed (Debian package {package})")
    return path


def run(
    command: Sequence[str],
    text: str = "",
    *,
    environment: Mapping[str, str] | None = None,
    kept: Sequence[int] = (),
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` with `text` on its standard input; the two outputs are joined.

    Args:
        environment: instead of this process's.
        kept: open files that the program holds as well.
        timeout: seconds.

    Raises:
        Missing: it is not installed.
        subprocess.TimeoutExpired: it did not end, and was killed.
    """
    return subprocess.run(
        [find(command[0]), *command[1:]],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="surrogateescape",
        env=environment,
        pass_fds=kept,
        timeout=timeout,
        check=False,
    )
