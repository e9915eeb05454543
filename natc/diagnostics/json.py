"""Diagnostics as JSON, for programs.  Versioned: fields are added, never changed."""

import json
from collections.abc import Iterable
from typing import Any

from natc.diagnostics.model import Diagnostic, Fix, Label, Undecided
from natc.source import Span

VERSION = 1


def render(diagnostics: Iterable[Diagnostic], undecided: Iterable[Undecided] = ()) -> str:
    """Return one JSON object; lines and columns from 1, offsets in code points from 0."""
    document = {
        "version": VERSION,
        "diagnostics": [_diagnostic(d) for d in diagnostics],
        "undecided": [{"file": one.name, "what": one.what} for one in undecided],
    }
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
        "fix": None if diagnostic.fix is None else _fix(diagnostic.fix),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "title": fix.title,
        "safe": fix.is_safe,
        "edits": [{**_place(edit.span), "text": edit.text} for edit in fix.edits],
    }


def _label(label: Label) -> dict[str, Any]:
    return {**_place(label.span), "text": label.text}


def _place(span: Span) -> dict[str, Any]:
    start, end = span.source.position(span.start), span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": span.start,
        "end": span.end,
    }
