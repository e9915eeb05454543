"""Diagnostics as values.  Rendering is elsewhere, colour is the command line's business."""

import re
from collections.abc import Iterable
from enum import StrEnum

from natc.diagnostics import codes
from natc.packet import Packet
from natc.record import Record, replace
from natc.source import Span


class Severity(StrEnum):
    """Maps 1:1 to SARIF levels and GitHub commands."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Label(Record):
    """A place and what is to be said there; the text may be empty."""

    span: Span
    text: str = ""


class Edit(Record):
    """Text to put in the place of a span; an empty span inserts."""

    span: Span
    text: str


class Fix(Record):
    """A mechanical repair.

    Attributes:
        title: what it does, imperative.
        edits: in one file, not overlapping.
        is_safe: whether it changes the treatment of no packet.
    """

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


class Diagnostic(Record):
    """One finding.

    Attributes:
        code: `NATfnn`, stable, never reused; listed in `codes`.
        message: the headline: general, stands alone, lower case, no full stop, no fix.
        primary: what is wrong, here.
        related: the other places involved.
        witness: a packet that shows it; None where none is needed.
        help: the only part that suggests.
        fix: the repair, where it is mechanical.
    """

    code: str
    message: str
    primary: Label
    related: tuple[Label, ...] = ()
    witness: Packet | None = None
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR
    fix: Fix | None = None

    @property
    def slug(self) -> str:
        """The readable twin of `code`, as in `allow SLUG`."""
        return codes.SLUGS[self.code]

    @property
    def sort_key(self) -> tuple[str, int, str]:
        """File, place, code: the order of all output."""
        return self.primary.span.source.name, self.primary.span.start, self.code


class Undecided(Record):
    """What was too much to decide: no finding, and no promise that there is none.

    Attributes:
        name: of the text, as in `Source`.
        what: in words, lower case, no full stop.
    """

    name: str
    what: str


_LONG = re.compile(r"`([^`]{30})[^`]{20,}([^`]{10})`")


def _short(message: str) -> str:
    """Return a headline in which values keep their ends and no more than 50 characters."""
    return _LONG.sub(r"`\1…\2`", message)


class PolicyError(Exception):
    """Bad input: the only exception that a stage raises for it, with every problem found.

    Attributes:
        diagnostics: never empty, sorted by file, place and code.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        readable = (replace(d, message=_short(d.message)) for d in diagnostics)
        unique = {(d.code, d.primary.span, d.message): d for d in readable}
        self.diagnostics = tuple(sorted(unique.values(), key=lambda d: d.sort_key))
        if not self.diagnostics:
            raise ValueError("PolicyError needs at least one diagnostic")
        super().__init__(self.diagnostics[0].message)
