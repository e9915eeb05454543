"""Parses statements of a known shape without asking Lark.

A policy of ten thousand lines has a few dozen shapes: lines that differ in their numbers only.  All
terminals of the grammar treat one run of digits like another, so such lines have the same tokens
and the same tree.  The second line of a shape is parsed by Lark as well; from its tree a function
is written that builds the tree of the next ones from their words (`shapes`).

The usual shapes of all statements come with natc, with names left open as well, so that a small
policy of usual statements does not even load Lark.

Lark's word is final: for a new shape, for every error, and for texts in which digits or names mean
more (see `_DIGITS_MATTER`, `_NAMES_MATTER`).  `tests/laws` holds this path against Lark's.
"""

import re
from collections.abc import Callable

from natc.dsl import ast, shapes
from natc.dsl.keywords import KEYWORDS
from natc.dsl.shapes import Build
from natc.source import Source

_DIGITS = re.compile(r"[0-9]+")
_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_DIGITS_MATTER = re.compile(r"[0-9]x|ipv|until|[^\x00-\x7f]")
"""`0x…` marks, `ipv4` against `ipv5`, dates of fixed width, digits of other scripts."""

_NAMES_MATTER = re.compile(r'[\\#\[]|/\{|:[0-9A-Za-z]*:|[^\s"{]"[^\s;}]|[0-9][A-Za-z_]|->\S|\S->')
"""Escapes, comments, IPv6, port lists (whose protocol is no name), words run together."""

_NAME = re.compile(r'"[^"\\\n]*"|(?<![0-9A-Za-z_.+:/-])[A-Za-z_][A-Za-z0-9_.+-]*')
_NAMED = re.compile(r"(.* as )([A-Za-z_][A-Za-z_-]*[0-9]*)", re.DOTALL)
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_POLICY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

_VARYING_WORDS = re.compile(r"[0-9A-Za-z_]")

_MOST_SHAPES = 2_000
"""Shapes remembered; a policy with more gains nothing."""


class Skeletons:
    """The shapes known so far, and how to build a statement of each.

    Attributes:
        usual: finds the source of the function of a canonical shape that comes with natc.
    """

    def __init__(
        self, usual: Callable[[str], str | None] | None = None, *, enabled: bool = True
    ) -> None:
        self.enabled = enabled
        self.usual = usual
        self._seen: dict[bytes, Build | None] = {}
        self._named: dict[tuple[bytes, str], Build | None] = {}

    def builder(self, source: Source, start: int, end: int) -> Build | None:
        """Return what builds the tree of a statement, None for a shape not known."""
        if not self.enabled:
            return None
        text = source.text[start:end]
        shape = _shape(text)
        build = self._seen.get(shape)
        if build is None and self.usual is not None and shape not in self._seen:
            build = self._of_any_name(text)
            if build is None:
                build = _usual(text, self.usual)
                if build is not None and len(self._seen) < _MOST_SHAPES:
                    self._seen[shape] = build
        return build

    def _of_any_name(self, text: str) -> Build | None:
        """Return what builds a rule of a usual shape with a name at its end, whatever name."""
        named = _NAMED.fullmatch(text)
        if named is None or self.usual is None or _means_more(named[2]):
            return None
        shape = _shape(named[1]), _kind(named[2])
        if shape not in self._named and len(self._named) < _MOST_SHAPES:
            self._named[shape] = _usual(text, self.usual)
        return self._named.get(shape)

    def learn(self, source: Source, start: int, end: int, tree: ast.AnyStatement) -> None:
        """Remember the shape of a statement that Lark parsed."""
        text = source.text[start:end]
        if (
            not self.enabled
            or len(self._seen) >= _MOST_SHAPES
            or '"' in text
            or _DIGITS_MATTER.search(text)
        ):
            return
        shape = _shape(text)
        if shape in self._seen:
            written = shapes.write(tree, text, start, _DIGITS)
            self._seen[shape] = None if written is None else shapes.compiled(written)
        else:
            self._seen[shape] = None


def _shape(text: str) -> bytes:
    """Return `text` with its runs of digits alike; those of more than eight may be left apart.

    A regular expression would take three times as long, for every statement.
    """
    alike = text.encode(errors="surrogatepass").translate(_ALIKE)
    return alike.replace(b"00", b"0").replace(b"00", b"0").replace(b"00", b"0")


def _means_more(name: str) -> bool:
    return name in KEYWORDS or _DIGITS_MATTER.search(name) is not None


def _usual(text: str, find: Callable[[str], str | None]) -> Build | None:
    shape = canonical(text)
    written = None if shape is None else find(shape)
    return None if written is None else shapes.compiled(written)


def canonical(text: str) -> str | None:
    """Return the shape of a statement with its names and quoted texts left open as well.

    None where names or digits mean more than their kind.
    """
    if _DIGITS_MATTER.search(text) or _NAMES_MATTER.search(text):
        return None
    return _DIGITS.sub("0", _NAME.sub(lambda found: _kind(found.group()), text))


def _kind(word: str) -> str:
    """Return a keyword as it is, and any other word as the terminals that can hold it."""
    if word in KEYWORDS:
        return word
    if word[0] == '"':
        return '""'
    if _PLAIN_NAME.match(word):
        return "a"
    return "A" if _POLICY_NAME.match(word) else "A."


def usual_shape(tree: ast.AnyStatement, text: str, start: int) -> tuple[str, str] | None:
    """Return a canonical shape and the source of its function, as natc ships them."""
    shape = canonical(text)
    written = shapes.write(tree, text, start, _VARYING_WORDS)
    return None if shape is None or written is None else (shape, written)
