"""Runs the chosen rules over one subject, and heeds what the policy allows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module

from natc.diagnostics import Diagnostic, Severity
from natc.diagnostics.codes import SLUGS
from natc.lint.allowances import STALE, judge
from natc.lint.catalogue import BY_CODE, ENTRIES, By, Entry
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.record import replace

Check = Callable[[Subject], Iterable[Diagnostic]]

_NO_LEVELS: Mapping[str, Severity] = {}


def defaults(by: By = "lint") -> tuple[Entry, ...]:
    """Return what is looked for unless told otherwise: the lint rules, or the doctor's."""
    return tuple(entry for entry in ENTRIES if entry.on and entry.by == by)


def lint(
    subject: Subject,
    chosen: Iterable[Entry] | None = None,
    levels: Mapping[str, Severity] = _NO_LEVELS,
) -> list[Diagnostic]:
    """Return the findings in the order of file, place and code: one for each code and place.

    Args:
        chosen: the rules to run; None is the defaults.
        levels: other levels than the catalogue's, by code.
    """
    entries = defaults() if chosen is None else tuple(chosen)
    found: dict[tuple[object, ...], Diagnostic] = {}
    for entry in entries:
        for finding in _check(entry)(subject) if entry.code != STALE else ():
            key = (finding.code, finding.primary.span.source.name, finding.primary.span.start)
            found.setdefault(key, finding)
    judged = judge(subject.allowed, found.values(), _decided(subject, entries), subject.today)
    stale = judged.stale if any(entry.code == STALE for entry in entries) else ()
    levelled = _levelled((*judged.kept, *stale), levels)
    return sorted(levelled, key=lambda finding: finding.sort_key)


def _decided(subject: Subject, entries: Iterable[Entry]) -> set[str]:
    """Return the codes of which everything was found, also those that natc never looks for."""
    if subject.undecided:
        return set()
    not_looked_for = {entry.code for entry in ENTRIES if entry.by != "compiler"}
    return SLUGS.keys() - not_looked_for.difference(entry.code for entry in entries)


def _check(entry: Entry) -> Check:
    check: Check = import_module(entry.module).check
    return check


def _levelled(
    findings: Iterable[Diagnostic], levels: Mapping[str, Severity]
) -> Iterator[Diagnostic]:
    """Yield the findings with the level that is asked for, else the catalogue's."""
    for finding in findings:
        severity = levels.get(finding.code, BY_CODE[finding.code].severity)
        yield replace(finding, severity=severity, witness=_sendable(finding.witness))


def _sendable(packet: Packet | None) -> Packet | None:
    """Return a witness, unless it has port 0: of such packets nothing can be shown."""
    if packet is None or 0 in (packet.source_port, packet.destination_port):
        return None
    return packet
