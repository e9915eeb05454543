"""What `natc lint` prints."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from natc.cli.files import echo_result
from natc.cli.report import coloured, wants_colour
from natc.diagnostics import Diagnostic, Severity, Undecided, text
from natc.diagnostics.sarif import About
from natc.diagnostics.text import printable


def print_findings(
    findings: Sequence[Diagnostic], undecided: Sequence[Undecided], format_: str, colour: str
) -> None:
    """Print findings on standard output, all of them."""
    said = rendered(findings, undecided, format_)
    if said:
        wanted = format_ == "text" and wants_colour(colour, sys.stdout)
        echo_result(f"{coloured(said) if wanted else said}\n")


def rendered(findings: Sequence[Diagnostic], undecided: Sequence[Undecided], format_: str) -> str:
    """Return findings in one of the formats of `--format`."""
    if format_ == "text":
        return text.render(findings, undecided)
    if format_ == "concise":
        return text.concise(findings, undecided)
    module: Any = import_module(f"natc.diagnostics.{format_}")
    if format_ == "sarif":
        return str(module.render(findings, undecided, _about(findings)))
    return str(module.render(findings, undecided))


def _about(findings: Iterable[Diagnostic]) -> dict[str, About]:
    from natc.lint.catalogue import BY_CODE  # noqa: PLC0415 - start-up
    from natc.lint.pages import alone, readable  # noqa: PLC0415

    entries = {finding.code: BY_CODE.get(finding.code) for finding in findings}
    return {
        code: About(entry.severity, entry.summary, alone(entry), readable(entry))
        for code, entry in entries.items()
        if entry is not None
    }


def summary(findings: Sequence[Diagnostic], names: Sequence[str], *, is_trial: bool) -> str:
    """Return the line that sums up what was found in the files of these names.

    Args:
        is_trial: the findings are those that repairs would leave.
    """
    where = printable(names[0]) if len(names) == 1 else f"{len(names)} files"
    after = " would be left" if is_trial else ""
    if not findings:
        return f"no findings in {where}{after}"
    counts = Counter(finding.severity for finding in findings)
    parts = [_count(counts[level], str(level)) for level in Severity if counts[level]]
    said = f"{', '.join(parts)} in {where}{after}"
    safe = [finding.fix.is_safe for finding in findings if finding.fix is not None]
    if any(safe):
        said += f"; `--fix` repairs {sum(safe)}"
    if not all(safe):
        said += f"; `--fix --unsafe-fixes` repairs {len(safe)}"
    return said


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def repaired(done: Iterable[Diagnostic]) -> Iterator[str]:
    """Yield a line for each repair."""
    for finding in done:
        if finding.fix is not None:
            place = printable(str(finding.primary.span))
            yield f"  {place}: {finding.code}: {printable(finding.fix.title)}"
