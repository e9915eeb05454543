"""Diagnostics as SARIF 2.1.0, which code-scanning services read."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from natc.diagnostics.model import Diagnostic, Fix, Label, Severity, Undecided
from natc.diagnostics.text import said
from natc.record import Record
from natc.source import Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class About(Record):
    """What is known of a code besides its findings.

    Attributes:
        summary: one line.
        page: the explanation, in Markdown.
        readable: the explanation for a terminal.
    """

    severity: Severity
    summary: str
    page: str
    readable: str


def render(
    diagnostics: Iterable[Diagnostic],
    undecided: Iterable[Undecided] = (),
    about: Mapping[str, About] | None = None,
) -> str:
    """Return one SARIF log with one run.

    Args:
        about: what is known of the codes, by code.
    """
    found = list(diagnostics)
    known = about or {}
    slugs = {d.code: d.slug for d in found}
    rules = [_rule(code, slug, known.get(code)) for code, slug in sorted(slugs.items())]
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    places: Counter[str] = Counter()
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "natc", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, index, places) for diagnostic in found],
    }
    remarks = [_notification(one) for one in undecided]
    if remarks:
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": remarks}]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str, slug: str, about: About | None) -> dict[str, Any]:
    if about is None:
        return {"id": code, "name": slug}
    return {
        "id": code,
        "name": slug,
        "shortDescription": {"text": about.summary},
        "help": {"text": about.readable, "markdown": about.page},
        "defaultConfiguration": {"level": str(about.severity)},
    }


def _result(
    diagnostic: Diagnostic, index: Mapping[str, int], places: Counter[str]
) -> dict[str, Any]:
    text = "; ".join(said(diagnostic)) + (f"; help: {diagnostic.help}" if diagnostic.help else "")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index[diagnostic.code],
        "level": str(diagnostic.severity),
        "message": {"text": text},
        "locations": [_location(diagnostic.primary.span)],
        "partialFingerprints": {"finding/v1": _fingerprint(diagnostic, places)},
    }
    if diagnostic.related:
        result["relatedLocations"] = [_related(label) for label in diagnostic.related]
    if diagnostic.fix is not None:
        result["fixes"] = [_fix(diagnostic.fix)]
    return result


def _related(label: Label) -> dict[str, Any]:
    return _location(label.span) | {"message": {"text": label.text}}


def _fingerprint(diagnostic: Diagnostic, places: Counter[str]) -> str:
    """Return what stays when lines above the finding come and go.

    Findings on equal lines are told apart by their number.
    """
    span = diagnostic.primary.span
    line = span.source.line(span.line).strip()
    parts = f"{diagnostic.code}\0{span.source.name}\0{line}"
    digest = sha256(parts.encode(errors="surrogateescape")).hexdigest()[:16]
    places[digest] += 1
    return f"{digest}:{places[digest]}"


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, dict[str, Any]] = {}
    for edit in fix.edits:
        change = changes.setdefault(
            edit.span.source.name,
            {"artifactLocation": _artifact(edit.span), "replacements": []},
        )
        change["replacements"].append(
            {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        )
    return {"description": {"text": fix.title}, "artifactChanges": list(changes.values())}


def _notification(undecided: Undecided) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": _uri(undecided.name)}}}
    message = {"text": f"not decided: {undecided.what}"}
    return {"level": "note", "message": message, "locations": [place]}


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span), "region": _region(span)}}


def _artifact(span: Span) -> dict[str, Any]:
    return {"uri": _uri(span.source.name)}


def _uri(name: str) -> str:
    return quote(name, safe="/", errors="surrogateescape")  # As Python decodes file names.


def _region(span: Span) -> dict[str, Any]:
    start, end = span.source.position(span.start), span.source.position(span.end)
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }
