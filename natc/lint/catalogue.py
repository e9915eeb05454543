"""Every code that natc can explain, with its level and one line.

Kinds: `X` exact on the meaning of the rules; `K` exact against what kernel and iptables accept;
`T` exact relative to the declared zones and networks; `A` advice.
"""

from typing import Literal

from natc.diagnostics import Severity
from natc.diagnostics.codes import SLUGS
from natc.record import Record

Kind = Literal["X", "K", "T", "A"]


class Entry(Record):
    """One code.

    Attributes:
        summary: what it finds: lower case, no full stop.
        by: who finds it: the compiler, before anything is linted, or a lint rule.
        on: whether it is looked for unless told otherwise.
        fixable: whether a finding can carry a repair.
    """

    code: str
    severity: Severity
    kind: Kind
    summary: str
    by: Literal["compiler", "lint"] = "lint"
    on: bool = True
    fixable: bool = False

    @property
    def slug(self) -> str:
        """The readable twin of the code."""
        return SLUGS[self.code]

    @property
    def module(self) -> str:
        """The module of its page."""
        return f"natc.lint.rules.{self.slug.replace('-', '_')}"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES = (
    # What the compiler finds.
    # Relations between rules.
    # What kernel and iptables accept.
    # Values of a translation.
    # Path and topology.
    Entry("NAT405", _E, "T", "a destination rule takes packets to any address"),
    # Exposure.
)
"""In the order of their codes."""

BY_CODE = {entry.code: entry for entry in ENTRIES}


def entry(name: str) -> Entry | None:
    """Return the entry of a code or slug, None if there is none."""
    return next((e for e in ENTRIES if name in (e.code, e.slug)), None)
