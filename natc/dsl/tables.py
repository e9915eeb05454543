"""Lark's parser of the grammar, from saved tables where they fit."""

import io
import pickle
from collections.abc import Iterator
from typing import Any

from lark import Lark, Token

from natc.dsl import saved
from natc.dsl.builder import Builder


class _WholeWords:
    """Lets the lexer read a name in every state, so that `zonewan` is one word, and a wrong one."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Return the tokens as they are; Lark asks."""
        return stream


def build(grammar: str, builder: Builder | None = None, *, strict: bool = False) -> Any:
    """Return the Lark parser of `grammar`; `strict` refuses every conflict and terminal clash."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=["statement", "policy"],
        maybe_placeholders=False,
        transformer=builder,
        postlex=_WholeWords(),
        strict=strict,
    )


def dump(grammar: str) -> bytes:
    """Return Lark's tables."""
    tables = io.BytesIO()
    build(grammar).save(tables)
    return tables.getvalue()


def load(builder: Builder) -> Any:
    """Return a parser that makes nodes with `builder`."""
    tables = saved.load(saved.TABLES)
    if tables is None:
        return build(saved.grammar(), builder)
    parser = Lark.__new__(Lark)
    return parser._load(pickle.loads(tables), transformer=builder, postlex=_WholeWords())  # noqa: S301, SLF001
