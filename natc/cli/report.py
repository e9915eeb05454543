"""Prints diagnostics in the format and colour that was asked for."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from natc.cli.errors import FINDINGS
from natc.diagnostics import Diagnostic, PolicyError

FORMATS = ("text", "concise", "json", "sarif", "github")

MOST_SHOWN = 20
"""Problems that a person is shown at once; the other formats are complete."""

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}

Command = Callable[..., None]


def format_option(function: Command) -> Command:
    """Add `--format` and `--color` to a command."""
    function = click.option(
        "--color",
        "colour",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="Colour in messages; NO_COLOR is respected.",
    )(function)
    return click.option(
        "--format",
        "format_",
        type=click.Choice(FORMATS),
        default="text",
        help="Form of messages.",
    )(function)


def rendered(diagnostics: Iterable[Diagnostic], format_: str) -> str:
    """Return diagnostics in one of `FORMATS`."""
    from natc.diagnostics import text  # noqa: PLC0415 - start-up

    if format_ == "text":
        found = tuple(diagnostics)
        return text.render(found[:MOST_SHOWN]) + _more(len(found) - MOST_SHOWN)
    if format_ == "concise":
        return text.concise(diagnostics)
    module: Any = import_module(f"natc.diagnostics.{format_}")
    return str(module.render(diagnostics))


def _more(count: int) -> str:
    """Return the line that ends a list from which `count` problems were left out."""
    return f"\n\n… and {count:,} more problem{'s' if count > 1 else ''}" if count > 0 else ""


@contextmanager
def reported(format_: str, colour: str) -> Iterator[None]:
    """Print the problems of a policy on standard error and end with exit code 1."""
    try:
        yield
    except PolicyError as error:
        say(rendered(error.diagnostics, format_), format_, colour)
        raise SystemExit(FINDINGS) from None


def say(message: str, format_: str, colour: str) -> None:
    """Print a message on standard error."""
    wanted = wants_colour(colour, sys.stderr)
    click.echo(
        coloured(message) if wanted and format_ == "text" else message, err=True, color=wanted
    )


def wants_colour(colour: str, stream: object) -> bool:
    """Return whether to colour what goes to `stream`."""
    if colour == "auto":
        isatty = getattr(stream, "isatty", lambda: False)
        return bool(isatty()) and not os.environ.get("NO_COLOR")
    return colour == "always"


_PARTS = (
    r"^(?P<head>(?P<severity>error|warning|note)\[\w+\])"
    r"|^ *(?P<arrow>-->|:::)"
    r"|(?P<marks>\^+)(?= |$)"
)


def coloured(text: str) -> str:
    """Return rendered diagnostics with colour."""

    def paint(found: re.Match[str]) -> str:
        if found["head"]:
            return click.style(found["head"], fg=_COLOURS[found["severity"]], bold=True)
        if found["arrow"]:
            return click.style(found.group(), fg="blue", bold=True)
        return click.style(found["marks"], fg="red", bold=True)

    return re.sub(_PARTS, paint, text, flags=re.MULTILINE)
