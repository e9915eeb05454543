"""A line of restore text cut into words, exactly as iptables-restore cuts it.

Source: iptables/xshared.c add_param_to_argv(), 1.8.9.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from natc.diagnostics import Diagnostic, Label
from natc.record import Record
from natc.source import Source, Span

_WORD = re.compile(
    r'(?P<plain>[^ \t"]+)(?=[ \t]|$)'
    r'|(?P<bare>[^ \t"]*)(?P<quote>")(?P<quoted>(?:[^"\\]|\\.)*)(?P<close>"?)'
)
"""Quotes may open inside a word, and end it where they close; `'` is a letter like any other."""

_PLAIN = re.compile(r"[^ \t]+")
_ESCAPED = re.compile(r"\\(.)")
_is_flag = re.compile(r'-[A-Za-z46]|--[A-Za-z][^ \t"=]*(?:=.*)?').fullmatch

_FOREIGN = (
    (re.compile(r"\{[{%#]"), "a template", "render it, and take what comes out"),
    (
        re.compile(r"\$[A-Za-z_({]"),
        "text for a shell",
        "run the script, then import what iptables-save prints",
    ),
    (re.compile(r"^<[A-Za-z]"), "a placeholder", "put the value in its place"),
)
"""What is to be replaced before iptables sees the text."""


class BadLine(Exception):  # noqa: N818 - not an error of natc
    """A line cannot be read.

    Attributes:
        diagnostic: why; NAT901 when the text as a whole makes no sense from here on.
    """

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        related: tuple[Label, ...] = (),
        help: str | None = None,  # noqa: A002 - the diagnostic's field
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, Label(span, label), related, help=help)


class Word(Record):
    """One argument.

    Attributes:
        text: without the quotes, escapes resolved.
        start: code-point offsets in the source, quotes included.
        is_quoted: it begins with a quote; then it is never a flag or a `!`.
    """

    text: str
    start: int
    end: int
    is_quoted: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it names an option."""
        return self.text[:1] == "-" and not self.is_quoted and _is_flag(self.text) is not None

    @property
    def is_not(self) -> bool:
        """Whether it is the `!` of a negation."""
        return self.text == "!" and not self.is_quoted

    def place(self, source: Source) -> Span:
        """Return where it stands."""
        return Span(source, self.start, self.end)


def words(source: Source, start: int, end: int) -> list[Word]:
    """Return the words of a part of a line with a rule.

    Raises:
        BadLine: NAT909 for a quote that does not close, NAT901 for a word that is to be replaced
            before iptables sees it.
    """
    return _own(source, _words(source, start, end), source.text[start:end])


def plain_words(source: Source, start: int, end: int) -> list[Word]:
    """Return the words of a part of a line that knows no quotes: a table's or a chain's.

    Raises:
        BadLine: NAT901 for a word that is to be replaced before iptables sees it.
    """
    found = (Word(word.group(), *word.span()) for word in _PLAIN.finditer(source.text, start, end))
    return _own(source, found, source.text[start:end])


def _own(source: Source, found: Iterator[Word], text: str) -> list[Word]:
    """Return the words, if none is to be replaced; what is quoted may be a comment's text."""
    made = list(found)
    if any(char in text for char in "{$<"):
        for word in made:
            for pattern, what, help_ in _FOREIGN:
                if not word.is_quoted and pattern.search(word.text):
                    raise BadLine("NAT901", f"{what}, not rules", word.place(source), help=help_)
    return made


def _words(source: Source, start: int, end: int) -> Iterator[Word]:
    for found in _WORD.finditer(source.text, start, end):
        if found.lastgroup == "plain":
            yield Word(found.group(), found.start(), found.end())
            continue
        if not found["close"]:
            raise BadLine(
                "NAT909",
                "a quote that is never closed",
                Span(source, found.start("quote"), end),
                "opened here",
                help='quotes close on the line where they open; `\\"` is a quote inside quotes',
            )
        text = found["bare"] + _ESCAPED.sub(r"\1", found["quoted"])
        yield Word(text, found.start(), found.end(), is_quoted=not found["bare"])


def check_name(source: Source, word: Word) -> None:
    """Refuse names of chains and modules that stand in no restore text.

    Raises:
        BadLine: NAT206.
    """
    if not _is_name(word.text):
        raise BadLine("NAT206", f"`{word.text}` is no name", word.place(source))


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    return (
        text != ""
        and text[0] not in "-!"
        and not any(char in text for char in ' \t"')
        and not any(pattern.search(text) for pattern, _, _ in _FOREIGN)
    )
