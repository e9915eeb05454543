"""Finds the settings of the linter: the nearest file above what is linted."""

import os
from collections.abc import Iterator
from functools import cache

from natc.cli.errors import Unable
from natc.cli.files import STDIN
from natc.lint.config import Config, read_config
from natc.reading import read_text
from natc.source import Source

_NAMES = ("natc.toml", "pyproject.toml")
"""The first one in a folder that has settings of natc counts."""


def config_of(path: str, stdin_name: str | None) -> Config:
    """Return the settings for a file: those of its folder, or of the nearest one above.

    Raises:
        Unable: a file of settings cannot be read.
        PolicyError: it is wrong.
    """
    name = (stdin_name or STDIN) if path == STDIN else path
    return _nearest(os.path.dirname(os.path.abspath(name)))  # noqa: PTH100, PTH120 - links stay


@cache
def _nearest(folder: str) -> Config:
    return next(_configs(folder), Config())


def _configs(folder: str) -> Iterator[Config]:
    while True:
        for name in _NAMES:
            path = os.path.join(folder, name)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113
                config = _config(path, is_pyproject=name == "pyproject.toml")
                if config is not None:
                    yield config
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return
        folder = above


def _config(path: str, *, is_pyproject: bool) -> Config | None:
    shown = os.path.relpath(path)
    if shown.startswith(os.pardir):
        shown = path
    try:
        text = read_text(shown)
    except OSError as error:
        raise Unable(f"cannot read {shown}: {error.strerror or error}") from None
    if is_pyproject and "natc" not in text:
        return None
    return read_config(Source(shown, text), is_pyproject=is_pyproject)
