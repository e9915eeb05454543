"""Reading policies, and what they include.  Without pathlib, which costs 4 ms at every start."""

import os
import stat

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl.text_checks import LARGEST
from natc.source import Source, Span


def read_text(path: str) -> str:
    """Read a file as UTF-8 text.

    Raises:
        OSError: it cannot be read.
        PolicyError: NAT014, NAT015.
    """
    with open(path, "rb") as file:
        if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
            raise IsADirectoryError(21, "Is a directory")
        return decoded(path, file.read(LARGEST + 1))


class Includes:
    """Reads included files, which stay below the folder of the policy, links followed."""

    def __init__(self, policy: str) -> None:
        """Say which policy includes; `-` is one that was read from standard input."""
        self.root = os.getcwd() if policy == "-" else os.path.dirname(os.path.realpath(policy))

    def __call__(self, name: str) -> str:
        """Return the text of `name`.

        Raises:
            OSError: it cannot be read, or a link leads out of the folder.
            PolicyError: NAT014, NAT015.
        """
        if os.path.commonpath([self.root, os.path.realpath(name)]) != self.root:
            raise PermissionError(13, "A link leads outside the policy's folder")
        return read_text(name)


def decoded(name: str, data: bytes) -> str:
    """Return the text of a policy.

    Raises:
        PolicyError: NAT014, NAT015.
    """
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
