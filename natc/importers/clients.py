"""Servers that know their clients: the two halves of `sticky`, as the `recent` module has them."""

from collections.abc import Iterable

from natc.importers.remarks import Link
from natc.ir.conditions import Opaque

_MASKS = frozenset({"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"})


def known_client(condition: Opaque) -> tuple[str, int] | None:
    """Return the list that a condition asks for a client, and for how many seconds it counts.

    None for any other condition.
    """
    module, *words = condition.text.split(" ")
    options = _options(words)
    if module != "recent" or condition.negated or options.keys() != _ASKS:
        return None
    return (options["--name"], int(s)) if (s := options["--seconds"]).isdecimal() else None


def new_client(links: Iterable[Link]) -> str | None:
    """Return the list that rules put a client on; None when they put it on none, or on several."""
    lists = []
    for link in links:
        for match in link.rule.matches:
            if match.module == "recent":
                words = [word for o in match.options for word in (o.flag, *o.values)]
                options = _options(words)
                if options.keys() != _SETS or any(o.negated for o in match.options):
                    continue
                lists.append(options["--name"])
    return lists[0] if len(lists) == 1 else None


_ASKS = {"--name", "--update", "--seconds", "--rsource"}
_SETS = {"--name", "--set", "--rsource"}


def _options(words: Iterable[str]) -> dict[str, str]:
    """Return flags with their value, without a mask that masks nothing."""
    found: dict[str, str] = {}
    flag = ""
    for word in words:
        if word.startswith("--"):
            flag = word
        found[flag] = "" if word is flag else word
    if found.get("--mask") in _MASKS:
        del found["--mask"]
    return found
