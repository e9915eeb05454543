"""What is worked out when natc is built, so that no run works it out: tables and usual shapes.

Both are data that natc's own build wrote beside this module, never a cache in a shared folder: natc
runs as root.  Each begins with a stamp of the sources that it was made from; one that does not fit
is ignored.  A checkout that was never installed has neither and works, more slowly.
"""

import os
from binascii import crc32
from collections.abc import Callable, Mapping

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load
_SOURCES = ("ast.py", "builder.py", "keywords.py", "shapes.py", "skeletons.py")

TABLES = f"{_HERE}/nat.tables"
SHAPES = f"{_HERE}/nat.shapes"

_RECORD, _FIELD = "\x1e", "\x1f"


def grammar() -> str:
    """Return the grammar: inside the package when installed, beside it in a checkout."""
    package = os.path.dirname(_HERE)  # noqa: PTH120
    installed = f"{package}/grammar/nat.lark"
    checkout = f"{os.path.dirname(package)}/grammar/nat.lark"  # noqa: PTH120
    return _text(installed if os.path.exists(installed) else checkout)  # noqa: PTH110


def stamp() -> bytes:
    """Return four bytes that change with the grammar and with what makes trees."""
    whole = crc32(grammar().encode())
    for name in _SOURCES:
        whole = crc32(_text(f"{_HERE}/{name}").encode(), whole)
    return whole.to_bytes(4, "big")


def load(path: str) -> bytes | None:
    """Return what was saved, None when it is not there or was made from other sources."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            saved = file.read()
    except OSError:
        return None
    return saved[4:] if saved.startswith(stamp()) else None


def save(path: str, data: bytes) -> None:
    """Save what `load` returns."""
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(stamp() + data)


def usual_shapes() -> Callable[[str], str | None]:
    """Return what finds, for a canonical shape, the source of its function, if natc came with it.

    The text is searched as it lies: a policy needs a few of its hundreds of shapes.
    """
    text = load(SHAPES) or b""

    def find(shape: str) -> str | None:
        start = f"{_RECORD}{shape}{_FIELD}".encode()
        place = text.find(start)
        if place < 0:
            return None
        return text[place + len(start) : text.index(_RECORD.encode(), place + 1)].decode()

    return find


def save_shapes(shapes: Mapping[str, str]) -> None:
    """Save usual shapes."""
    text = "".join(f"{_RECORD}{shape}{_FIELD}{source}" for shape, source in shapes.items())
    save(SHAPES, f"{text}{_RECORD}".encode())


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()
