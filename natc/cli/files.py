"""Reading policies and printing results.  Without pathlib, which costs 4 ms at every start."""

import os
import sys

import click

from natc.cli.errors import USAGE, Unable
from natc.dsl.text_checks import LARGEST
from natc.reading import decoded, read_text
from natc.source import Source

STDIN = "-"


def read_policy(path: str, stdin_name: str | None = None) -> Source:
    """Read a policy file, or standard input for `-`; help instead of waiting for a terminal.

    Raises:
        Unable: there is no such file, or it cannot be read.
        PolicyError: NAT014 for text that is not UTF-8, NAT015 for too much of it.
    """
    if path == STDIN:
        if sys.stdin.isatty():
            context = click.get_current_context()
            click.echo(context.get_help(), err=True)
            context.exit(USAGE)
        name = stdin_name or "<stdin>"
        return Source(name, decoded(name, _standard_input()))
    try:
        return Source(path, read_text(path))
    except OSError as error:
        raise Unable(f"cannot read {path}: {error.strerror or error}") from None


def _standard_input() -> bytes:
    """Return standard input, or a little more than natc takes of it.

    Piece by piece: inside one long read Python would not notice Ctrl-C.
    """
    pieces, size = [], 0
    while size <= LARGEST and (piece := os.read(sys.stdin.fileno(), 1 << 16)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def echo_result(text: str) -> None:
    """Print a result on standard output, as it is.

    Raises:
        Unable: it cannot be written.
        BrokenPipeError: nobody reads it any more; click ends in silence.
    """
    if sys.stdout is None:  # `>&-` closed it.
        raise Unable("cannot write standard output: it is closed")
    try:
        # Not click.echo(), which searches all of a long text for colours.
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))  # Names may be any bytes.
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write standard output: {error.strerror or error}"
        raise Unable(message) from None


def deliver(text: str, output: str | None, *, executable: bool = False) -> None:
    """Write a result to a file, whole or not at all, or print it.

    Args:
        output: None, `-` and `/dev/stdout` are standard output.

    Raises:
        Unable: it cannot be written.
    """
    if output is None or output in (STDIN, "/dev/stdout"):
        echo_result(text)
    else:
        from natc.cli.writing import write_whole  # noqa: PLC0415 - start-up

        write_whole(output, text, executable=executable)
