"""Whose an option is: what iptables makes of a flag after some modules were named."""

from functools import lru_cache

from natc.record import Record
from natc.targets.iptables.flags import (
    BUILT_IN,
    KNOWN_MODULES,
    PROTOCOL_MATCHES,
    PROTOCOL_MODULES,
    Meaning,
    options_of,
    owners,
)


class Owned(Record):
    """Whose a flag is.

    Attributes:
        owner: index of a loaded module; None for a built-in option.
        load: the protocol's match, which is to be loaded first and takes the next index.
    """

    owner: int | None
    meaning: Meaning
    load: str | None = None


class Unowned(Exception):  # noqa: N818 - not an error of natc
    """No module that is loaded has the option; the text says why."""


@lru_cache(maxsize=4096)
def owned(flag: str, loaded: tuple[str, ...], protocol: str | None) -> Owned:
    """Return what `flag` means after modules are loaded and `-p` named a protocol.

    As getopt does: the whole name, else one that begins so if there is but one; else `-p` loads
    its match.  What nobody knows goes to the last module.

    Raises:
        Unowned: it means nothing here.
    """
    if flag in BUILT_IN:
        return Owned(None, BUILT_IN[flag])
    for index in range(len(loaded) - 1, -1, -1):
        if flag in options_of(loaded[index]):
            return Owned(index, options_of(loaded[index])[flag])
    is_kept = bool(loaded) and loaded[-1] not in KNOWN_MODULES
    if not is_kept and (found := _abbreviated(flag, loaded)) is not None:
        return found
    if protocol is not None and (module := protocol_module(protocol)) not in loaded:
        known = options_of(module)
        meanings = {meaning.flag: meaning for name, meaning in known.items() if _begins(name, flag)}
        if flag in known or len(meanings) == 1:
            return Owned(len(loaded), known.get(flag) or next(iter(meanings.values())), module)
        if not loaded and module not in KNOWN_MODULES:
            return Owned(0, Meaning(flag, None), module)
    if not loaded or not (is_kept or options_of(loaded[-1])):
        raise Unowned(_missing(flag))
    if not is_kept and owners(flag):
        raise Unowned(_missing(flag))
    return Owned(len(loaded) - 1, Meaning(flag, None))


def _begins(name: str, flag: str) -> bool:
    return flag.startswith("--") and name.startswith(flag)


def _abbreviated(flag: str, loaded: tuple[str, ...]) -> Owned | None:
    """Return the one option that begins with `flag`, None if there is none.

    Raises:
        Unowned: there are several.
    """
    found = {
        meaning.flag: Owned(None, meaning) for n, meaning in BUILT_IN.items() if _begins(n, flag)
    }
    for index, module in enumerate(loaded):
        for name, meaning in options_of(module).items():
            if _begins(name, flag):
                found[meaning.flag] = Owned(index, meaning)
    if len(found) > 1:
        raise Unowned(f"it may be {' or '.join(f'`{full}`' for full in found)}")
    return next(iter(found.values()), None)


def protocol_module(protocol: str) -> str:
    """Return the match that `-p` of this protocol loads when an option needs it."""
    name = protocol.lower()
    return PROTOCOL_MODULES.get(name, name)


def _missing(flag: str) -> str:
    """Say what would have to stand before an option."""
    found = owners(flag)
    if not found:
        return "no such option"
    if found[0] in PROTOCOL_MATCHES:
        return f"it needs `-p {found[0]}` before it"
    return f"it needs `-{'j' if found[0].isupper() else 'm'} {found[0]}` before it"
