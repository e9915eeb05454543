"""Draws that send packets to one of several servers, to the shares that they give each."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import lcm

from natc.importers.chains import Omitted
from natc.importers.clients import known_client, new_client
from natc.importers.labels import Label
from natc.importers.sentences import Line, Sentence
from natc.ir.actions import Backend, Balance, Dnat, PortChoice
from natc.ir.conditions import SHARES
from natc.ir.intervals import point
from natc.record import replace

_MOST_WEIGHT = 65535


def balanced(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines, with each row of draws that leaves nothing over as one.

    What is not expressed and stands within a row, comes before it.
    """
    waiting: list[Line] = []
    row: list[Sentence] = []
    for line in lines:
        if isinstance(line, Omitted):
            waiting.append(line)
            continue
        if row and not _same_packets(row[-1], line):
            yield from waiting
            waiting, row = [], []
        waiting.append(line)
        row += [line] if isinstance(line, Sentence) else []
        if not isinstance(line, Sentence) or not line.phrase.is_part:
            found = _balance(row) if len(row) > 1 else None
            if found is not None:
                waiting = [*(known for known in waiting if isinstance(known, Omitted)), found]
            yield from waiting
            waiting, row = [], []
    yield from waiting


def _same_packets(one: Sentence, other: Line) -> bool:
    return isinstance(other, Sentence) and one.phrase.whole() == other.phrase.whole()


def _balance(row: list[Sentence]) -> Sentence | None:
    """Return the statement of a row, of which the last takes all; None when none is exact."""
    known = [sentence for sentence in row if sentence.phrase.known]
    drawn = row[len(known) :]
    if any(sentence.phrase.known for sentence in drawn):
        return None
    backends = [backend for sentence in drawn for backend in _backends(sentence)]
    weights = _weights(drawn)
    sticky = _sticky(known, drawn)
    if len(backends) < len(drawn) or weights is None or (sticky is None) is not (not known):
        return None
    pairs = zip(backends, weights, strict=True)
    action = Balance(tuple(Backend(does, weight, "") for does, weight in pairs), sticky)
    last = row[-1]
    links = tuple(dict.fromkeys(link for sentence in row for link in sentence.links))
    part = replace(last.parts[0], action=action)
    return replace(last, parts=(part,), does=action, links=links, label=_label(row))


def _backends(sentence: Sentence) -> Iterator[Dnat]:
    """Yield what a sentence does, if a backend may do so."""
    match sentence.does:
        case Dnat(addresses, ports, None, False, PortChoice.KEEP) as does:
            if addresses.size == 1 and (ports is None or ports.size == 1):
                yield does


def _label(row: list[Sentence]) -> Label:
    """Return what all sentences of a row are called."""
    first, *others = (sentence.label for sentence in row)
    name = first.name if all(other.name == first.name for other in others) else None
    shared = (text for text in first.comments if all(text in other.comments for other in others))
    allowed = dict.fromkeys(found for sentence in row for found in sentence.label.allowances)
    return Label(name, tuple(shared), allowances=tuple(allowed))


def _sticky(known: list[Sentence], drawn: list[Sentence]) -> int | None:
    """Return the seconds for which clients are known; None when they are not, or not all alike."""
    if [sentence.does for sentence in known] != [sentence.does for sentence in drawn]:
        return None
    times = set()
    for asking, drawing in zip(known, drawn, strict=True):
        found = known_client(asking.phrase.known[0])
        if found is None or found[0] != new_client(drawing.links):
            return None
        if asking.phrase.draws or len(asking.phrase.known) > 1:
            return None
        times.add(found[1])
    return times.pop() if len(times) == 1 else None


def _weights(drawn: list[Sentence]) -> list[int] | None:
    """Return the weights whose draws are those of some sentences; None when no weights are."""
    draws = [draw for sentence in drawn for draw in sentence.phrase.draws]
    counts = [len(sentence.phrase.draws) for sentence in drawn]
    if counts != [1] * (len(drawn) - 1) + [0] or len({draw.key for draw in draws}) < len(draws):
        return None
    shares = [draw.share for draw in draws if not draw.negated]
    weights = _simplest(shares)
    if len(shares) < len(draws) or not all(0 < weight <= _MOST_WEIGHT for weight in weights):
        return None
    sample = Balance(tuple(Backend(_ANY, weight, "") for weight in weights))
    return weights if list(sample.draws()) == [*shares, None] else None


_ANY = Dnat(point(1))


def _simplest(shares: list[int]) -> list[int]:
    """Return whole numbers whose draws are near `shares`.

    Each share is of what the draws before it left, and is kept in parts of 2**31; weights are small
    numbers, so the simplest fraction that is so near is the one that was meant.
    """
    left = Fraction(1)
    parts: list[Fraction] = []
    for share in shares:
        part = left * Fraction(share, SHARES).limit_denominator(_MOST_WEIGHT)
        parts.append(part)
        left -= part
    parts.append(left)
    whole = lcm(*(part.denominator for part in parts))
    return [int(part * whole) for part in parts]
