"""The state of a gateway as people and programs read it."""

import json
import time
from collections.abc import Iterator
from typing import Any

from natc.cli import treated
from natc.cli.report import MOST_SHOWN
from natc.diagnostics.text import printable
from natc.host.generation import Generation
from natc.host.planning.status import Drift, Status

_FILES = {
    "same": "the file is as it was applied",
    "changed": "the file has changed since: `natc plan` shows what that would do",
    "wrong": "the file has changed since, and has mistakes now",
    "missing": "the file cannot be read any more",
    "unknown": "",
}
_NAMES = ("applied", "now")
_SHORT = 12
"""Digits of a hash that people are shown."""


def text(status: Status, now: float, *, is_boot_enabled: bool) -> str:
    """Return a status for a terminal.

    Args:
        now: the time, in seconds since 1970.
        is_boot_enabled: whether systemd runs what restores the rules.
    """
    rows = [
        *_rows(status, now),
        *_boot_rows(status, is_enabled=is_boot_enabled),
        *_waiting_rows(status),
        *_drift_rows(status),
    ]
    lines = [f"{name:9} {words_}".rstrip() for name, words_ in rows]
    lines += _counter_lines(status)
    return "".join(f"{printable(line)}\n" for line in lines)


def _rows(status: Status, now: float) -> Iterator[tuple[str, str]]:
    current = status.current
    if current is None:
        yield "policy", "natc has put nothing in this kernel since the last boot"
    elif current.is_empty:
        yield "policy", "none: natc's rules were removed"
    else:
        yield "policy", f"{_named(current)}" + _after(_FILES[status.file])
    if current is not None:
        if status.since is not None:
            yield "since", f"{_time(status.since)}, for {_duration(now - status.since)}"
        how = f"by {current.backend} ({status.flavour}), {current.place} in the built-in chains"
        yield "number", f"{current.number}, {how}"


def _boot_rows(status: Status, *, is_enabled: bool) -> Iterator[tuple[str, str]]:
    current, boot = status.current, status.boot
    if boot is None:
        yield "boot", "the next one restores nothing"
    elif current is not None and boot.number == current.number:
        yield "boot", "the next one restores the same"
    else:
        what = "no rules" if boot.is_empty else _named(boot)
        yield "boot", f"the next one restores number {boot.number}: {what}"
    if boot is not None and not is_enabled:
        yield "", "where `natc install-boot` is set up: natc.service is not enabled here"


def _waiting_rows(status: Status) -> Iterator[tuple[str, str]]:
    if status.waits is not None:
        left = max(0, round(status.waits))
        yield "confirm", f"waits for `natc confirm`; the rules of before come back in {left} s"


def _drift_rows(status: Status) -> Iterator[tuple[str, str]]:
    drift = status.drift
    if drift.is_there is None:
        yield "drift", f"not known: {drift.reason}"
    elif status.current is None:
        yield (
            "drift",
            "the kernel holds rules of natc that no `natc apply` put there"
            if drift.is_there
            else "none",
        )
    elif not drift.is_there:
        yield "drift", "none: the kernel holds what natc put there"
    elif drift.found is None:
        yield "drift", f"natc's rules are no longer what it put there ({drift.reason})"
    elif not drift.found:
        yield "drift", "natc's rules are no longer word for word what it put there; every packet"
        yield "", "is treated as before"
    else:
        yield "drift", "natc's rules are no longer what it put there:"
        for found in drift.found[:MOST_SHOWN]:
            yield from (("", line) for line in treated.lines(found, _NAMES))
        if len(drift.found) > MOST_SHOWN:
            yield "", f"… and {len(drift.found) - MOST_SHOWN:,} more sets of packets"


def _counter_lines(status: Status) -> Iterator[str]:
    if not status.counters:
        return
    yield ""
    yield f"{'used by':>12} {'':11} {'bytes':>16}  policy line"
    for one in status.counters:
        unit = "connections" if one.connections else "packets"
        yield f"{one.count:>12,} {unit:11} {one.bytes:>16,}  {one.line}"


def _named(generation: Generation) -> str:
    return f"{generation.name} ({generation.digest[:_SHORT]})"


def _after(words_: str) -> str:
    return f"; {words_}" if words_ else ""


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(seconds))


def _duration(seconds: float) -> str:
    """Return a length of time in its two largest units; a clock that was set back counts as 0."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def as_json(status: Status, *, is_boot_enabled: bool) -> str:
    """Return a status as JSON; versioned: fields are added, never changed."""
    current, boot = status.current, status.boot
    whole = {
        "version": 1,
        "current": None if current is None else _generation(current),
        "since": status.since,
        "file": status.file,
        "boot": None if boot is None else _generation(boot),
        "restored_at_boot": current is not None
        and boot is not None
        and boot.number == current.number,
        "boot_enabled": is_boot_enabled,
        "confirm_within": status.waits,
        "flavour": status.flavour,
        "drift": _drift(status.drift),
        "counters": None
        if status.counters is None
        else [
            {
                "line": one.line,
                "unit": "connections" if one.connections else "packets",
                "count": one.count,
                "bytes": one.bytes,
            }
            for one in status.counters
        ],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _generation(generation: Generation) -> dict[str, Any]:
    return {
        "number": generation.number,
        "policy": generation.policy,
        "sha256": generation.digest,
        "made": generation.made,
        "backend": generation.backend,
        "place": generation.place,
        "node": generation.node,
    }


def _drift(drift: Drift) -> dict[str, Any]:
    found = None if drift.found is None else [treated.row(one, _NAMES) for one in drift.found]
    return {"drifted": drift.is_there, "reason": drift.reason, "packets": found}
