"""What a text must be before anyone parses it: plain, of bounded size, no dump."""

import re

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.source import Source, Span

LARGEST = 32 * 1024 * 1024
"""Characters; 100,000 rules take 8 million."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")

_DUMP = re.compile(r"(?:\s*#[^\n]*\n)*\s*(\*\S*)")
"""Text for iptables-restore: nothing before its first `*table` but comments."""

_NAMES = {
    "\0": "a NUL character",
    "\r": "a carriage return",
    "\ufeff": "a byte order mark",
}


def is_dump(source: Source) -> bool:
    """Whether a text is for iptables-restore, which no policy can be."""
    return _DUMP.match(source.text) is not None


def check_text(source: Source) -> None:
    """Refuse what iptables-save printed, control characters and texts too large to be a policy.

    Raises:
        PolicyError: NAT000 at the first table of a dump, NAT014 at the first such character,
            NAT015.
    """
    dump = _DUMP.match(source.text)
    if dump is not None:
        raise PolicyError([_rules(Span(source, *dump.span(1)))])
    if len(source.text) > LARGEST:
        message = f"policy of {len(source.text):,} characters, more than {LARGEST:,}"
        raise PolicyError([Diagnostic("NAT015", message, Label(Span(source, 0, 0)))])
    found = _UNWANTED.search(source.text)
    if found is None:
        return
    character = found.group()
    what = _NAMES.get(character, f"the control character U+{ord(character):04X}")
    place = Label(Span(source, found.start(), found.end()), "here")
    help_ = None
    if character == "\r":
        help_ = "lines end with LF alone: convert the file with `sed -i 's/\\r$//'` or `dos2unix`"
    elif character == "\ufeff":
        help_ = "save the file as UTF-8 without a byte order mark"
    raise PolicyError([Diagnostic("NAT014", f"{what} in the policy", place, help=help_)])


def _rules(table: Span) -> Diagnostic:
    return Diagnostic(
        "NAT000",
        "these are rules as iptables-save prints them",
        Label(table, "their first table"),
        help="`natc import FILE` makes a policy of them; `natc lint`, `natc trace --from "
        "iptables-save` take them as they are",
    )
