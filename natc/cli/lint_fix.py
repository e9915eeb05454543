"""Repairs texts until nothing is left to repair, and makes sure of what that changes."""

from collections.abc import Callable

from natc.cli.differences import Report, differences
from natc.cli.lint_files import Files, rule_set
from natc.diagnostics import Diagnostic, Fix
from natc.lint.fixes import compatible
from natc.lint.subject import Subject
from natc.record import Record
from natc.simulate.compare import Undecided

MOST_ROUNDS = 100
"""Rounds of repairs, each of all those that can be done at once."""

Found = tuple[Subject | None, list[Diagnostic]]
"""What a text means, None while it is wrong, and the findings in it."""


class Repairs(Record):
    """What was done to the texts.

    Attributes:
        done: the findings that were repaired, in the order of the repairs.
        refused: why nothing was done although something could have been; None is no reason.
        meaning: what the repairs change, in words; empty when nothing was done.
        left: what the texts mean now, and the findings in them.
    """

    done: tuple[Diagnostic, ...]
    refused: str | None
    meaning: str
    left: Found


def repair(files: Files, find: Callable[[], Found], *, unsafe: bool) -> Repairs:
    """Repair `files`, the safe repairs first; they are done only if they change no packet's fate.

    Args:
        find: looks at the texts as they are now.
        unsafe: do repairs that may change what becomes of packets, too.
    """
    first = find()
    done, left, refused = _rounds(files, find, first, lambda fix: fix.is_safe)
    if refused is None and done:
        refused = _change(files, first[0], left[0])
    if refused is not None:
        files.repaired.clear()
        done, left = [], first
    if unsafe:
        trusted = refused is None
        more, left, broken = _rounds(files, find, left, lambda fix: trusted or not fix.is_safe)
        if broken is not None:
            files.repaired.clear()
            return Repairs((), broken, "", first)
        done += more
    return Repairs(tuple(done), refused, _meaning(files, first[0], left[0], done), left)


def _rounds(
    files: Files, find: Callable[[], Found], found: Found, is_wanted: Callable[[Fix], bool]
) -> tuple[list[Diagnostic], Found, str | None]:
    """Repair what is wanted, round after round.

    Returns what was repaired, what is left, and why the repairs cannot be right, if they cannot.
    """
    done: list[Diagnostic] = []
    for _ in range(MOST_ROUNDS):
        subject, findings = found
        offered = {
            id(finding.fix): (finding, finding.fix)
            for finding in findings
            if finding.fix is not None and is_wanted(finding.fix) and files.hold(finding.fix)
        }
        now = [offered[id(fix)] for fix in compatible(fix for _, fix in offered.values())]
        if not now:
            break
        files.repair(edit for _, fix in now for edit in fix.edits)
        found = find()
        if subject is not None and found[0] is None:
            return done, found, "after the repairs the text would be wrong"
        done += (finding for finding, _ in now)
    return done, found, None


def _change(files: Files, before: Subject | None, after: Subject | None) -> str | None:
    """Return why repairs that are called safe are not, None when they are."""
    if before is None or after is None:
        return None
    report = _report(files, before, after)
    if report is None:
        return "whether packets are treated alike after them is too much to decide"
    if report.found:
        return f"packets would be treated differently after them:\n\n{report.text().rstrip()}"
    return None


def _meaning(
    files: Files, before: Subject | None, after: Subject | None, done: list[Diagnostic]
) -> str:
    if not done:
        return ""
    if after is None:
        return "there are errors left, so it means nothing yet"
    if before is None:
        return "it meant nothing before, because of its errors"
    report = _report(files, before, after)
    if report is None:
        return "whether packets are treated differently is too much to decide"
    return report.text().rstrip() if report.found else "no packet is treated differently"


def _report(files: Files, before: Subject, after: Subject) -> Report | None:
    """Return the packets that are treated differently, None when that cannot be decided."""
    left = rule_set(before, f"{files.name} before")
    right = rule_set(after, f"{files.name} repaired")
    families = [family for family in left.families if family in right.families]
    try:
        return Report(left, right, differences(left, right, families))
    except Undecided:
        return None
