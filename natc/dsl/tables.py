"""Lark's parser of the grammar, from saved tables where they fit."""

import io
import pickle
from typing import Any

from lark import Lark

from natc.dsl import saved
from natc.dsl.builder import Builder


def build(grammar: str, builder: Builder | None = None, *, strict: bool = False) -> Any:
    """Return the Lark parser of `grammar`; `strict` refuses every conflict and terminal clash."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=["statement", "policy"],
        maybe_placeholders=False,
        transformer=builder,
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
    return parser._load(pickle.loads(tables), transformer=builder)  # noqa: S301, SLF001
