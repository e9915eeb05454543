"""A witness goes to `natc trace` as it is printed, and its story names a rule of the finding."""

import json
from pathlib import Path
from typing import Any

import pytest

from natc.address import text_of
from natc.diagnostics import Diagnostic
from tests.cli.program import natc
from tests.lint.pages import EXAMPLES, OF_WHAT_IS_MISSING, Example, findings

UNTRANSLATABLE = "untranslatable"
"""Of a policy that does not compile there are no stories, as `natc trace` says."""


def traced(example: Example, packets: list[str], folder: Path) -> list[dict[str, Any]]:
    """Return the stories that natc tells of packets."""
    (folder / "rules").write_text(example.body, encoding="utf-8")
    kind = "policy" if example.kind == "nat" else "iptables-save"
    family = ("--family", "6") if "family=6" in example.words else ()
    given = [word for packet in packets for word in ("--packet", packet)]
    done = natc("trace", "rules", "--from", kind, *family, "--format", "json", *given, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    stories: list[dict[str, Any]] = json.loads(done.stdout)["traces"]
    return stories


def lines_of(story: dict[str, Any]) -> set[int]:
    """Return the lines of all rules that a story names."""
    steps = (step for outcome in story["outcomes"] for step in outcome["steps"])
    return {step["rule"]["line"] for step in steps if step["rule"] is not None}


def is_told(finding: Diagnostic, story: dict[str, Any]) -> bool:
    """Say whether a story is that of a finding's rule; of a missing rule, that none translates."""
    assert finding.witness is not None
    if finding.slug in OF_WHAT_IS_MISSING:
        own = [text_of(finding.witness.family, finding.witness.source)]
        return all(outcome["source"]["addresses"] == own for outcome in story["outcomes"])
    shown = {finding.primary.span.line, *(label.span.line for label in finding.related)}
    return bool(lines_of(story) & shown)


@pytest.mark.parametrize(
    "example",
    [pytest.param(example, id=f"{entry.slug}-{number}") for entry, number, example in EXAMPLES],
)
def test_the_story_of_a_witness_names_a_rule_of_its_finding(example: Example, tmp_path: Path):
    found = findings(example)
    witnessed = [finding for finding in found if finding.witness is not None]
    if not witnessed or any(finding.slug == UNTRANSLATABLE for finding in found):
        return
    packets = [str(finding.witness) for finding in witnessed]
    stories = traced(example, packets, tmp_path)
    assert [story["packet"] for story in stories] == packets
    for finding, story in zip(witnessed, stories, strict=True):
        assert is_told(finding, story), f"{finding.code} {finding.witness}: {story}"
