"""Short ways to lint rules that natc did not write."""

from natc.address import Family
from natc.diagnostics import Diagnostic
from natc.lint.catalogue import ENTRIES
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read


def subject(*lines: str, table: str = "nat", family: Family = Family.IPV4) -> Subject:
    """Return what lines of one table mean."""
    ruleset = read(Source("rules", "\n".join([f"*{table}", *lines, "COMMIT", ""])), family)
    return Subject(lift("rules", ruleset), rulesets=(ruleset,))


def found(linted: Subject, *codes: str) -> list[Diagnostic]:
    """Return the findings of some codes."""
    return lint(linted, [entry for entry in ENTRIES if entry.code in codes])


def lines_of(linted: Subject, *codes: str) -> list[str]:
    """Return the lines with findings of some codes."""
    return [finding.primary.span.text for finding in found(linted, *codes)]
