"""The pages of all codes: for a terminal, and as one document."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module

from natc.lint.catalogue import ENTRIES, ON_A_GATEWAY, Entry

_KINDS = {
    "X": "exact on the meaning of the rules",
    "K": "exact against what kernel and iptables accept",
    "T": "exact relative to the declared zones and networks",
    "H": "about a running gateway",
    "A": "advice",
}

_BLOCK = re.compile(r"^```[^\n`]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)
_LINK = re.compile(r"\[(?P<words>[^]\n]+)\]\([^)\n]+\)")

_HEAD = """\
# Rules

What natc finds in policies and in rules that exist: `natc lint` looks for all that is on, the \
errors of the compiler are found by every command, `natc doctor` and `natc plan` find what is \
wrong with a running gateway, and `natc explain NAT101` prints one page. \
[lint.md](lint.md) tells of options, repairs and settings. This document is made by `make docs` of \
the modules in [natc/lint/rules](../natc/lint/rules) and \
[natc/host/doctor/findings](../natc/host/doctor/findings), whose examples are tests.

Kinds: `X` exact on the meaning of the rules; `K` exact against what kernel and iptables accept; \
`T` exact relative to the declared zones and networks; `H` about a running gateway, exact relative \
to what it says of itself; `A` advice.
"""


def page(entry: Entry) -> str:
    """Return the page of a code, in Markdown: its first line is a sentence.

    Links are relative to the folder `docs`.
    """
    return (import_module(entry.module).__doc__ or "").strip() + "\n"


def alone(entry: Entry) -> str:
    """Return the page of a code, in Markdown, for a place from which its links lead nowhere."""
    return _LINK.sub(r"\g<words>", page(entry))


def state(entry: Entry) -> str:
    """Return when a code is looked for."""
    if entry.by == "compiler":
        return "always"
    if entry.by in ON_A_GATEWAY:
        return entry.by
    return "on" if entry.on else "off"


def readable(entry: Entry) -> str:
    """Return the page of a code as text for a terminal."""
    parts = [f"{entry.code} {entry.slug}", f"{entry.severity}, {_KINDS[entry.kind]}{_extra(entry)}"]
    return "\n".join([*parts, "", _plain(alone(entry))])


def _extra(entry: Entry) -> str:
    words = ", found by the compiler" if entry.by == "compiler" else ""
    words += f", found by `natc {entry.by}`" if entry.by in ON_A_GATEWAY else ""
    words += "" if entry.on else ", off by default"
    return words + (", repaired by `natc lint --fix`" if entry.fixable else "")


def _plain(markdown: str) -> str:
    """Return Markdown as it reads well without a renderer: blocks set in, headings in capitals."""
    pieces, position = [], 0
    for block in _BLOCK.finditer(markdown):
        pieces.append(_headings(markdown[position : block.start()]))
        pieces += [f"    {line}".rstrip() + "\n" for line in block["body"].splitlines()]
        position = block.end() + 1
    pieces.append(_headings(markdown[position:]))
    return "".join(pieces)


def _headings(text: str) -> str:
    return _HEADING.sub(lambda found: found["words"].upper(), text)


def table(entries: Iterable[Entry] = ENTRIES) -> Iterator[str]:
    """Yield the lines of the table of codes, in Markdown."""
    yield "| code | name | level | kind | on | repair | finds |"
    yield "|---|---|---|---|---|---|---|"
    for entry in entries:
        repair = "yes" if entry.fixable else ""
        yield (
            f"| [{entry.code}](#{entry.code.lower()}-{entry.slug}) | {entry.slug} | "
            f"{entry.severity} | {entry.kind} | {state(entry)} | {repair} | {entry.summary} |"
        )


def document() -> str:
    """Return docs/rules.md: the table, and every page."""
    parts = [_HEAD, "\n".join([*table(), ""])]
    for entry in ENTRIES:
        deeper = _deeper(page(entry))
        parts.append(f"## {entry.code} {entry.slug}\n\n{deeper}")
    return "\n".join(parts)


def _deeper(markdown: str) -> str:
    """Return Markdown with headings one level further down, those of comments left alone."""
    pieces, position = [], 0
    for block in _BLOCK.finditer(markdown):
        pieces.append(_HEADING.sub(r"#\g<0>", markdown[position : block.start()]))
        pieces.append(block.group())
        position = block.end()
    pieces.append(_HEADING.sub(r"#\g<0>", markdown[position:]))
    return "".join(pieces)
