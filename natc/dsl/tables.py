"""The parser's tables: made from the grammar once, read at every start.

Building them costs some 80 ms, reading them 4.  The wheel carries them, made when it is built; a
checkout makes them on first use and keeps them in memory only.  They are data that natc's own
build wrote, never a cache in a shared folder: natc runs as root.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

from natc.dsl.builder import Builder

TABLES = Path(__file__).with_name("nat.tables")


def grammar_path() -> Path:
    """Return the grammar: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent / "grammar" / "nat.lark"
    return checkout if checkout.exists() else package / "grammar" / "nat.lark"


def build(grammar: str, builder: Builder | None = None, *, strict: bool = False) -> Any:
    """Return the Lark parser of `grammar`; `strict` refuses every conflict and terminal clash."""
    from lark import Lark  # noqa: PLC0415 - tables are the usual way

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
    """Return what the wheel carries: a digest of the grammar and Lark's tables."""
    tables = io.BytesIO()
    build(grammar).save(tables)
    return _digest(grammar) + tables.getvalue()


def load(builder: Builder) -> Any:
    """Return a parser that makes nodes with `builder`, from saved tables that fit the grammar."""
    grammar = grammar_path().read_text(encoding="utf-8")
    if TABLES.exists():
        saved = TABLES.read_bytes()
        if saved.startswith(_digest(grammar)):
            return _from_tables(saved[32:], builder)
    return build(grammar, builder)


def _from_tables(tables: bytes, builder: Builder) -> Any:
    from lark import Lark  # noqa: PLC0415 - imported by now, named here for its class

    parser = Lark.__new__(Lark)
    return parser._load(pickle.loads(tables), transformer=builder)  # noqa: S301, SLF001


def _digest(grammar: str) -> bytes:
    return hashlib.sha256(grammar.encode()).digest()
