"""Diagnostics as GitHub workflow commands, which become annotations of a pull request.

Source: docs.github.com, "Workflow commands for GitHub Actions".
"""

from collections.abc import Iterable

from natc.diagnostics.model import Diagnostic, Severity, Undecided
from natc.diagnostics.text import printable, said

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Iterable[Diagnostic], undecided: Iterable[Undecided] = ()) -> str:
    """Return one command a line."""
    return "\n".join([*map(_command, diagnostics), *map(_remark, undecided)])


def _remark(undecided: Undecided) -> str:
    return f"::notice file={_property(undecided.name)}::{_data(f'not decided: {undecided.what}')}"


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.primary.span
    start, end = span.source.position(span.start), span.source.position(span.end)
    message = "\n".join(said(diagnostic))
    if diagnostic.help:
        message += f"\nhelp: {diagnostic.help}"
    return (
        f"::{_COMMANDS[diagnostic.severity]} file={_property(span.source.name)},line={start.line},"
        f"endLine={end.line},col={start.column},"
        f"title={_property(f'{diagnostic.code} {diagnostic.slug}')}::{_data(message)}"
    )


def _data(text: str) -> str:
    lines = text.replace("%", "%25").replace("\r", "%0D").split("\n")
    return "%0A".join(printable(line) for line in lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
