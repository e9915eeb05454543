"""Writing results: whole or not at all."""

import os
import stat
from pathlib import Path

from natc.cli.errors import Unable
from natc.writing import replace_file


def write_whole(path: str, text: str, *, executable: bool = False) -> None:
    """Write a file so that readers see the old text or the new one, never a part.

    A pipe or device is written to, not replaced.

    Raises:
        Unable: it cannot be written; the old file is as it was.
    """
    try:
        try:
            before = os.stat(path)  # noqa: PTH116 - keeps a final `/`
        except FileNotFoundError:
            before = None
        if before is None or stat.S_ISREG(before.st_mode):
            replace_file(Path(path).resolve(), text, before, executable=executable)
        else:
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unable(f"cannot write {path}: {error.strerror or error}") from None


def make_folder(path: str) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        Unable: it cannot be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unable(f"cannot write {path}: {error.strerror or error}") from None


def remove_if(path: str, start: str) -> bool:
    """Remove a regular file that begins with `start`, and tell whether there was one.

    Raises:
        Unable: it cannot be removed.
    """
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            if file.read(len(start)) != start.encode():
                return False
        Path(path).unlink()
    except OSError as error:
        raise Unable(f"cannot remove {path}: {error.strerror or error}") from None
    return True
