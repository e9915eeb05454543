"""A restore program that stays open, for rule sets by the thousand.

iptables-nft-restore waits for the kernel's RCU whenever it ends, and starting any program takes as
long as loading a small table.  Both programs apply each table at its COMMIT and go on reading;
verbose, they echo comments, which tells when everything before has been applied.

Source: iptables/iptables-restore.c and xtables-restore.c, 1.8.9; docs/kernel.md.
"""

import select
import socket
import subprocess

from natc.address import Family
from natc.flavours import PROGRAMS, Flavour
from natc.testlab import programs, restore
from natc.testlab.errors import LabError

_DONE = b"# natc-lab done\n"
_ROOM = 1 << 16


class Restorer:
    """`iptables-restore` of one flavour and family, waiting for texts."""

    def __init__(self, flavour: Flavour, family: Family) -> None:
        self._flavour = flavour
        self._family = family
        self._program: _Program | None = None

    def replace(self, text: str) -> None:
        """Have the tables that `text` names hold what it says and nothing else.

        Raises:
            LoadError: refused; tables before the one at fault have been replaced.
            ValueError: `text` does not end with COMMIT.
        """
        if not text.endswith("COMMIT\n"):
            raise ValueError("a text that does not end with COMMIT leaves a table open")
        if self._program is None:
            self._program = _Program(f"{PROGRAMS[self._family]}-{self._flavour}-restore")
        try:
            self._program.take(text)
        except ConnectionError as error:
            # It has ended, over this text most likely: a program of its own says where and why.
            self._program.end()
            self._program = None
            restore.load(self._flavour, self._family, text, whole=True)
            raise LabError(
                f"a restore program ended over what another one takes: {error}"
            ) from None


class _Program:
    """A running program with one socket as its input and output."""

    def __init__(self, name: str) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            end = theirs.fileno()
            self._process = subprocess.Popen(
                [programs.find("stdbuf"), "--output=L", programs.find(name), "--verbose"],
                stdin=end,
                stdout=end,
                stderr=end,
            )

    def take(self, text: str) -> None:
        """Return when `text` has been dealt with.

        Raises:
            ConnectionError: the program has ended; the message is the last that it printed.
        """
        unsent = text.encode() + _DONE
        printed = b""
        while not printed.endswith(_DONE):
            # Both at once: the program stops reading while nobody reads what it prints.
            readable, writable, _ = select.select(
                [self._socket], [self._socket] if unsent else [], []
            )
            if readable:
                part = self._socket.recv(_ROOM)
                if not part:
                    raise ConnectionError(printed.decode(errors="replace").strip()[-200:])
                printed = printed[-_ROOM:] + part
            if writable:
                unsent = unsent[self._socket.send(unsent, socket.MSG_DONTWAIT) :]

    def end(self) -> None:
        """Close its input, and wait until it has ended."""
        self._socket.close()
        self._process.wait()
