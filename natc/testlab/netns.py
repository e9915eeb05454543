"""A worker process in namespaces of its own: network, mounts, processes, users where it must be.

The worker is process 1 of a PID namespace, so that whatever it starts dies with it, and its
temporary files lie on a tmpfs of its own, so that nothing has to be removed: not after a failure,
not after Ctrl-C, not after SIGKILL.  A keeper process stands between it and the parent, since only
the children of the process that unshares its PID namespace enter the new one.
"""

import ctypes
import errno
import gc
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NoReturn

from natc.record import Record
from natc.testlab.errors import LabError, LabUnavailable

PRIVATE = "/run/natc-lab"
"""The worker's folder for files: all of /run is a tmpfs that only it and its children see."""

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class Worker(Record):
    """A running worker, as its parent sees it.

    Attributes:
        keeper: the process to end; once it is reaped the worker and all its children are gone.
    """

    keeper: int
    connection: Connection

    def stop(self) -> None:
        """End the worker and everything that it started, and wait until they are gone."""
        self.connection.close()
        os.kill(self.keeper, signal.SIGTERM)
        os.waitpid(self.keeper, 0)


def start(serve: Callable[[Connection], None]) -> Worker:
    """Run `serve` in a new worker and return at once.

    The worker's first message is what `uids` says there, or the LabUnavailable that kept it out
    of its namespaces.
    """
    home = _network()
    ours, theirs = Pipe()
    # A Ctrl-C before the child ignores it would unwind the parent's frames in the child.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        keeper = os.fork()
        if keeper == 0:
            _exit_after(lambda: _keep(theirs, home, serve))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()
    return Worker(keeper, ours)


def uids() -> tuple[tuple[int, int], ...]:
    """Return the closed ranges of the uids that this process can take."""
    rows = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    return tuple((int(first), int(first) + int(count) - 1) for first, _, count in rows)


class Acting:
    """As a context: files and sockets opened in it belong to `uid`, while capabilities stay.

    Source: xt_owner looks at the fsuid that its socket's file was opened with,
    net/netfilter/xt_owner.c owner_mt(), Linux 6.18.
    """

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def __enter__(self) -> None:
        _libc.setfsuid(self._uid)
        if _libc.setfsuid(-1) != ctypes.c_int(self._uid).value:
            raise LabError(f"uid {self._uid} has no meaning in this user namespace")

    def __exit__(self, *_: object) -> None:
        _libc.setfsuid(0)
        _die_with_parent()


def _keep(connection: Connection, home: int, serve: Callable[[Connection], None]) -> None:
    """Enter the namespaces, fork the worker, and end when it has ended."""
    signal.set_wakeup_fd(-1)  # An event loop of the parent's would take our signals for its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _let_go_of_files(connection.fileno())
    try:
        _isolate(home)
    except (LabUnavailable, LabError) as error:
        connection.send(error)
        return
    except OSError as error:
        connection.send(LabUnavailable(f"no user namespace for a lab: {error}"))
        return
    _die_with_parent()
    worker = os.fork()
    if worker == 0:
        _die_with_parent()
        connection.send(uids())
        serve(connection)
        return
    connection.close()
    signal.signal(signal.SIGTERM, lambda *_: _kill(worker))
    os.waitpid(worker, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _kill(worker: int) -> None:
    """End the worker, which may have ended by itself when its parent's connection closed."""
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


def _exit_after(task: Callable[[], None]) -> NoReturn:
    """Run `task` in a forked child and never return into the parent's code."""
    status = 1
    try:
        task()
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
    finally:
        os._exit(status)


def _let_go_of_files(kept: int) -> None:
    """Close the parent's files: a copy of another lab's connection would keep that lab alive."""
    gc.freeze()  # else the parent's forgotten file objects would close our new files by number
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends.

    The kernel forgets it whenever the credentials change.  Source: prctl(2), PR_SET_PDEATHSIG.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _network() -> int:
    """Return the number of this process's network namespace."""
    return os.stat("/proc/self/ns/net").st_ino


def _isolate(home: int) -> None:
    """Enter the new namespaces, with the caller's own uid 0 where it has one.

    Raises:
        LabUnavailable: the kernel or its configuration forbids it.
        LabError: still in the namespace `home`; nothing was done to it.
    """
    flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID
    if not _unshare(flags):
        user, group = os.geteuid(), os.getegid()
        if not _unshare(flags | CLONE_NEWUSER):
            raise LabUnavailable(_refusal(ctypes.get_errno()))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    if _network() == home:
        raise LabError("still in the network namespace of the host")
    if (
        _libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0
        or _libc.mount(b"natc", b"/run", b"tmpfs", 0, None) != 0
    ):
        reason = os.strerror(ctypes.get_errno())
        raise LabUnavailable(f"no private file system for a lab's files: mount: {reason}")
    os.mkdir(PRIVATE)


def _unshare(flags: int) -> bool:
    return bool(_libc.unshare(flags) == 0)


def _refusal(code: int) -> str:
    """Say why the namespaces could not be had and what would help."""
    hints = {
        errno.EPERM: "run as root, or allow user namespaces"
        " (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns,"
        " or the container's seccomp profile)",
        errno.ENOSPC: "raise the sysctls user.max_user_namespaces and user.max_net_namespaces",
        errno.EINVAL: "the kernel lacks CONFIG_USER_NS, CONFIG_NET_NS or CONFIG_PID_NS",
    }
    reason = f"no namespaces for a lab: unshare: {os.strerror(code)}"
    return f"{reason}; {hints[code]}" if code in hints else reason
