"""Handing rules to a legacy kernel through libiptc, by way of python-iptables.

python-iptables loses things without a word, and takes no lock.  So nothing is committed that has
not been rehearsed: a throw-away namespace loads the rules by iptables-restore, and the program that
is going to commit them (`natc.targets.iptables.libiptc`) builds each there and compares it with the
kernel's, byte for byte.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from natc import programs
from natc.address import Family
from natc.flavours import Flavour
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.held import State, held, transactions
from natc.host.rehearsal import place
from natc.targets.iptables.libiptc import REFUSED, UNUSABLE, Answer, answer

if TYPE_CHECKING:
    from natc.host.backends import Hands

_PROGRAM = "natc.targets.iptables.libiptc"
_LOCKED_SINCE = (1, 8, 6)
"""The iptables that lets natc run its programs while natc holds the lock, see `Gateway.locked`."""

_TRIES = 3
_NONE: Mapping[str, str] = {}


def rehearsal(gateway: Gateway) -> Callable[[Mapping[Family, str]], None]:
    """Return what to do in a namespace in which iptables-restore has loaded texts.

    It raises HostError, with the policy line, where python-iptables would make another rule of a
    line than iptables-restore did, or is not there.

    Raises:
        HostError: libiptc is the wrong way to this machine's rules.
    """
    if gateway.flavour is not Flavour.LEGACY:
        raise HostError(
            "this machine's iptables is the one of nf_tables, and the backend libiptc knows the"
            " legacy tables alone: its rules would be a second set that competes with the others",
            "leave out `--backend libiptc`",
        )
    if gateway.version < _LOCKED_SINCE:
        version = ".".join(map(str, gateway.version))
        raise HostError(
            f"with iptables {version} natc cannot keep other programs out while libiptc works",
            "the backend libiptc needs iptables 1.8.6 or later",
        )
    return _check


def put(hands: "Hands", before: State, after: State) -> None:
    """Have the kernel hold `after` in one family, where it holds `before`; one commit a table.

    Raises:
        HostError: it does not take it; some tables may hold it nevertheless.
    """
    for _ in range(_TRIES):
        text = transactions(before, after, hands.place)
        if not text:
            return
        found = _run("commit", after.family, text, hands.kept, hands.environment)
        if found.kind is None:
            return
        now = held(hands.gateway)[after.family]
        if now.parts == before.parts:
            raise _error(found, after.family, text)
        before = now  # Somebody came between the look and the change.
    raise HostError("another program changes natc's jumps again and again")


def _check(texts: Mapping[Family, str]) -> None:
    for family, text in texts.items():
        found = _run("check", family, text)
        if found.kind is not None:
            raise _error(found, family, text)
    if not texts:
        _check({Family.IPV4: ""})


def _run(
    verb: Literal["check", "commit"],
    family: Family,
    text: str,
    kept: Sequence[int] = (),
    environment: Mapping[str, str] = _NONE,
) -> Answer:
    """Run the program that knows python-iptables, with this one's modules.

    Raises:
        HostError: it did not answer.
    """
    done = programs.run(
        [sys.executable, "-P", "-m", _PROGRAM, verb, str(family.value)],
        text,
        kept=kept,
        environment={
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    found = answer(done.stdout)
    if found is None:
        raise HostError(f"python-iptables has died{_ended(done.returncode)}: {_last(done.stdout)}")
    return found


def _ended(status: int) -> str:
    return f" of {signal.Signals(-status).name}" if status < 0 else ""


def _last(output: str) -> str:
    lines = output.split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _error(found: Answer, family: Family, text: str) -> HostError:
    if found.kind == UNUSABLE:
        return HostError(found.message, _remedy(found.message))
    if found.line is None:
        return HostError(f"libiptc failed for {family}: {found.message}")
    line = text.splitlines()[found.line - 1]
    if found.kind == REFUSED:
        return HostError(
            f"{place(line)}: {found.message}\n  {line}",
            "the backend libiptc cannot be used for this rule: leave out `--backend libiptc`",
        )
    return HostError(f"libiptc failed for {family}: {found.message}\n  {line}")


def _remedy(message: str) -> str:
    if "not installed" in message:
        return "`pip install 'natc[libiptc]'` builds it, with gcc and the headers of Python"
    return "it needs libip4tc, libip6tc and libxtables, which come with iptables"
