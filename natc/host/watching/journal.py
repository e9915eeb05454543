"""What `natc watch` says: to the journal in fields, or in lines on standard error."""

import os
import socket
import sys
import time
from collections.abc import Mapping
from enum import IntEnum
from typing import TextIO

SOCKET = "/run/systemd/journal/socket"
"""Source: systemd, docs/JOURNAL_NATIVE_PROTOCOL.md."""

_LARGEST = 32 * 1024
"""Bytes of a message, cut there: a datagram holds no more than the socket's buffer."""


class Priority(IntEnum):
    """How much a message matters.  Source: syslog(3)."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


class Log:
    """Where messages go."""

    def __init__(
        self, path: str = SOCKET, *, native: bool = False, stream: TextIO | None = None
    ) -> None:
        """Say where.

        Args:
            path: the journal's socket.
            native: whether to use it at all.
            stream: for lines, where the journal is not used or does not listen.
        """
        self._path = path
        self._stream = sys.stderr if stream is None else stream
        self._socket: socket.socket | None = None
        if native:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def say(
        self,
        event: str,
        message: str,
        priority: Priority = Priority.INFO,
        *,
        rule: str | None = None,
        server: str | None = None,
    ) -> None:
        """Tell of an event.

        Args:
            event: its kind, a word of lower case letters and `-`.
            message: one line for people; line ends in it become blanks.
        """
        line = "".join(letter if letter.isprintable() else " " for letter in message)
        fields = {"MESSAGE": line, "PRIORITY": str(priority.value), "SYSLOG_IDENTIFIER": "natc"}
        fields["NATC_EVENT"] = event
        if rule is not None:
            fields["NATC_RULE"] = rule
        if server is not None:
            fields["NATC_SERVER"] = server
        if not self._sent(fields):
            print(f"natc: {line}", file=self._stream, flush=True)

    def _sent(self, fields: Mapping[str, str]) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.sendto(datagram(fields), self._path)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let the socket go."""
        if self._socket is not None:
            self._socket.close()


def log(environment: Mapping[str, str] = os.environ) -> Log:
    """Return the journal if standard error leads there, else lines on standard error."""
    return Log(native=_leads_to_journal(environment.get("JOURNAL_STREAM", "")))


def _leads_to_journal(stream: str) -> bool:
    """Whether `DEVICE:INODE` is standard error's.  Source: systemd.exec(5), $JOURNAL_STREAM."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def datagram(fields: Mapping[str, str]) -> bytes:
    """Return a message in the journal's native form."""
    parts = []
    for name, value in fields.items():
        data = value.encode(errors="replace")[:_LARGEST]
        if b"\n" in data:
            parts.append(name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            parts.append(name.encode() + b"=" + data + b"\n")
    return b"".join(parts)


class Seldom:
    """Keeps a message that comes again and again from being said each time.

    Attributes:
        every: seconds between two times that the same message is said.
    """

    def __init__(self, every: float = 300.0) -> None:
        self.every = every
        self._said: dict[str, float] = {}

    def is_due(self, message: str) -> bool:
        """Whether to say it now."""
        now = time.monotonic()
        if now - self._said.get(message, -self.every) < self.every:
            return False
        self._said = {text: at for text, at in self._said.items() if now - at < self.every}
        self._said[message] = now
        return True

    def forget(self) -> None:
        """Have everything be news again."""
        self._said.clear()
