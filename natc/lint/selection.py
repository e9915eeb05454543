"""Which rules run: named by code, by slug, by the beginning of a code, or all together."""

import re
from collections.abc import Sequence

from natc.diagnostics.codes import SLUGS, nearest
from natc.lint.catalogue import ENTRIES, By, Entry
from natc.lint.run import defaults

ALL, DEFAULT = "all", "default"
"""Words that stand for every rule, and for those that are on unless told otherwise."""

_BEGINNING = re.compile(r"NAT[0-9]{0,2}\Z")


class BadWord(Exception):  # noqa: N818 - not an error of natc
    """A word that names no rule, or one that cannot be meant.

    Attributes:
        help: what could be meant instead; None where nothing is near.
        code: that of the problem, where a file says the word.
    """

    def __init__(
        self,
        message: str,
        help: str | None = None,  # noqa: A002 - as elsewhere
        code: str = "NAT001",
    ) -> None:
        super().__init__(message)
        self.help = help
        self.code = code


def chosen(
    select: Sequence[str] | None, ignore: Sequence[str] = (), by: By = "lint"
) -> tuple[Entry, ...]:
    """Return the rules to run, in the order of their codes.

    Args:
        select: what to look for; None is what is on by default.
        ignore: what not to look for, selected or not.
        by: who is to look.

    Raises:
        BadWord: a word means nothing, or asks for what natc cannot do.
    """
    wanted = {code for word in select or (DEFAULT,) for code in _selected(word, by)}
    unwanted = {code for word in ignore for code in ignored(word)}
    return tuple(
        entry
        for entry in ENTRIES
        if entry.by == by and entry.code in wanted and entry.code not in unwanted
    )


def _selected(word: str, by: By) -> set[str]:
    if word == DEFAULT:
        return {entry.code for entry in defaults(by)}
    codes = codes_of(word)
    finders = {entry.by for entry in ENTRIES if entry.code in codes}
    if not finders:
        raise BadWord(f"natc does not look for `{word}` yet")
    if by not in finders and "compiler" not in finders:
        raise BadWord(f"`natc {finders.pop()}` looks for `{word}`, `natc {by}` does not")
    return codes


def ignored(word: str) -> set[str]:
    """Return the codes that a word of `ignore` means.

    Raises:
        BadWord: it means none, or an error of the compiler.
    """
    if word == DEFAULT:
        return {entry.code for entry in ENTRIES if entry.on and entry.by != "compiler"}
    codes = codes_of(word)
    refused = [e for e in ENTRIES if e.by == "compiler" and word in (e.code, e.slug)]
    if refused:
        message = f"`{word}` is an error of the compiler, which cannot be ignored"
        raise BadWord(message, code="NAT019")
    return codes


def codes_of(word: str) -> set[str]:
    """Return the codes that a word means.

    Raises:
        BadWord: it means none.
    """
    if word == ALL:
        return set(SLUGS)
    found = {code for code, slug in SLUGS.items() if word in (code, slug)}
    if not found and _BEGINNING.match(word):
        found = {code for code in SLUGS if code.startswith(word)}
    if not found:
        raise BadWord(f"no rule is called `{word}`", nearest(word, (ALL, DEFAULT)))
    return found
