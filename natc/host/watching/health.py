"""Whether a server is healthy: one test of it, and what a row of results makes of it."""

import asyncio
import os
import re

from natc import __version__
from natc.address import text_of
from natc.host.watching.serving import Server
from natc.ir.policy import HealthCheck
from natc.record import Record

LONGEST = 5.0
"""Seconds that a test may take at most; it takes no longer than the time between two tests."""

_LINE = 4096
"""Bytes of a status line, at most."""

_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})(?:[ \r]|$)")
"""Source: RFC 9112 §4.  A server may leave the reason out, and the blank before it."""


class Result(Record):
    """What one test said.

    Attributes:
        reason: why it failed, in words; what was seen, if it did not.
    """

    is_good: bool
    reason: str


class Health(Record):
    """A server's health.

    Attributes:
        is_up: so far.
        against: results in a row that say the opposite.
    """

    is_up: bool = True
    against: int = 0

    def after(self, result: Result, check: HealthCheck) -> "Health":
        """Return the health after one more result."""
        if result.is_good is self.is_up:
            return Health(self.is_up)
        against = self.against + 1
        if against >= (check.fall if self.is_up else check.rise):
            return Health(not self.is_up)
        return Health(self.is_up, against)


def patience(check: HealthCheck) -> float:
    """Return after how many seconds a test has failed.

    So a server that no longer answers is down at most `fall + 1` times `every` after it stopped.
    """
    return min(check.every, LONGEST)


async def probe(server: Server, check: HealthCheck) -> Result:
    """Test a server once, from the gateway's own address."""
    if server.port is None:
        raise ValueError(f"{server.text} has no port to test: a bug in natc")
    address = text_of(server.family, server.address)
    try:
        async with asyncio.timeout(patience(check)):
            return await _asked(address, server.port, server.text, check)
    except TimeoutError:
        return Result(False, f"no answer within {patience(check):g} s")
    except OSError as error:
        # asyncio's own words hold the address once more, and not the reason.
        reason = os.strerror(error.errno) if error.errno else str(error)
        return Result(False, reason.lower())


async def _asked(address: str, port: int, host: str, check: HealthCheck) -> Result:
    reader, writer = await asyncio.open_connection(address, port, limit=_LINE)
    try:
        if check.kind == "tcp":
            return Result(True, "it takes connections")
        writer.write(_request(check.path or "/", host))
        await writer.drain()
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            line = error.partial
        except asyncio.LimitOverrunError:
            return Result(False, "its first line never ends")
        return judged(line)
    finally:
        writer.transport.abort()  # `close` would wait for a server that takes nothing in.


def _request(path: str, host: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: natc/{__version__}\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def judged(line: bytes) -> Result:
    """Judge the first line of an answer by HTTP: a status of 200 to 399 is healthy."""
    if not line:
        return Result(False, "it closed the connection without an answer")
    found = _STATUS.match(line)
    if found is None or not line.endswith(b"\n"):
        return Result(False, "its answer is not HTTP")
    status = int(found[1])
    return Result(200 <= status <= 399, f"HTTP status {status}")
