"""What `natc test` says of a policy's `assert`s."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from natc.diagnostics.text import printable
from natc.simulate.verdicts import Promise


def lines(promises: Sequence[Promise]) -> Iterator[str]:
    """Yield a line for each promise and the sum of them."""
    source = None
    width = max((len(printable(promise.name)) for promise in promises), default=0)
    for promise in promises:
        name = promise.assertion.origin.source.name
        if name != source:
            source = name
            yield printable(name)
        said = "kept" if promise.broken is None else "BROKEN"
        yield f"  {printable(promise.name):{width}}   {said}"
    broken = sum(promise.broken is not None for promise in promises)
    noun = "assertion" if len(promises) == 1 else "assertions"
    if broken:
        yield f"{broken} of {len(promises)} {noun} broken"
    elif promises:
        yield f"{len(promises)} {noun} kept"


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
