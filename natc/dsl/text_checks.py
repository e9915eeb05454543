"""What a text must be before anyone parses it: plain, of bounded size."""

import re

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.source import Source, Span

LARGEST = 32 * 1024 * 1024
"""Characters; 100,000 rules take 8 million."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")

_NAMES = {
    "\0": "a NUL character",
    "\r": "a carriage return",
    "\ufeff": "a byte order mark",
}


def check_text(source: Source) -> None:
    """Refuse control characters and texts too large to be a policy.

    Raises:
        PolicyError: NAT014 at the first such character, NAT015.
    """
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
