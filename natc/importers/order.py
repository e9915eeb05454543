"""The lists of several hooks to one file: a rule that stands in several becomes one statement."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from math import inf

from natc.address import Family
from natc.importers.hairpins import turned_round
from natc.importers.pairs import arrival_key, arriving_or_local, both_phases, phase_key
from natc.importers.sentences import Line, Sentence
from natc.ir.actions import Hook

Key = Callable[[Sentence], Hashable]
Pair = tuple[int, int, Sentence]


def in_one_file(lists: Mapping[Hook, Sequence[Line]], family: Family) -> list[Line]:
    """Return all lines such that each hook's are in their order.

    Rules of different hooks never compete, so where both stand is free.
    """
    diverted, arriving, local, received, leaving = (
        lists.get(hook, ())
        for hook in (Hook.DIVERT, Hook.PREROUTING, Hook.OUTPUT, Hook.INPUT, Hook.POSTROUTING)
    )
    pairs = _alike(arriving, local, arrival_key, arriving_or_local)
    ranks = {found: index for index, found in enumerate(map(_phase_key, leaving))}
    destinations = _merged(arriving, local, pairs, ranks)
    sources = [*received, *leaving]
    phases = [
        *_alike(destinations, sources, phase_key, both_phases),
        *turned_round(destinations, sources, family),
    ]
    return [*diverted, *_merged(destinations, sources, sorted(phases, key=lambda p: p[0]), {})]


def _phase_key(line: Line) -> Hashable:
    return phase_key(line) if isinstance(line, Sentence) else None


def _alike(
    left: Sequence[Line],
    right: Sequence[Line],
    key: Key,
    one: Callable[[Sentence, Sentence], Sentence],
) -> Iterator[Pair]:
    """Yield the indices of lines with the same key, the first with the first, and what is `one`."""
    waiting: dict[Hashable, list[tuple[int, Sentence]]] = {}
    for index, line in reversed(list(enumerate(right))):
        found = key(line) if isinstance(line, Sentence) else None
        if found is not None and isinstance(line, Sentence):
            waiting.setdefault(found, []).append((index, line))
    for index, line in enumerate(left):
        others = waiting.get(key(line)) if isinstance(line, Sentence) else None
        if others and isinstance(line, Sentence):
            other, theirs = others.pop()
            yield index, other, one(line, theirs)


def _merged(
    left: Sequence[Line],
    right: Sequence[Line],
    pairs: Iterable[Pair],
    ranks: Mapping[Hashable, int],
) -> list[Line]:
    """Return both lists in one, each in its order, with as many pairs as one as that allows.

    Args:
        pairs: ordered by their left.
        ranks: for lines that will find a partner in a third list, its place there.
    """
    made: list[Line] = []
    at = to = 0
    for mine, theirs, both in _in_order(list(pairs)):
        made += [*_interleaved(left[at:mine], right[to:theirs], ranks), both]
        at, to = mine + 1, theirs + 1
    return made + _interleaved(left[at:], right[to:], ranks)


def _interleaved(
    left: Sequence[Line], right: Sequence[Line], ranks: Mapping[Hashable, int]
) -> list[Line]:
    """Return both lists in one, ordered by rank as far as each list's own order allows."""
    if not ranks or not left or not right:
        return [*left, *right]
    made: list[Line] = []
    sides = [list(_ranked(left, ranks)), list(_ranked(right, ranks))]
    while all(sides):
        side = min(sides, key=lambda runs: runs[0][0])
        made += side.pop(0)[1]
    return made + [line for side in sides for _, run in side for line in run]


def _ranked(
    lines: Sequence[Line], ranks: Mapping[Hashable, int]
) -> Iterator[tuple[float, list[Line]]]:
    """Yield the lines in runs that end with one that has a rank; the last run may have none."""
    run: list[Line] = []
    for line in lines:
        run.append(line)
        rank = ranks.get(_phase_key(line))
        if rank is not None:
            yield rank, run
            run = []
    if run:
        yield inf, run


def _in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the longest choice of pairs that keeps the order of both sides.

    `ends[k]` is the pair that ends the choice of k + 1 pairs which leaves most room.
    """
    ends: list[int] = []
    before: list[int | None] = []
    indices: list[int] = []
    for number, (_, right, _) in enumerate(pairs):
        length = bisect_left(ends, right)
        before.append(indices[length - 1] if length else None)
        ends[length : length + 1] = [right]
        indices[length : length + 1] = [number]
    chosen: list[Pair] = []
    last = indices[-1] if indices else None
    while last is not None:
        chosen.append(pairs[last])
        last = before[last]
    return chosen[::-1]
