"""`natc compile POLICY` and nothing else, as boots and hooks run it: without click.

Loading click takes longer than compiling a thousand rules.  What is not plain, such as an
`include`, or any problem of the policy, is left to the command.
"""

import os
import stat
import sys

from natc import __version__, pipeline
from natc.address import Family
from natc.diagnostics.text import printable
from natc.dsl.text_checks import LARGEST
from natc.source import Source
from natc.targets.iptables.companion import route_notes
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.write import Form, write

_RESTORE = {Family.IPV4: "iptables-restore", Family.IPV6: "ip6tables-restore"}


def run(path: str) -> bool:
    """Print what `natc compile` prints for the policy `path`, or nothing and return False.

    Raises:
        OSError: standard output cannot be written.
    """
    try:
        text = _compiled(path)
    except Exception:  # noqa: BLE001 - the command meets it again, and says what it is
        return False
    if text is None or sys.stdout is None:
        return False
    try:
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"cannot write standard output: {error.strerror}") from None
    return True


def _compiled(path: str) -> str | None:
    status = os.stat(path)  # noqa: PTH116 - start-up
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        return None  # A pipe is not even opened: who writes to it would take that for its reader.
    with open(path, "rb") as file:  # noqa: PTH123 - start-up
        source = Source(path, file.read().decode())
    made = pipeline.compile_rules(source, _not_here, os.uname().nodename)
    if len(made) > 1:
        return None  # One of two families is to be chosen.
    return restore_text(next(iter(made.values())), Form.INSTALL, path)


def _not_here(name: str) -> str:
    raise FileNotFoundError(name)


def restore_text(ruleset: Ruleset, form: Form, name: str) -> str:
    """Return what `natc compile` prints of a policy, `name`, for one family."""
    noflush = "" if form is Form.STANDALONE else " --noflush"
    restore = _RESTORE[ruleset.family]
    title = f"# natc {__version__}, {printable(name)}: {ruleset.family}, for {restore}{noflush}"
    head = [title, *route_notes(ruleset.routes)]
    return "".join(f"{line}\n" for line in head) + write(ruleset, form)
