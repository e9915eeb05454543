"""Markdown with policies in it, as cases.

A ```` ```nat ```` block is one policy.  `# error: [slug]` at the end of one of its lines announces
an error that begins there.  Words after `nat`: `file=NAME` makes the block a file that the next
policy includes, `node=NAME` and `set=NAME=VALUE` say whose policy it is, `fragment` that it only
has to parse.  The block after it may say what comes out: `rules` the kernel rules without their
comments (after `# IPv6` those of ip6tables), `text` the errors as natc prints them, `formatted`
what `natc fmt` makes of the policy.

A ```` ```iptables ```` block is text for iptables-restore; see `dumps.py`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from natc import pipeline
from natc.address import Family
from natc.diagnostics import PolicyError, text
from natc.dsl.format import format as format_policy
from natc.dsl.parser import parse
from natc.record import Record, replace
from natc.simulate import simulate
from natc.simulate.expect import difference
from natc.source import Source
from natc.targets.iptables.model import BUILT_IN
from natc.targets.iptables.write import rule_text

MAIN = "policy.nat"
"""The name of every policy, in messages."""

_BLOCK = re.compile(r"^```(?P<head>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
_ANNOUNCED = re.compile(r"# error: \[(?P<slugs>[a-z, -]+)\][ \t]*$")
_COMMENT = re.compile(r' -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)')


class Wrong(AssertionError):  # noqa: N818 - a specification or natc, nobody knows which
    """A specification and natc disagree; the message names the Markdown line."""


class Case(Record):
    """One policy of a document, or one text for iptables-restore.

    Attributes:
        kind: `nat` or `iptables`.
        line: of its first line of text, in the document.
        files: what it may include, by name.
        outputs: the kinds and texts of the blocks after it.
    """

    kind: str
    title: str
    line: int
    words: tuple[str, ...]
    text: str
    files: Mapping[str, str]
    outputs: tuple[tuple[str, str], ...]


def cases(document: Path) -> Iterator[Case]:
    """Yield the policies of a document in order."""
    content = document.read_text(encoding="utf-8")
    headings = [(found.start(), found["title"]) for found in _HEADING.finditer(content)]
    waiting: Case | None = None
    files: dict[str, str] = {}
    for block in _BLOCK.finditer(content):
        kind, *words = block["head"].split() or [""]
        if kind in ("rules", "text", "formatted", "saved") and waiting is not None:
            waiting = replace(waiting, outputs=(*waiting.outputs, (kind, block["body"])))
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        if kind not in ("nat", "iptables"):
            continue
        name = next((word[5:] for word in words if word.startswith("file=")), None)
        if name is not None:
            files[name] = block["body"]
            continue
        title = next((t for at, t in reversed(headings) if at < block.start()), document.stem)
        line = content.count("\n", 0, block.start("body")) + 1
        waiting = Case(kind, title, line, tuple(words), block["body"], files, ())
        files = {}
    if waiting is not None:
        yield waiting


def check(case: Case) -> None:
    """Hold natc against one case.

    Raises:
        Wrong: they disagree.
    """
    if case.kind == "iptables":
        from tests.spec import dumps

        dumps.check(case)
        return
    source = Source(MAIN, case.text)
    if "fragment" in case.words or any(kind == "formatted" for kind, _ in case.outputs):
        _check_form(case, format_policy(parse(source)))
    if "fragment" in case.words:
        return
    node = next((word[5:] for word in case.words if word.startswith("node=")), None)
    settings = dict(word[4:].split("=", 1) for word in case.words if word.startswith("set="))
    said, rules, failing = "", "", []
    found: set[tuple[int, str]] = set()
    try:
        meaning = pipeline.understand(source, _reader(case.files), node, settings)
        made = pipeline.rulesets(meaning)
        rules = _rules(made)
        failing = [
            f"line {case.line + test.expected_at.line - 1}: `{test.name}`: {problem}"
            for test in meaning.tests
            for outcome in simulate(meaning, test.packet).outcomes
            if (problem := difference(test.expected, test.packet, outcome)) is not None
        ]
    except PolicyError as error:
        said = text.render(error.diagnostics) + "\n"
        elsewhere = [d for d in error.diagnostics if d.primary.span.source.name != MAIN]
        if elsewhere and not any(kind == "text" for kind, _ in case.outputs):
            raise Wrong(
                f"line {case.line}: errors in other files need a `text` block\n{said}"
            ) from None
        found = {(d.primary.span.line, d.slug) for d in error.diagnostics if d not in elsewhere}
    compare_errors(case, set(_announced(case.text)), found, said)
    if failing:
        raise Wrong("\n".join(failing))
    for kind, expected in case.outputs:
        got = {"rules": rules, "text": said, "formatted": expected}[kind]
        if got != expected:
            raise Wrong(f"line {case.line}: {kind} differ\n--- expected\n{expected}--- got\n{got}")


def compare_errors(
    case: Case, wanted: set[tuple[int, str]], found: set[tuple[int, str]], said: str
) -> None:
    """Hold the errors that are announced against those that natc found.

    Args:
        wanted: lines and slugs, as `found`.
        said: the errors as natc prints them.

    Raises:
        Wrong: they are not the same.
    """
    problems = [
        f"line {case.line + line - 1}: {slug} announced, but not found"
        for line, slug in sorted(wanted - found)
    ]
    problems += [
        f"line {case.line + line - 1}: {slug} found, but not announced"
        for line, slug in sorted(found - wanted)
    ]
    if problems:
        raise Wrong("\n".join([*problems, said]))


def _check_form(case: Case, made: str) -> None:
    for kind, expected in case.outputs:
        if kind == "formatted" and made != expected:
            raise Wrong(f"line {case.line}: form differs\n--- expected\n{expected}--- got\n{made}")


def _announced(policy: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(policy.split("\n"), 1):
        found = _ANNOUNCED.search(line)
        for slug in found["slugs"].split(",") if found else ():
            yield number, slug.strip()


def _reader(files: Mapping[str, str]) -> pipeline.Reader:
    def read(name: str) -> str:
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    return read


def _rules(made: Mapping[Family, pipeline.Ruleset]) -> str:
    """Return natc's rules of all families, without comments, in the order of the kernel's text."""
    lines: list[str] = []
    for family, ruleset in made.items():
        if family is Family.IPV6:
            lines.append("# IPv6")
        lines += (
            f"-A {chain.name}{_COMMENT.sub('', rule_text(rule))}"
            for table in ruleset.tables
            for chain in table.chains
            if chain.name not in BUILT_IN[table.name]
            for rule in chain.rules
        )
    return "".join(f"{line}\n" for line in lines)
