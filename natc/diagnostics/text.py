"""Diagnostics as plain text, for people."""

from collections.abc import Iterable, Iterator

from natc.diagnostics.model import Diagnostic, Label, Undecided
from natc.source import Source

_TAB = "    "
_MOST_COLUMNS = 160
"""Longer lines are cut around the place."""


def render(diagnostics: Iterable[Diagnostic], undecided: Iterable[Undecided] = ()) -> str:
    """Return `diagnostics` one after the other, an empty line between, without a final newline."""
    found = ["\n".join(_lines(diagnostic)) for diagnostic in diagnostics]
    return "\n\n".join([*found, *(f"note: {_remark(one)}" for one in undecided)])


def concise(diagnostics: Iterable[Diagnostic], undecided: Iterable[Undecided] = ()) -> str:
    """Return one line for each: `file:line:column: error[NAT001]: message`."""
    found = [
        f"{printable(str(d.primary.span))}: {d.severity}[{d.code}]: {printable('; '.join(said(d)))}"
        for d in diagnostics
    ]
    return "\n".join([*found, *(f"{printable(one.name)}: note: {_what(one)}" for one in undecided)])


def _remark(undecided: Undecided) -> str:
    return f"{printable(undecided.name)}: {_what(undecided)}"


def _what(undecided: Undecided) -> str:
    return printable(f"not decided: {undecided.what}")


def said(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the message, and of a finding with a witness what became of it, as short forms do."""
    yield diagnostic.message
    if diagnostic.witness is not None:
        yield diagnostic.primary.text
        yield f"witness: {diagnostic.witness}"


def printable(text: str) -> str:
    """Return `text` with what could steer a terminal made visible."""
    return "".join(
        char
        if char.isprintable()
        else f"\\x{ord(char):02x}"
        if ord(char) < 256
        else f"\\u{ord(char):04x}"
        for char in text
    )


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    labels = sorted(
        (diagnostic.primary, *diagnostic.related),
        key=lambda label: (
            (label is not diagnostic.primary, label.span.start)
            if label.span.source is not diagnostic.primary.span.source
            else (False, label.span.start)
        ),
    )
    width = max(len(str(label.span.line)) for label in labels)
    pad = " " * width

    yield f"{diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}"
    yield f" {pad}--> {printable(str(diagnostic.primary.span))}"
    yield from _include_chain(diagnostic.primary.span.source, pad)
    yield f" {pad} |"
    source, shown = diagnostic.primary.span.source, 0
    for label in labels:
        if label.span.source is not source:
            yield f" {pad} |"
            yield f" {pad}::: {printable(str(label.span))}"
            source, shown = label.span.source, 0
        line = label.span.line
        if shown and line > shown + 1:
            yield f" {pad} :"
        excerpt, marks = _marked(label, "^" if label is diagnostic.primary else "-")
        if line != shown:
            yield f" {line:{width}} | {excerpt}"
        yield f" {pad} | {marks}"
        shown = line
    tail = [
        *([f"witness: {diagnostic.witness}"] if diagnostic.witness else []),
        *(f"note: {note}" for note in diagnostic.notes),
        *([f"help: {diagnostic.help}"] if diagnostic.help else []),
    ]
    if tail:
        yield f" {pad} |"
    for text in tail:
        yield f" {pad} = {printable(text)}"


def _include_chain(source: Source, pad: str) -> Iterator[str]:
    while source.included_from is not None:
        yield f" {pad} = included from {printable(str(source.included_from))}"
        source = source.included_from.source


def _marked(label: Label, mark: str) -> tuple[str, str]:
    """Return the first line of the label, made printable, and the marks under it.

    An empty span gets one mark.
    """
    source, start, end = label.span.source, label.span.start, label.span.end
    position = source.position(start)
    text = source.line(position.line)
    column = position.column - 1
    covered = text[column : column + max(1, end - start)] or " "
    before = text[:column]
    if len(text) > _MOST_COLUMNS:
        cut = max(0, column - 40)
        before = ("…" if cut else "") + text[cut:column]
        covered = covered[: _MOST_COLUMNS - 60]
        text = before + text[column : column + _MOST_COLUMNS - 60] + "…"
    excerpt = _expanded(text)
    marks = " " * len(_expanded(before)) + mark * max(1, len(_expanded(covered.rstrip("\n"))))
    return excerpt.rstrip(), f"{marks} {printable(label.text)}".rstrip()


def _expanded(text: str) -> str:
    return printable(text.replace("\t", _TAB))
