"""Having the confirmed rules come back at boot: which files do it, writing them, taking them away.

Knows where files belong; `texts` knows what stands in them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from natc import programs
from natc.address import FAMILIES, Family
from natc.host.boot.forwarding import FORWARDING, settings
from natc.host.boot.texts import MARK, script_text, sysctl_text, unit_text
from natc.host.errors import HostError
from natc.host.generation import Generation
from natc.host.store import Store
from natc.record import Record
from natc.targets.iptables.own import parts
from natc.writing import replace_file

UNIT = "natc.service"
SCRIPT = Path("/etc/natc/boot.sh")
UNIT_FILE = Path("/etc/systemd/system") / UNIT
SYSCTL_FILE = Path("/etc/sysctl.d/60-natc.conf")

_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class File(Record):
    """A file to write.

    Attributes:
        path: on the machine that is to boot, absolute.
    """

    path: Path
    text: str
    executable: bool = False


class Machine(Record):
    """Where files go.

    Attributes:
        root: the machine's root folder; `/` for the running one.
        script: of a system without systemd; None for a systemd unit.
        store: of this machine, as it will know it.
    """

    root: Path
    script: Path | None
    store: Store

    @property
    def is_running(self) -> bool:
        """Whether it is the machine that natc runs on."""
        return self.root == Path("/")

    def here(self, path: Path) -> Path:
        """Return where a file of that machine is on this one."""
        return path if self.is_running else self.root / path.relative_to("/")

    @property
    def memory(self) -> Store:
        """That machine's store, as this one sees it."""
        own = self.store
        return Store(str(self.here(own.lasting.absolute())), str(self.here(own.passing.absolute())))


def confirmed(machine: Machine) -> Generation | None:
    """Return what the next boot restores.

    Raises:
        HostError: it is damaged; or nothing is confirmed, and the machine is not a mere folder.
    """
    store = machine.memory
    link = store.lasting / "boot"
    try:
        # An image's link leads to a folder of the image, not of this machine.
        return store.generation(int(link.readlink().name))
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        raise HostError(f"cannot read {link}: it is damaged") from None
    if machine.is_running:
        raise HostError(
            "nothing is confirmed yet, so there is nothing to restore at boot",
            "`natc apply POLICY`, with `natc confirm` where it was told to wait, then this again",
        )
    return None


def needed(generation: Generation | None) -> dict[str, str]:
    """Return the kernel settings that a generation's rules need, path under /proc/sys to value."""
    if generation is None:
        return {}
    texts = {family: _rules(generation, family) for family in FAMILIES}
    return settings({family: parts(text) for family, text in texts.items()})


def _rules(generation: Generation, family: Family) -> str:
    """Return a generation's rules, in natc's words where it kept them, else in a kernel's.

    An image's are not to be tried on this machine, which may have no iptables.
    """
    given = generation.given(family)
    return (generation.saved(family) or "") if given is None else given


def files(machine: Machine, generation: Generation | None, *, has_sysctl: bool) -> list[File]:
    """Return the files that put the rules in place at boot.

    Raises:
        HostError: natc's folders have names that cannot stand in a unit.
    """
    own = machine.store
    state, passing = str(own.lasting.absolute()), str(own.passing.absolute())
    path = machine.script or SCRIPT
    once = machine.script is not None
    found = [File(path, script_text(state, passing, _search_path(machine), once=once), True)]
    if machine.script is None:
        try:
            found.append(File(UNIT_FILE, unit_text(state, passing, str(path))))
        except ValueError as error:
            raise HostError(f"{error} is no name for a folder in a systemd unit") from None
    wanted = needed(generation) if has_sysctl else {}
    if wanted and generation is not None:
        found.append(File(SYSCTL_FILE, sysctl_text(wanted, generation.name)))
    return found


def write(machine: Machine, wanted: Sequence[File]) -> list[Path]:
    """Write files, and take away natc's own that are no longer wanted; return what changed.

    Raises:
        HostError: one was not written by natc, and none is changed; or one cannot be written.
    """
    paths = [file.path for file in wanted]
    gone = [SYSCTL_FILE] if SYSCTL_FILE not in paths else []
    changed = []
    for path in (*paths, *gone):
        _check_own(machine.here(path))
    for file in wanted:
        target = machine.here(file.path)
        if _text(target) == file.text and os.access(target, os.X_OK) >= file.executable:
            continue
        try:
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            replace_file(target, file.text, executable=file.executable, guarded=True)
            # Whoever boots the machine reads them, whatever the umask of the one who wrote them.
            target.chmod(0o755 if file.executable else 0o644)
        except OSError as error:
            raise _cannot("write", target, error) from None
        changed.append(file.path)
    changed += _unlinked(machine, gone)
    generations = machine.memory.lasting / "generations"
    try:
        generations.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot("write", generations, error) from None
    if machine.is_running and machine.script is not None:
        _note_boot(machine.store)
    return changed


def remove(machine: Machine) -> list[Path]:
    """Take the files away again; return those that were there.

    Raises:
        HostError: one was not written by natc, and none is changed; or it cannot be done.
    """
    script = machine.script or SCRIPT
    paths = [script, SYSCTL_FILE] if machine.script else [UNIT_FILE, script, SYSCTL_FILE]
    for path in paths:
        _check_own(machine.here(path))
    if UNIT_FILE in paths and machine.here(UNIT_FILE).exists() and programs.path_of("systemctl"):
        _systemctl(machine, "disable", UNIT)
    gone = _unlinked(machine, paths)
    with suppress(OSError):
        machine.here(SCRIPT.parent).rmdir()
    return gone


def enable(machine: Machine) -> None:
    """Have systemd run the unit at boot.

    Raises:
        HostError: it does not.
    """
    _systemctl(machine, "enable", UNIT)


def is_enabled(machine: Machine) -> bool:
    """Whether systemd runs the unit at boot, as far as its [Install] section goes."""
    wants = UNIT_FILE.parent / "sysinit.target.wants" / UNIT
    return machine.here(wants).is_symlink()


def reload(machine: Machine) -> None:
    """Have a running systemd read its units again.

    Raises:
        HostError: it does not.
    """
    if machine.is_running and Path("/run/systemd/system").is_dir():
        _systemctl(machine, "daemon-reload")


def set_now(wanted: dict[str, str]) -> list[str]:
    """Have the running kernel take settings; return those that were others before.

    Raises:
        HostError: it does not.
    """
    changed = []
    for name, value in wanted.items():
        path = Path("/proc/sys") / name
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
                changed.append(f"{name} = {value}")
        except OSError as error:
            raise _cannot("write", path, error) from None
    return changed


def remarks(wanted: dict[str, str]) -> Iterator[str]:
    """Yield what an administrator should know of kernel settings."""
    if FORWARDING[FAMILIES[1]] in wanted:
        yield (
            "a gateway that forwards IPv6 ignores router advertisements: where the wan has its"
            " address or its default route from them, set net.ipv6.conf.INTERFACE.accept_ra = 2"
        )
    for name in wanted:
        if name.endswith("/route_localnet"):
            where = name.split("/")[3]
            place = "all interfaces" if where == "all" else where
            yield (
                f"route_localnet lets neighbours at {place} reach 127.0.0.0/8 of this gateway:"
                " what listens there alone must be filtered"
            )


def _search_path(machine: Machine) -> str:
    """Return where the script looks for programs; those that natc uses now come first."""
    folders = list(_FOLDERS)
    found = programs.path_of("iptables-restore") if machine.is_running else None
    if found is not None and str(Path(found).parent) not in folders:
        folders.insert(0, str(Path(found).parent))
    return os.pathsep.join(folders)


def _check_own(path: Path) -> None:
    """See that a file is natc's, or none.

    Raises:
        HostError: it is somebody else's.
    """
    if path.is_symlink():
        raise HostError(f"{path} is a link, and not natc's", "move it away")
    text = _text(path)
    if text is not None and MARK not in "".join(text.splitlines(keepends=True)[:3]):
        raise HostError(f"{path} was not written by natc", "move it away")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot("read", path, error) from None


def _unlinked(machine: Machine, paths: Sequence[Path]) -> list[Path]:
    gone = []
    for path in paths:
        try:
            machine.here(path).unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _cannot("remove", machine.here(path), error) from None
        gone.append(path)
    return gone


def _note_boot(store: Store) -> None:
    """Say that this kernel has its rules: hooks that run before the next boot change nothing."""
    if not (store.passing / "current").is_symlink():
        return
    try:
        replace_file(store.passing / "restored", _BOOT_ID.read_text(), guarded=True)
    except OSError as error:
        raise _cannot("write", store.passing / "restored", error) from None


def _systemctl(machine: Machine, *arguments: str) -> None:
    root = [] if machine.is_running else [f"--root={machine.root}"]
    try:
        done = programs.run(["systemctl", *root, *arguments])
    except programs.Missing:
        raise HostError(
            "there is no systemd here", "--script PATH writes a script for other systems"
        ) from None
    if done.returncode != 0:
        raise HostError(f"systemctl {' '.join(arguments)} failed: {' '.join(done.stdout.split())}")


def _cannot(verb: str, path: Path, error: OSError) -> HostError:
    hint = "run natc as root" if isinstance(error, PermissionError) else None
    return HostError(f"cannot {verb} {path}: {error.strerror or error}", hint)
