"""The file of a generation that says what it is."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from natc.address import Family
from natc.host.errors import HostError
from natc.targets.iptables.model import PolicyRoute

META = "meta.json"
"""Its name."""

VERSION = 1
"""Of what generations hold; a higher one was written by a later natc."""

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "policy": str,
    "digest": str,
    "made": (int, float),
    "place": str,
    "backend": str,
    "node": str,
    "settings": dict,
    "previous": (int, type(None)),
    "routes": list,
}


def text_of(facts: Mapping[str, Any], previous: int | None, routes: Iterable[PolicyRoute]) -> str:
    """Return the text of the file.

    Args:
        facts: all that is neither `previous` nor `routes`.
    """
    kept = [[int(route.family), route.mark, route.mask] for route in routes]
    whole = {"version": VERSION, **facts, "routes": kept, "previous": previous}
    return json.dumps(whole, indent=2) + "\n"


def facts_of(path: Path) -> dict[str, Any]:
    """Return what a file says, by the names of a `Generation`'s fields.

    Raises:
        HostError: a later natc wrote it.
        OSError: it cannot be read.
        ValueError, KeyError, TypeError: it is damaged.
    """
    whole = json.loads(path.read_text(encoding="utf-8"))
    if whole["version"] > VERSION:
        raise HostError(f"{path} was written by a later natc", "use that one")
    facts = {name: _of(whole, name, kind) for name, kind in _KINDS.items()}
    facts["routes"] = tuple(
        PolicyRoute(Family(family), int(mark), int(mask)) for family, mark, mask in facts["routes"]
    )
    return facts


def _of(whole: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    value = whole[name]
    if not isinstance(value, kind):
        raise TypeError(name)
    return value
