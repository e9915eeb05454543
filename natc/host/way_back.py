"""The way back: what undoes an apply that is cut short or not confirmed, whoever has died.

Before anything changes, a folder with shell scripts is put beside natc's lock, and a guard is
started that does not depend on natc: it waits until natc and every program that natc started have
let the lock go.  What it then finds says how the apply went:

    the folder is gone          it is done; so is the guard
    the folder, and `pending`   it waits to be confirmed, which takes `pending` away in time
    the folder alone            natc died on the way: the guard undoes what it did

Whoever takes the lock before the guard does the same, so nobody ever sees a half-applied gateway.
"""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from natc import programs
from natc.address import Family
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.store import Store
from natc.record import Record
from natc.targets.iptables.model import Place, Ruleset
from natc.targets.iptables.script import script
from natc.writing import replace_file

_UNDO = """\
#!/bin/sh
# Made by natc: undoes an apply.  Run by whoever holds natc's lock.
{environment}
failed=
for rules in {folder}/rules.v*; do  # One family that cannot be restored does not keep the other.
    [ ! -e "$rules" ] || sh "$rules" >>{folder}/log 2>&1 || failed=yes
done
[ -z "$failed" ] || exit 3
link() {{
    [ -n "$2" ] || {{ rm -f "$1"; return; }}
    # A disk may be too full for two of them.
    ln -sfn "$2" "$1" 2>/dev/null || {{ rm -f "$1" && ln -s "$2" "$1"; }}
}}
link {current} {old_current} && link {boot} {old_boot} || exit 3
rm -rf {gone}
mv {folder} {gone}
rm -rf {gone}
(: >{undone}) 2>/dev/null || :  # There may be no room for it, and it only serves a message.
"""

_GUARD = """\
# Waits for the end of an apply, and undoes it unless it is done or confirmed.
cd /
trap '' HUP INT TERM QUIT
{environment}
folder={folder}
undo() {{
    [ -e "$folder" ] || exit 0
    if sh "$folder/undo.sh"; then
        logger -t natc -p daemon.warning "$1: natc has restored the rules of before" 2>/dev/null
    else
        logger -t natc -p daemon.err "$1, and natc cannot restore the rules: $folder/log" \\
            2>/dev/null
    fi
    exit
}}
exec 9>>{lock}
flock 9
rm -rf {fresh}
[ -e "$folder" ] || exit 0
[ -e "$folder/pending" ] || undo 'an apply was cut short'
left=$(cat "$folder/seconds")
flock -u 9
while [ "$left" -gt 0 ]; do
    sleep 1
    [ -e "$folder/pending" ] || exit 0
    left=$((left - 1))
done
flock 9
[ ! -e "$folder/pending" ] || undo 'an apply was not confirmed'
"""


class Pending(Record):
    """An apply that waits to be confirmed.

    Attributes:
        folder: its way back.
        left: seconds; negative once it should have been undone.
    """

    folder: Path
    left: float


class WayBack:
    """The way back of one apply."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        """Give it up: what was applied stays."""
        _give_up(self._folder)

    def leave(self, seconds: int) -> None:
        """Keep it for so many seconds, until somebody confirms.

        Raises:
            HostError: that cannot be written.
        """
        try:
            replace_file(self._folder / "seconds", f"{seconds}\n")
            replace_file(self._folder / "pending", f"{_boot_clock() + seconds}\n")
        except OSError as error:
            raise HostError(f"cannot write {self._folder}: {error.strerror or error}") from None


@contextmanager
def way_back(
    store: Store,
    gateway: Gateway,
    lock: int,
    before: Mapping[Family, Ruleset],
    place: Place,
) -> Iterator[WayBack]:
    """Have a way back while rules change; an exception takes it.

    Args:
        before: natc's part of the rules as they are, of the families that are about to change.
        place: of the jumps that stand in the middle of other rules, or alone.

    Raises:
        HostError: there is none; nothing was changed.
    """
    folder = _prepare(store, gateway, before, place)
    way = WayBack(folder)
    try:
        yield way
    except BaseException as error:
        if not folder.exists():  # Too late: what was applied stays.
            raise
        failed = _undo(folder, lock)
        if failed is not None:
            raise HostError(
                f"{error}; and the rules of before could not be restored: {failed}"
                f" (the way back is {folder}/undo.sh)"
            ) from error
        raise


def recover(store: Store) -> str | None:
    """Undo an apply whose natc died; tell what was done, if anything.  Under natc's lock.

    Raises:
        HostError: it cannot be undone.
    """
    for leftover in store.passing.glob(".*way-back-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    said = None
    for folder in _folders(store):
        waiting = _pending(folder)
        if waiting is not None and waiting.left > 0:
            continue
        failed = _undo(folder, store.held)
        if failed is not None:
            raise HostError(
                f"an earlier apply was cut short and cannot be undone: {failed}",
                f"see {folder}/log; {folder}/undo.sh is the way back",
            )
        what = "was cut short" if waiting is None else "was not confirmed in time"
        said = f"an earlier apply {what}; natc has restored the rules of before"
    return said


def pending(store: Store) -> Pending | None:
    """Return the apply that waits to be confirmed."""
    for folder in _folders(store):
        waiting = _pending(folder)
        if waiting is not None:
            return waiting
    return None


def confirm(waiting: Pending) -> None:
    """Have what was applied stay.  Under natc's lock."""
    _give_up(waiting.folder)


def _give_up(folder: Path) -> None:
    gone = folder.with_name(f".gone-{folder.name}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def take(store: Store, waiting: Pending) -> None:
    """Undo what waits to be confirmed.  Under natc's lock.

    Raises:
        HostError: it cannot be undone.
    """
    failed = _undo(waiting.folder, store.held)
    if failed is not None:
        raise HostError(f"the rules of before could not be restored: {failed}")


def _folders(store: Store) -> list[Path]:
    return sorted(store.passing.glob("way-back-*"))


def _pending(folder: Path) -> Pending | None:
    try:
        deadline = float((folder / "pending").read_text())
    except (OSError, ValueError):
        return None
    return Pending(folder, deadline - _boot_clock())


def _boot_clock() -> float:
    """Return a clock that nobody sets, and that goes on while the machine sleeps; in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _prepare(
    store: Store, gateway: Gateway, before: Mapping[Family, Ruleset], place: Place
) -> Path:
    folder = store.passing.absolute() / f"way-back-{os.urandom(6).hex()}"
    fresh = folder.with_name(f".new-{folder.name}")
    current, boot = store.current, store.boot
    words = {
        "folder": str(folder),
        "fresh": str(fresh),
        "gone": str(folder.with_name(f".gone-{folder.name}")),
        "lock": str(store.lock.absolute()),
        "undone": str(store.undone.absolute()),
        "current": str((store.passing / "current").absolute()),
        "boot": str((store.lasting / "boot").absolute()),
        "old_current": "" if current is None else str(current.folder.absolute()),
        "old_boot": "" if boot is None else str(boot.folder.absolute()),
    }
    quoted = {name: shlex.quote(text) for name, text in words.items()}
    quoted["environment"] = "\n".join(
        f"{name}={shlex.quote(value)}; export {name}" for name, value in gateway.pinned().items()
    )
    try:
        fresh.mkdir(mode=0o700)
        for family, ruleset in before.items():
            rules = script({family: ruleset}, "the rules of before", (family,), place)
            replace_file(fresh / f"rules.v{family.value}", rules, executable=True)
        (fresh / "log").touch()  # There may be no room for it later.
        replace_file(fresh / "undo.sh", _UNDO.format(**quoted), executable=True)
        _start_guard(_GUARD.format(**quoted), folder.name)
        fresh.rename(folder)  # From here on there is a way back, and somebody who would take it.
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise HostError(f"cannot write the way back, {folder}: {error.strerror}") from None
    except HostError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return folder


def _start_guard(text: str, name: str) -> None:
    """Start a guard where the end of natc, of its terminal and of its session do not reach it.

    Raises:
        HostError: it does not start.
    """
    script = ["sh", "-c", text, "natc-guard"]
    try:
        programs.find("flock")
        if _has_systemd():
            command = [
                "systemd-run",
                "--quiet",
                "--collect",
                "--property=KillSignal=SIGKILL",
                f"--unit=natc-{name}",
                *script,
            ]
        else:
            command = ["sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh", *script]
        command[0] = programs.find(command[0])
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=True,
        )
    except (programs.Missing, OSError) as error:
        raise HostError(f"cannot start the guard of the way back: {error}") from None
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.decode(errors="replace").split())
        raise HostError(f"cannot start the guard of the way back: {said}") from None


def _has_systemd() -> bool:
    """Whether systemd runs this machine, and starts things in the namespaces that natc is in."""
    if not Path("/run/systemd/system").is_dir() or programs.path_of("systemd-run") is None:
        return False
    try:
        return all(_namespace(1, kind) == _namespace(os.getpid(), kind) for kind in ("net", "mnt"))
    except OSError:
        return False


def _namespace(process: int, kind: str) -> int:
    return Path(f"/proc/{process}/ns/{kind}").stat().st_ino


def _undo(folder: Path, lock: int | None) -> str | None:
    """Run a way back, which holds natc's lock as well; return what it said if it failed."""
    kept = () if lock is None else (lock,)
    done = programs.run(["sh", str(folder / "undo.sh")], kept=kept)
    if done.returncode == 0:
        return None
    try:
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        log = ""
    return " ".join(f"{log} {done.stdout}".split()) or f"exit code {done.returncode}"
