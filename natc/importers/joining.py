"""Neighbours that one statement can say are joined."""

from collections.abc import Hashable, Iterable, Iterator
from functools import partial

from natc.importers.balances import balanced
from natc.importers.masquerades import with_ports
from natc.importers.runs import fewer, runs, union
from natc.importers.sentences import Line, Sentence, together
from natc.record import replace


def joined(lines: Iterable[Line]) -> list[Line]:
    """Return the same in fewer statements; nothing is moved past anything else.

    From { A, B } to { C, D } the kernel has four rules, AC, AD, BC, BD: the last joins BC, and then
    both join the first two.
    """
    made: list[Line] = []
    for line in _rows(_rows(balanced(lines), "source"), "destination"):
        made.append(line)
        while len(made) > 1:
            both = together(*made[-2:]) or with_ports(*made[-2:])
            if both is None:
                break
            made[-2:] = [both]
    return made


def _rows(lines: Iterable[Line], field: str) -> Iterator[Line]:
    """Yield the lines, each row that differs in one set of addresses at once."""
    for row in runs(lines, partial(_but_for, field)):
        first = row[0]
        if len(row) == 1 or not isinstance(first, Sentence):
            yield from row
            continue
        found = [line for line in row if isinstance(line, Sentence)]
        said = replace(
            first.phrase, **{field: union(getattr(line.phrase, field) for line in found)}
        )
        part = replace(
            first.parts[0], boxes=fewer(box for line in found for box in line.parts[0].boxes)
        )
        links = tuple(dict.fromkeys(link for line in found for link in line.links))
        yield replace(first, parts=(part,), phrase=said, links=links)


def _but_for(field: str, line: Line) -> Hashable:
    """Return all that a sentence says but for one set of addresses; None for what stays alone."""
    if not isinstance(line, Sentence) or line.phrase.is_part or len(line.parts) > 1:
        return None
    if getattr(line.phrase, field) is None:
        return None
    return replace(line.phrase, **{field: None}), line.does, line.label, line.hooks
