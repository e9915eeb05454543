"""This machine's iptables, in the network namespace that natc runs in."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from natc import programs
from natc.address import FAMILIES, Family
from natc.flavours import PROGRAMS, Flavour
from natc.host.errors import HostError
from natc.record import Record
from natc.targets.iptables.companion import ROUTING_PROTOCOL, ROUTING_TABLE, route_arguments
from natc.targets.iptables.model import PolicyRoute

_XTABLES_LOCK = "/run/xtables.lock"
"""Source: iptables/xshared.h, XT_LOCK_NAME, 1.8.9; the environment's XTABLES_LOCKFILE wins."""

_LINE = re.compile(r"line:? (\d+)")

_OWN_ROUTES = f"table {ROUTING_TABLE} protocol {ROUTING_PROTOCOL}"

_RULES = f"rule show table {ROUTING_TABLE}"
_OWN_RULE = rf"\S+ .*\b(?:proto|protocol) {ROUTING_PROTOCOL}\b"
"""What stands after `lookup` in natc's own: the number of the table, or a name that the machine's
`rt_tables` gives it."""


class Refusal(Exception):  # noqa: N818 - what to make of it is the caller's
    """A restore program or the kernel refused a text.

    Attributes:
        line: of the text, from 1; None if the program named none.
        code: the program's exit code.
    """

    def __init__(self, message: str, line: int | None, code: int) -> None:
        super().__init__(message)
        self.line = line
        self.code = code


class Gateway(Record):
    """How to talk to this machine's iptables.

    Attributes:
        flavour: what the plain program names mean here.
        version: of iptables.
        wait: seconds to wait for locks.
    """

    flavour: Flavour
    version: tuple[int, ...]
    wait: int = 5

    def program(self, family: Family, verb: str = "") -> str:
        """Return the name of a program, such as `ip6tables-save`."""
        return f"{PROGRAMS[family]}{verb}"

    def environment(self) -> dict[str, str]:
        """Return what natc's shell scripts must be told to use the same programs."""
        return {
            "IPTABLES_RESTORE": self.program(Family.IPV4, "-restore"),
            "IP6TABLES_RESTORE": self.program(Family.IPV6, "-restore"),
            "NATC_WAIT": str(self.wait),
            "PATH": os.pathsep.join(programs.FOLDERS),
        }

    def pinned(self) -> dict[str, str]:
        """Return the same for a script that may run later, when the plain names mean others."""
        found = self.environment()
        for name, program in found.items():
            if name.endswith("_RESTORE"):
                exact = program.replace("-restore", f"-{self.flavour}-restore")
                found[name] = program if programs.path_of(exact) is None else exact
        return found

    def save(self, family: Family, table: str | None = None, *, counters: bool = False) -> str:
        """Return what iptables-save prints; nothing where the kernel has no such family.

        Raises:
            HostError: it cannot be had.
        """
        command = [self.program(family, "-save")]
        command += ["-t", table] if table else []
        command += ["-c"] if counters else []
        done = _run(command)
        if done.returncode == 0:
            return done.stdout
        said = " ".join(done.stdout.split())
        if family is Family.IPV6 and not Path("/proc/net/if_inet6").exists():
            return ""
        raise HostError(f"{command[0]} failed: {said}", hint(said))

    def restore(
        self,
        family: Family,
        text: str,
        kept: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        """Have `iptables-restore` apply a text.

        Args:
            whole: in place of all that its tables hold; else (`--noflush`) beside it.
            kept: open files that the program holds as long as it runs.
            environment: beside this process's.

        Raises:
            Refusal: it did not.
            HostError: it cannot be run.
        """
        command = [self.program(family, "-restore"), "-w", str(self.wait)]
        command += [] if whole else ["--noflush"]
        done = _run(command, text, kept=kept, environment={**os.environ, **(environment or {})})
        if done.returncode != 0:
            said = " ".join(done.stdout.split())
            if "Permission denied" in said or "xtables lock" in said:
                raise HostError(f"{command[0]} failed: {said}", hint(said))
            named = _LINE.search(said)
            raise Refusal(said, int(named[1]) if named else None, done.returncode)

    @contextmanager
    def locked(self, private: str) -> Iterator[tuple[Mapping[str, str], tuple[int, ...]]]:
        """Hold the xtables lock: nobody else who takes it changes rules meanwhile.

        Legacy programs alone take it; those of nf_tables see in the kernel whether somebody came
        between.

        Args:
            private: another file, for the programs that natc runs while it holds the lock.

        Yields:
            What their environment must say, and the open files that they must keep: the lock
            outlives natc as long as one of them runs.

        Raises:
            HostError: others hold it.
        """
        if self.flavour is not Flavour.LEGACY or self.version < (1, 8, 6):
            yield {}, ()
            return
        path = os.environ.get("XTABLES_LOCKFILE", _XTABLES_LOCK)
        handle = take_lock(path, self.wait, "another program holds the xtables lock")
        try:
            yield {"XTABLES_LOCKFILE": private}, (handle,)
        finally:
            os.close(handle)

    def routes(self, family: Family) -> tuple[PolicyRoute, ...]:
        """Return the policy routing that natc made and that works, known by its protocol number.

        Raises:
            HostError: `ip` failed.
        """
        if programs.path_of("ip") is None:
            return ()
        found = re.findall(
            rf"fwmark (0x[0-9a-f]+)(?:/(0x[0-9a-f]+))? lookup {_OWN_RULE}",
            self._ip(family, _RULES),
        )
        if not found or "local default" not in self._ip(family, f"route show {_OWN_ROUTES}"):
            return ()
        return tuple(
            PolicyRoute(family, int(mark, 16), int(mask, 16) if mask else 0xFFFF_FFFF)
            for mark, mask in found
        )

    def set_routes(
        self, family: Family, routes: Sequence[PolicyRoute], kept: Sequence[int] = ()
    ) -> None:
        """Put policy routing in the place of what natc made before.

        Args:
            kept: open files that `ip` holds as long as it runs.

        Raises:
            HostError: `ip` failed.
        """
        own = f"lookup {ROUTING_TABLE} protocol {ROUTING_PROTOCOL}"
        while re.search(rf"lookup {_OWN_RULE}", self._ip(family, _RULES)):
            self._ip(family, f"rule del {own}", kept)
        if not routes and self._ip(family, f"route show {_OWN_ROUTES}"):
            self._ip(family, f"route flush {_OWN_ROUTES}", kept)
        for arguments in route_arguments(routes):
            self._ip(family, f"{arguments.partition(' ')[2]} protocol {ROUTING_PROTOCOL}", kept)

    def _ip(self, family: Family, arguments: str, kept: Sequence[int] = ()) -> str:
        done = _run(["ip", f"-{family.value}", *arguments.split()], kept=kept)
        said = done.stdout.strip()
        if done.returncode == 0:
            return said
        if "FIB table does not exist" in said:  # Nothing was ever put there.
            return ""
        if family is Family.IPV6 and not Path("/proc/net/if_inet6").exists():
            return ""
        reason = " ".join(said.split()) or f"exit code {done.returncode}"
        raise HostError(f"ip -{family.value} {arguments} failed: {reason}", hint(reason))


def gateway(wait: int = 5) -> Gateway:
    """Return this machine's.

    Raises:
        HostError: it has no iptables.
    """
    said = _run([f"{PROGRAMS[FAMILIES[0]]}-restore", "--version"]).stdout
    found = re.search(r"v(\d+(?:\.\d+)*)(?: \((\w+)\))?", said)
    if found is None:
        raise HostError(f"iptables-restore --version says {said.strip()!r}, which natc cannot read")
    flavour = Flavour.NFT if found[2] == "nf_tables" else Flavour.LEGACY
    return Gateway(flavour, tuple(int(part) for part in found[1].split(".")), wait)


def take_lock(path: str, wait: float, busy: str) -> int:
    """Lock a file and return it open; closing it lets the lock go.

    Raises:
        HostError: it cannot be opened, or others held it for `wait` seconds.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HostError(f"cannot open {path}: {error.strerror}", hint(str(error))) from None
    end = time.monotonic() + wait
    while True:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(handle)
                raise HostError(
                    f"{busy} ({path})", f"natc waited {wait:g} s; --wait gives it longer"
                ) from None
            time.sleep(0.02)
        else:
            return handle


def _run(
    command: Sequence[str],
    text: str = "",
    *,
    kept: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    try:
        return programs.run(command, text, kept=kept, environment=environment)
    except programs.Missing as error:
        raise HostError(str(error)) from None
    except OSError as error:
        raise HostError(f"cannot run {command[0]}: {error.strerror}") from None


def hint(said: str) -> str | None:
    """Return what helps against what a program said; None where that says it all."""
    if "ermission denied" in said or "not permitted" in said:
        return "run natc as root"
    if "insmod" in said or "Could not fetch rule set generation" in said:
        return "this kernel lacks a module for it, or may not load it here"
    return None
