"""Reading policies and printing results.  Without pathlib, which costs 4 ms at every start."""

import os
import stat
import sys

import click

from natc.cli.errors import USAGE, Unable
from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl.text_checks import LARGEST
from natc.source import Source, Span

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
        return Source(name, _decoded(name, _standard_input()))
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


def read_text(path: str) -> str:
    """Read a file as UTF-8 text.

    Raises:
        OSError: it cannot be read.
        PolicyError: NAT014, NAT015.
    """
    with open(path, "rb") as file:
        if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
            raise IsADirectoryError(21, "Is a directory")
        return _decoded(path, file.read(LARGEST + 1))


class Includes:
    """Reads included files, which stay below the folder of the policy, links followed."""

    def __init__(self, policy: str) -> None:
        self.root = os.getcwd() if policy == STDIN else os.path.dirname(os.path.realpath(policy))

    def __call__(self, name: str) -> str:
        """Return the text of `name`.

        Raises:
            OSError: it cannot be read, or a link leads out of the folder.
            PolicyError: NAT014, NAT015.
        """
        if os.path.commonpath([self.root, os.path.realpath(name)]) != self.root:
            raise PermissionError(13, "A link leads outside the policy's folder")
        return read_text(name)


def _decoded(name: str, data: bytes) -> str:
    if len(data) > LARGEST:
        message = f"policy of more than {LARGEST // 1024 // 1024} MiB"
        place = Label(Span(Source(name, ""), 0, 0))
        raise PolicyError([Diagnostic("NAT015", message, place)])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        text = data[: error.start].decode() + "\ufffd"
        place = Label(Span(Source(name, text), len(text) - 1, len(text)), "here")
        message = f"not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise PolicyError([Diagnostic("NAT014", message, place)]) from None


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
