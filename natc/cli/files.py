"""Reading policies and writing results: whole or not at all."""

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

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
        return Source(name, _decoded(name, sys.stdin.buffer.read(LARGEST + 1)))
    try:
        return Source(path, read_text(path))
    except OSError as error:
        raise Unable(f"cannot read {path}: {error.strerror or error}") from None


def read_text(path: str) -> str:
    """Read a file as UTF-8 text.

    Raises:
        OSError: it cannot be read.
        PolicyError: NAT014, NAT015.
    """
    with Path(path).open("rb") as file:
        if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
            raise IsADirectoryError(21, "Is a directory")
        return _decoded(path, file.read(LARGEST + 1))


class Includes:
    """Reads included files, which stay below the folder of the policy, links followed."""

    def __init__(self, policy: str) -> None:
        self.root = Path.cwd() if policy == STDIN else Path(policy).resolve().parent

    def __call__(self, name: str) -> str:
        """Return the text of `name`.

        Raises:
            OSError: it cannot be read, or a link leads out of the folder.
            PolicyError: NAT014, NAT015.
        """
        if not Path(name).resolve().is_relative_to(self.root):
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
            _replace(Path(path).resolve(), text, before, executable=executable)
        else:
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unable(f"cannot write {path}: {error.strerror or error}") from None


def _replace(target: Path, text: str, before: os.stat_result | None, *, executable: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = (0o777 if executable else 0o666) & ~mask
        else:
            mode = stat.S_IMODE(before.st_mode)
            with suppress(PermissionError):  # Only root may give files away.
                os.chown(temporary, before.st_uid, before.st_gid)
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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


def echo_result(text: str, *, colour: bool = False) -> None:
    """Print a result on standard output.

    Raises:
        Unable: it cannot be written.
        BrokenPipeError: nobody reads it any more; click ends in silence.
    """
    encodable = text.encode(errors="backslashreplace").decode()  # File names may be any bytes.
    try:
        click.echo(encodable, nl=False, color=colour)
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write standard output: {error.strerror or error}"
        raise Unable(message) from None
