"""Runs the chosen rules over one subject."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module

from natc.diagnostics import Diagnostic
from natc.lint.catalogue import BY_CODE, ENTRIES, Entry
from natc.lint.subject import Subject
from natc.record import replace

Check = Callable[[Subject], Iterable[Diagnostic]]


def defaults() -> tuple[Entry, ...]:
    """Return the lint rules that are on unless told otherwise."""
    return tuple(entry for entry in ENTRIES if entry.on and entry.by == "lint")


def lint(subject: Subject, chosen: Iterable[Entry] | None = None) -> list[Diagnostic]:
    """Return the findings in the order of file, place and code: one for each code and place.

    Allowances are the caller's business.

    Args:
        chosen: the rules to run; None is the defaults.
    """
    entries = defaults() if chosen is None else chosen
    found: dict[tuple[object, ...], Diagnostic] = {}
    for entry in entries:
        for finding in _check(entry)(subject):
            key = (finding.code, finding.primary.span.source.name, finding.primary.span.start)
            found.setdefault(key, finding)
    return sorted(_levelled(found.values()), key=lambda finding: finding.sort_key)


def _check(entry: Entry) -> Check:
    check: Check = import_module(entry.module).check
    return check


def _levelled(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the findings with the level that the catalogue gives their code."""
    for finding in findings:
        yield replace(finding, severity=BY_CODE[finding.code].severity)
