"""The examples of a lint rule's page, as cases.

A ```` ```nat ```` block is a policy, an ```` ```iptables ```` block (`family=6` for IPv6) a dump.
`# error: [slug]`, `# warning: [slug]` or `# note: [slug]` announces a finding: at the end of its
line in a policy, on the line above it in a dump.  All findings that begin on a line with the page's
own slug must be announced, and all that is announced must be found.
"""

import re
from collections.abc import Iterator
from importlib import import_module

from natc import pipeline
from natc.address import Family
from natc.diagnostics import Diagnostic, PolicyError, text
from natc.lint.catalogue import ENTRIES as ALL
from natc.lint.catalogue import ON_A_GATEWAY
from natc.lint.run import lint
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read

_BLOCK = re.compile(
    r"^```(?P<head>(?:nat|iptables)[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_ANNOUNCED = re.compile(r"# (?P<level>error|warning|note): \[(?P<slugs>[a-z0-9, -]+)\][ \t]*$")

ENTRIES = tuple(entry for entry in ALL if entry.by not in ON_A_GATEWAY)
"""What is found in texts; tests/host/findings has the examples of the others."""

LINTED = tuple(entry for entry in ENTRIES if entry.by == "lint")

OF_WHAT_IS_MISSING = frozenset({"bypass", "gateway-not-covered", "hairpin-missing", "private-leak"})
"""Findings whose witness no rule translates, which is what they say."""

Said = tuple[int, str, str]
"""Line, level, slug."""


class Example(Record):
    """One block of a page."""

    kind: str
    words: tuple[str, ...]
    body: str


def examples(page: str) -> Iterator[Example]:
    """Yield the blocks of a page that natc can read."""
    for found in _BLOCK.finditer(page):
        kind, *words = found["head"].split()
        yield Example(kind, tuple(words), found["body"])


PAGES = {entry.slug: import_module(entry.module).__doc__ or "" for entry in ENTRIES}

EXAMPLES = [
    (entry, number, example)
    for entry in ENTRIES
    for number, example in enumerate(examples(PAGES[entry.slug]), 1)
]
"""All blocks of all pages, with their numbers on the page."""


def subject_of(example: Example) -> Subject:
    """Return what a block means; what it announces is no comment of its author's."""
    body = "\n".join(_ANNOUNCED.sub("", line) for line in example.body.split("\n"))
    if example.kind == "nat":
        tree, meaning = pipeline.understand_whole(Source("policy.nat", body), _no_files)
        return Subject(meaning, tree)
    family = Family.IPV6 if "family=6" in example.words else Family.IPV4
    ruleset = read(Source("rules", body), family)
    return Subject(lift("rules", ruleset), rulesets=(ruleset,))


def findings(example: Example) -> list[Diagnostic]:
    """Return all that natc finds in a block, the rules that are off by default included."""
    try:
        subject = subject_of(example)
    except PolicyError as error:
        return list(error.diagnostics)
    return lint(subject, LINTED)


def check(example: Example, slug: str) -> None:
    """Hold natc against one block of the page of `slug`."""
    announced = set(_announced(example))
    found = findings(example)
    said = {(d.primary.span.line, str(d.severity), d.slug) for d in found}
    wrong = [f"announced, but not found: {one}" for one in sorted(announced - said)]
    wrong += [
        f"found, but not announced: {one}" for one in sorted(said - announced) if one[2] == slug
    ]
    assert not wrong, "\n".join([*wrong, example.body, text.render(found)])


def _announced(example: Example) -> Iterator[Said]:
    below = example.kind == "iptables"
    for number, line in enumerate(example.body.split("\n"), 1):
        if found := _ANNOUNCED.search(line):
            for slug in found["slugs"].split(","):
                yield number + below, found["level"], slug.strip()


def _no_files(name: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", name)
