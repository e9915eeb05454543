"""Repairs: which of them go together, and what they make of a text."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from natc.diagnostics import Edit, Fix
from natc.source import Span


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return `text`, which the edits are about, with them done; they do not overlap."""
    pieces, position = [], 0
    for edit in sorted(edits, key=_place):
        if edit.span.start < position:
            raise ValueError("edits that overlap")
        pieces += [text[position : edit.span.start], edit.text]
        position = edit.span.end
    return "".join([*pieces, text[position:]])


def compatible(fixes: Iterable[Fix]) -> list[Fix]:
    """Return the fixes that can be done at once, those that come first before others.

    A fix is done whole or not at all, and none overlaps what another one does.
    """
    taken: dict[str, list[tuple[int, int]]] = {}  # By file: sorted, disjoint.
    kept: list[Fix] = []
    for fix in fixes:
        spans = [edit.span for edit in fix.edits]
        if any(_overlaps(span, taken.get(span.source.name, ())) for span in spans):
            continue
        kept.append(fix)
        for span in spans:
            insort(taken.setdefault(span.source.name, []), (span.start, span.end))
    return kept


def _overlaps(span: Span, taken: Sequence[tuple[int, int]]) -> bool:
    """Whether a span shares a character with one of `taken`, or begins where one does."""
    after = bisect_left(taken, (span.start, 0))
    before_it = taken[max(0, after - 1) : after]
    return any(end > span.start for _, end in before_it) or any(
        start < span.end or start == span.start for start, _ in taken[after : after + 1]
    )


def _place(edit: Edit) -> tuple[int, int]:
    return edit.span.start, edit.span.end


def deletion(statement: Span) -> Edit:
    """Return the edit that deletes a statement with its line, and the comment at its end.

    Comments above stay.  Of empty lines before and behind, those behind go too, and at the end of
    the text those before.
    """
    text = statement.source.text
    start, end = statement.start, statement.end
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    rest = text[end:line_end].strip()
    if text[line_start:start].strip() or (rest and not rest.startswith("#")):
        start, end = _in_line(text[:line_end], start, end)
        return Edit(Span(statement.source, start, end), "")
    after = min(line_end + 1, len(text))
    while _is_empty_line(text, line_start - 1) and (following := _empty_line_at(text, after)):
        after = following
    if after == len(text):
        while line_start > 0 and _is_empty_line(text, line_start - 1):
            line_start = text.rfind("\n", 0, line_start - 1) + 1
    return Edit(Span(statement.source, line_start, after), "")


def whole(statement: Span) -> Span | None:
    """Return the lines of a statement, and those of the comments directly above it.

    None where other statements stand beside it.
    """
    text = statement.source.text
    start = text.rfind("\n", 0, statement.start) + 1
    line_end = text.find("\n", statement.end)
    line_end = len(text) if line_end < 0 else line_end
    beside = text[statement.end : line_end].strip()
    if text[start : statement.start].strip() or (beside and not beside.startswith("#")):
        return None
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return Span(statement.source, start, line_end)


def _in_line(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part of a line to delete where other statements stand beside it.

    The `;` goes as well, the one behind before the one in front.
    """
    behind = end + len(text[end:]) - len(text[end:].lstrip(" \t;"))
    if ";" in text[end:behind]:
        return start, behind
    before = text[:start].rstrip(" \t;")
    return (len(before), end) if ";" in text[len(before) : start] else (start, end)


def _is_empty_line(text: str, end: int) -> bool:
    """Whether the line that ends at `end` is empty; so is the nothing before the first line."""
    return end < 0 or not text[text.rfind("\n", 0, end) + 1 : end].strip()


def _empty_line_at(text: str, start: int) -> int:
    """Return where the empty line at `start` is over, 0 when there is none."""
    end = text.find("\n", start)
    return end + 1 if end >= 0 and not text[start:end].strip() else 0
