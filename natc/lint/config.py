"""Settings of the linter in `natc.toml`, or below `[tool.natc]` in `pyproject.toml`.

Reads text; which file it is, the command line knows.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from natc.diagnostics import Diagnostic, Label, PolicyError, Severity
from natc.lint.catalogue import entry
from natc.lint.selection import BadWord, chosen, codes_of
from natc.record import Record
from natc.source import Source, Span

NEVER = "never"
FAIL_ON = (*map(str, Severity), NEVER)
"""The lowest level that is a failure; `never` is none."""


_TABLES = ("tool", "natc", "lint")
"""Tables in which other programs, or other files, keep such settings."""


class Config(Record):
    """What a file asks for.

    Attributes:
        select: None is the default.
        fail_on: one of `FAIL_ON`; None is the default.
        levels: other levels than the catalogue's, by code.
    """

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    fail_on: str | None = None
    levels: tuple[tuple[str, Severity], ...] = ()


def read_config(source: Source, *, is_pyproject: bool = False) -> Config | None:
    """Return the settings of a file; None for a `pyproject.toml` that has none.

    Raises:
        PolicyError: NAT000 for broken TOML and unknown keys, NAT017 for values of a wrong kind,
            NAT001 for rules that do not exist, NAT019 for what cannot be ignored; all of them.
    """
    try:
        whole = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([_broken(source, str(error))]) from None
    header: tuple[str, ...] = ()
    if is_pyproject:
        tool = whole.get("tool")
        if not isinstance(tool, dict) or "natc" not in tool:
            return None
        whole, header = tool["natc"], ("tool", "natc")
    reader = _Reader(source, header)
    config = reader.config(whole)
    if reader.problems:
        raise PolicyError(reader.problems)
    return config


class _Reader:
    """Checks values as it goes.

    Attributes:
        problems: everything wrong so far.
    """

    def __init__(self, source: Source, header: tuple[str, ...]) -> None:
        self.source = source
        self.header = header
        self.problems: list[Diagnostic] = []

    def config(self, values: Any) -> Config:
        if not isinstance(values, dict):
            self._report("NAT017", "`natc` is a table of settings", self.header)
            return Config()
        found: dict[str, Any] = {}
        for key, value in values.items():
            read = self._readers().get(key)
            if read is None:
                near = get_close_matches(key, self._readers(), n=1)
                help_ = f"did you mean `{near[0]}`?" if near else None
                if key in _TABLES and not self.header:
                    help_ = "settings of `natc.toml` stand in no table, levels apart"
                self._report("NAT000", f"no setting is called `{key}`", (key,), help_=help_)
            else:
                found[key.replace("-", "_")] = read(key, value)
        return Config(**found)

    def _readers(self) -> dict[str, Callable[[str, Any], object]]:
        return {
            "select": self._words,
            "ignore": self._words,
            "fail-on": self._fail_on,
            "levels": self._levels,
        }

    def _words(self, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._report("NAT017", f"`{key}` is a list of rules", (key,))
            return ()
        for word in value:
            try:
                chosen([word]) if key == "select" else chosen(None, [word])
            except BadWord as problem:
                self._report(problem.code, str(problem), (key,), word, help_=problem.help)
        return tuple(value)

    def _fail_on(self, key: str, value: Any) -> str | None:
        if value in FAIL_ON:
            return str(value)
        self._report("NAT017", f"`{key}` is one of {', '.join(FAIL_ON)}", (key,))
        return None

    def _levels(self, key: str, value: Any) -> tuple[tuple[str, Severity], ...]:
        if not isinstance(value, dict):
            self._report("NAT017", f"`{key}` is a table of rules and levels", (key,))
            return ()
        return tuple(pair for pair in value.items() for pair in self._level(key, *pair))

    def _level(self, key: str, rule: str, level: Any) -> Iterator[tuple[str, Severity]]:
        try:
            codes = codes_of(rule)
        except BadWord as problem:
            self._report("NAT001", str(problem), (key, rule), help_=problem.help)
            return
        named = entry(rule)
        if named is not None and named.by == "compiler":
            self._report("NAT019", f"`{rule}` is always an error", (key, rule))
        elif level not in list(Severity):
            self._report("NAT017", f"a level is one of {', '.join(Severity)}", (key, rule))
        else:
            yield from ((code, Severity(level)) for code in sorted(codes))

    def _report(
        self,
        code: str,
        message: str,
        path: tuple[str, ...],
        value: str | None = None,
        *,
        help_: str | None = None,
    ) -> None:
        place = _place(self.source, self.header, path, value)
        self.problems.append(Diagnostic(code, message, Label(place), help=help_))


_WHERE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of .*)\)")


def _broken(source: Source, said: str) -> Diagnostic:
    found = _WHERE.fullmatch(said)
    what, offset = said, len(source.text)
    if found is not None:
        what = found["what"]
        if found["line"]:
            lines = source.text.split("\n")
            line = int(found["line"])
            before = sum(len(text) + 1 for text in lines[: line - 1])
            offset = min(before + int(found["column"]) - 1, offset)
    what = what[:1].lower() + what[1:]
    return Diagnostic("NAT000", f"not TOML: {what}", Label(Span(source, offset, offset)))


def _place(
    source: Source, header: tuple[str, ...], path: tuple[str, ...], value: str | None
) -> Span:
    """Return where a key stands, or one of the values after it; the whole file's start if unseen.

    tomllib tells no places, and keys may be written in many ways, so this looks for the usual ones.
    """
    text = source.text
    *tables, key = path
    start = 0
    opening = _header((*header, *tables)).search(text)
    if tables and opening is None:
        return _place(source, header, tuple(tables), key)
    if opening is not None:
        start = opening.end()
    found = re.compile(rf"^[ \t]*(?P<key>{_key(key)})[ \t]*[.=]", re.MULTILINE).search(text, start)
    if found is None:
        own = _header((*header, *tables, key), is_whole=False).search(text)
        seen = own or opening
        return Span(source, *(seen.span() if seen else (0, 0)))
    if value is None:
        return Span(source, *found.span("key"))
    inside = re.compile(_key(value)).search(text, found.end())
    return Span(source, *(inside.span() if inside else found.span("key")))


def _header(names: tuple[str, ...], *, is_whole: bool = True) -> re.Pattern[str]:
    """Return what finds the header of a table, or with `is_whole` false of a table within it."""
    dotted = r"[ \t]*\.[ \t]*".join(map(_key, names)) or "(?!)"
    within = "" if is_whole else r"(?:\.[^\]\n]*)?"
    return re.compile(rf"^[ \t]*\[[ \t]*{dotted}[ \t]*{within}\]", re.MULTILINE)


def _key(name: str) -> str:
    word = re.escape(name)
    return rf"(?:\"{word}\"|'{word}'|{word})"
