"""Diagnostics as SARIF 2.1.0, which code-scanning services read."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from natc.diagnostics.model import Diagnostic, Label
from natc.diagnostics.text import said

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one SARIF log with one run."""
    found = list(diagnostics)
    slugs = {d.code: d.slug for d in found}
    run = {
        "tool": {
            "driver": {
                "name": "natc",
                "rules": [{"id": code, "name": slug} for code, slug in sorted(slugs.items())],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic) for diagnostic in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    text = "; ".join(said(diagnostic)) + (f"; help: {diagnostic.help}" if diagnostic.help else "")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": str(diagnostic.severity),
        "message": {"text": text},
        "locations": [_location(diagnostic.primary)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            _location(label) | {"message": {"text": label.text}} for label in diagnostic.related
        ]
    return result


def _location(label: Label) -> dict[str, Any]:
    source = label.span.source
    start, end = source.position(label.span.start), source.position(label.span.end)
    region = {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }
    uri = quote(source.name, safe="/", errors="surrogateescape")  # As Python decodes file names.
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
