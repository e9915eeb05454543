"""What natc remembers of a gateway.

Two folders.  One lasts: `generations/N` holds what the N-th apply put in place, whole, and never
changes afterwards; `boot` links to the generation that the next boot restores.  The other one is
gone after a boot, like the kernel's rules: `current` links to the generation that is in the kernel,
and `lock` is held by whoever changes anything.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from natc.host.errors import HostError
from natc.host.gateway import take_lock
from natc.host.generation import Generation
from natc.host.kept import Served
from natc.host.meta import META, facts_of, text_of
from natc.targets.iptables.model import PolicyRoute
from natc.writing import replace_file

LASTING = "/var/lib/natc"
PASSING = "/run/natc"
KEPT = 10
"""Generations that are kept beside those that are linked to."""


class Store:
    """The two folders.

    Attributes:
        lasting: what survives a boot.
        passing: what does not.
        held: the open file of natc's lock, while it is held here.
    """

    held: int | None = None

    def __init__(self, lasting: str | None = None, passing: str | None = None) -> None:
        """Say where they are; else NATC_STATE_DIR and NATC_RUN_DIR say it, else they are usual."""
        self.lasting = Path(lasting or os.environ.get("NATC_STATE_DIR") or LASTING)
        self.passing = Path(passing or os.environ.get("NATC_RUN_DIR") or PASSING)

    def make(self) -> None:
        """Make the folders where they are missing.

        Raises:
            HostError: that cannot be done.
        """
        for folder in (self.lasting / "generations", self.passing):
            try:
                for parent in (*reversed(folder.parents), folder):
                    parent.mkdir(mode=0o755, exist_ok=True)
            except OSError as error:
                hint = "run natc as root" if isinstance(error, PermissionError) else None
                raise HostError(f"cannot write {folder}: {error.strerror}", hint) from None

    @contextmanager
    def locked(self, wait: float) -> Iterator[int]:
        """Hold natc's lock, and yield the open file that holds it.

        Raises:
            HostError: another natc has held it for `wait` seconds.
        """
        self.make()
        handle = take_lock(str(self.lock), wait, "another natc is at work on this gateway")
        self.held = handle
        try:
            yield handle
        finally:
            self.held = None
            os.close(handle)

    @property
    def lock(self) -> Path:
        """The lock's file."""
        return self.passing / "lock"

    @property
    def undone(self) -> Path:
        """The file that says that the last apply was undone."""
        return self.passing / "undone"

    # Generations.

    @property
    def current(self) -> Generation | None:
        """What is in the kernel, as far as natc put it there.

        Raises:
            HostError: it is damaged, or a later natc wrote it.
        """
        return self._linked(self.passing / "current")

    @property
    def boot(self) -> Generation | None:
        """What the next boot restores.

        Raises:
            HostError: as `current`.
        """
        return self._linked(self.lasting / "boot")

    @property
    def since(self) -> float | None:
        """When the current generation was put in the kernel, in seconds since 1970."""
        try:
            return (self.passing / "current").lstat().st_mtime
        except OSError:
            return None

    def mark(self) -> object:
        """Return something that is another one once another generation is in the kernel; cheap."""
        link = self.passing / "current"
        try:
            return link.readlink(), link.lstat().st_mtime_ns
        except OSError:
            return None

    def has(self, number: int) -> bool:
        """Whether a generation is still kept."""
        return (self.lasting / "generations" / str(number)).is_dir()

    def generation(self, number: int) -> Generation:
        """Return one generation.

        Raises:
            HostError: it is not there, is damaged, or a later natc wrote it.
        """
        return self._read(self.lasting / "generations" / str(number))

    def add(
        self,
        texts: Mapping[str, str],
        facts: Mapping[str, Any],
        previous: Generation | None,
        routes: Iterable[PolicyRoute] = (),
    ) -> Generation:
        """Write a new generation, whole and to the disk; nothing links to it yet.

        Args:
            texts: its files.
            facts: `policy`, `digest`, `made`, `place`, `backend`, `node` and `settings`.
            previous: what it replaces.

        Raises:
            HostError: it cannot be written.
        """
        number = max(self._numbers(), default=0) + 1
        folder = self.lasting / "generations" / str(number)
        fresh = folder.with_name(f".new-{number}")
        meta = text_of(facts, None if previous is None else previous.number, routes)
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o755)
            # Root runs them at boot, so nobody else may write them, whatever natc's umask.
            for name, text in texts.items():
                replace_file(fresh / name, text, executable=name.endswith(".sh"), guarded=True)
            replace_file(fresh / "sums", _sums(texts), guarded=True)
            replace_file(fresh / META, meta, guarded=True)
            fresh.rename(folder)
            _sync(folder.parent)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise HostError(f"cannot write {folder}: {error.strerror or error}") from None
        return self._read(folder)

    def note(self, generation: Generation, texts: Mapping[str, str]) -> None:
        """Add files to a generation.

        Raises:
            HostError: they cannot be written.
        """
        try:
            for name, text in texts.items():
                replace_file(generation.folder / name, text, guarded=True)
        except OSError as error:
            raise HostError(
                f"cannot write {generation.folder}: {error.strerror or error}"
            ) from None

    def note_served(self, generation: Generation, served: Served | None) -> None:
        """Say what `natc watch` made of a generation; None for nothing.

        Raises:
            HostError: that cannot be written.
        """
        path = generation.served_file
        try:
            if served is None:
                path.unlink(missing_ok=True)
                return
            replace_file(path, served.file(generation.number), guarded=True)
        except OSError as error:
            raise HostError(f"cannot write {path}: {error.strerror or error}") from None

    def link_current(self, generation: Generation | None) -> None:
        """Say what is in the kernel.

        Raises:
            HostError: that cannot be written.
        """
        self._link(self.passing / "current", generation)

    def link_boot(self, generation: Generation | None) -> None:
        """Say what the next boot restores.

        Raises:
            HostError: that cannot be written.
        """
        self._link(self.lasting / "boot", generation)

    def note_left(self, generation: Generation, where: str, changes: int) -> None:
        """Remember how many changes the kernel had seen when the generation was put in place.

        Args:
            where: the network namespace, which may not be the only one with these folders.

        Raises:
            HostError: that cannot be written.
        """
        path = self.passing / "left"
        try:
            replace_file(path, f"{generation.number} {where} {changes}\n", guarded=True)
        except OSError as error:
            raise HostError(f"cannot write {path}: {error.strerror or error}") from None

    def left(self, generation: Generation, where: str | None) -> int | None:
        """Return that number; None where it is not known."""
        try:
            number, there, changes = (self.passing / "left").read_text().split()
            is_it = int(number) == generation.number and there == where
            return int(changes) if is_it else None
        except (OSError, ValueError):
            return None

    def prune(self) -> None:
        """Delete generations that are neither linked to nor among the latest."""
        linked = {one.number for one in (self.current, self.boot) if one is not None}
        linked |= {one.previous for one in (self.current, self.boot) if one and one.previous}
        for number in sorted(self._numbers())[:-KEPT]:
            if number not in linked:
                shutil.rmtree(self.lasting / "generations" / str(number), ignore_errors=True)
                (self.passing / f"served-{number}.json").unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        folder = self.lasting / "generations"
        if not folder.is_dir():
            return []
        return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()]

    def _linked(self, link: Path) -> Generation | None:
        try:
            target = link.readlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HostError(f"cannot read {link}: {error.strerror or error}") from None
        return self._read(link.parent / target)

    def _link(self, link: Path, generation: Generation | None) -> None:
        try:
            if generation is None:
                link.unlink(missing_ok=True)
            else:
                fresh = link.with_name(f".{link.name}.new")
                fresh.unlink(missing_ok=True)
                fresh.symlink_to(generation.folder.absolute())
                fresh.replace(link)
            _sync(link.parent)
        except OSError as error:
            raise HostError(f"cannot write {link}: {error.strerror or error}") from None

    def _read(self, folder: Path) -> Generation:
        path = folder / META
        try:
            facts = facts_of(path)
            return Generation(number=int(folder.name), folder=folder, passing=self.passing, **facts)
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise HostError(
                f"cannot read {path}: {reason}",
                f"move {self.lasting} and {self.passing} away: natc then knows of no earlier apply",
            ) from None


def _sums(texts: Mapping[str, str]) -> str:
    """Return what `sha256sum -c` checks of the scripts: what runs at boot looks at it."""
    return "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
        for name, text in texts.items()
        if name.endswith(".sh")
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
