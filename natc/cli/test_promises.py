"""What `natc test` says of a policy's `assert`s."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from natc.diagnostics.text import printable
from natc.simulate.verdicts import Promise
from natc.source import Span


def lines(promises: Sequence[Promise]) -> Iterator[str]:
    """Yield a line for each `assert`, whatever families and zones it speaks of, and the sum."""
    source = None
    width = max((len(printable(promise.name)) for promise in promises), default=0)
    is_kept: dict[tuple[Span, str], bool] = {}
    for promise in promises:
        one = promise.assertion.origin, printable(promise.name)
        is_kept[one] = is_kept.get(one, True) and promise.broken is None
    for (place, name), kept in is_kept.items():
        if place.source.name != source:
            source = place.source.name
            yield printable(source)
        yield f"  {name:{width}}   {'kept' if kept else 'BROKEN'}"
    broken = list(is_kept.values()).count(False)
    noun = "assertion" if len(is_kept) == 1 else "assertions"
    if broken:
        yield f"{broken} of {len(is_kept)} {noun} broken"
    elif promises:
        yield f"{len(is_kept)} {noun} kept"


def json_rows(promises: Iterable[Promise]) -> list[dict[str, Any]]:
    """Return the promises for `natc test --format json`."""
    return [
        {
            "file": promise.assertion.origin.source.name,
            "line": promise.assertion.origin.line,
            "assertion": promise.name,
            "kept": promise.broken is None,
            "packet": None if promise.broken is None else str(promise.broken.packet),
            "became": promise.became or None,
            "seen": dict(promise.seen),
        }
        for promise in promises
    ]
