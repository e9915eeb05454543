"""Diagnostics as JSON, for programs.  Versioned: fields are added, never changed."""

import json
from collections.abc import Iterable
from typing import Any

from natc.diagnostics.model import Diagnostic, Label

VERSION = 1


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one JSON object; lines and columns from 1, offsets in code points from 0."""
    document = {"version": VERSION, "diagnostics": [_diagnostic(d) for d in diagnostics]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "name": diagnostic.slug,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "primary": _label(diagnostic.primary),
        "related": [_label(label) for label in diagnostic.related],
        "witness": None if diagnostic.witness is None else str(diagnostic.witness),
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
    }


def _label(label: Label) -> dict[str, Any]:
    source = label.span.source
    start, end = source.position(label.span.start), source.position(label.span.end)
    return {
        "file": source.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": label.span.start,
        "end": label.span.end,
        "text": label.text,
    }
