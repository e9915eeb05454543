"""Telling systemd how the service is: sd_notify(3), without its library."""

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """The service manager, if there is one.

    Attributes:
        watchdog: seconds between two signs of life that it must see; None if it wants none.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find it by NOTIFY_SOCKET, and what it wants by WATCHDOG_USEC and WATCHDOG_PID."""
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.watchdog = _watchdog(environment) if self._address else None

    def ready(self, status: str) -> None:
        """Say that the service has started, or has reloaded."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """Say that it reloads; `ready` ends that.

        Source: sd_notify(3), MONOTONIC_USEC, which Type=notify-reload asks for.
        """
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """Say that it ends."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in a line how it is."""
        self._send(_status(text))

    def alive(self) -> None:
        """Give a sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except OSError:
            return  # The watchdog, if any, ends a service whose manager does not hear it.

    def close(self) -> None:
        """Let the socket go."""
        if self._socket is not None:
            self._socket.close()


def _address(name: str) -> str | None:
    """Return a socket's address: a path, or `@` and the name of an abstract one."""
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else None


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}"


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Return what the manager's watchdog waits for, if it watches this process; in seconds."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    given = environment.get("WATCHDOG_USEC", "")
    return int(given) / 1e6 if given.isascii() and given.isdecimal() and int(given) else None
