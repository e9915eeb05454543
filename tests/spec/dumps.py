"""Texts for iptables-restore in Markdown, as cases.

A comment `# error: [slug]` announces an error in the line below it.  `family=6` after `iptables`
says who takes the text.  The block after it may say what comes out: `saved` the text as natc
writes it back, `text` the errors as natc prints them.
"""

import re
from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import PolicyError, text
from natc.source import Source
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from tests.spec.markdown import Case, Wrong, compare_errors

_ANNOUNCED = re.compile(r"# error: \[(?P<slugs>[a-z, -]+)\]")


def check(case: Case) -> None:
    """Hold natc's reader and writer against one case.

    Raises:
        Wrong: they disagree.
    """
    family = next(
        (Family(int(word[7:])) for word in case.words if word.startswith("family=")), None
    )
    saved, said = "", ""
    found: set[tuple[int, str]] = set()
    try:
        ruleset = read(Source("rules.v4", case.text), family)
        saved = write(ruleset, Form.SAVE)
        again = read(Source("saved", saved), ruleset.family)
    except PolicyError as error:
        said = text.render(error.diagnostics) + "\n"
        found = {(d.primary.span.line, d.slug) for d in error.diagnostics}
    else:
        if again != ruleset:
            raise Wrong(f"line {case.line}: what natc writes is read as something else\n{saved}")
    compare_errors(case, set(_announced(case.text)), found, said)
    for kind, expected in case.outputs:
        got = {"saved": saved, "text": said}[kind]
        if got != expected:
            raise Wrong(f"line {case.line}: {kind} differ\n--- expected\n{expected}--- got\n{got}")


def _announced(dump: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(dump.split("\n"), 1):
        if found := _ANNOUNCED.fullmatch(line):
            for slug in found["slugs"].split(","):
                yield number + 1, slug.strip()
