"""The running gateway: what it holds, what a policy would change, and changing it safely.

    from natc import host

    plan = host.plan("office.nat")                  # nothing is touched
    host.apply("office.nat", confirm_within=30)     # all of it or nothing
    host.confirm()

Each function does what the command of its name does, raises `PolicyError` for a policy that is
wrong and `HostError` for what could not be done, and prints nothing.  The modules:

    policy     a file → `Wanted`: the rules, their meaning and a hash
    gateway    this machine's iptables: its flavour, save, restore, the xtables lock
    held       natc's part of what the kernel holds, and what it is to hold
    store      what natc remembers: each `generation` on the disk, the current one in /run; `meta`
               and `kept` are files of a generation
    way_back   the guard that undoes an apply that is cut short or not confirmed
    rehearsal  the rules in a throw-away namespace first
    backends   ways to hand rules to the kernel; `libiptc` is one
    handover   a change of the rules: rehearsed, handed over by a backend, looked at
    standing   what the kernel holds, beside what natc remembers that it put there
    applying   all of it in order; `applied` is how it went
    going_back what becomes of an apply: confirm, roll back, remove
    planning/  what an apply would change and strand; what is in place
    doctor/    what is wrong with the machine around the rules
    boot/      the confirmed rules after a boot
    watching/  rules that follow the health of servers

Nothing else in natc changes the kernel that it runs on.
"""

import os
from typing import TYPE_CHECKING, Literal

from natc.host.errors import HostError, Refused

if TYPE_CHECKING:
    from natc.host.applied import Applied
    from natc.host.planning.plan import Plan
    from natc.host.planning.status import Status
    from natc.host.policy import Wanted

__all__ = [
    "HostError",
    "Refused",
    "apply",
    "confirm",
    "plan",
    "remove",
    "rollback",
    "status",
]

Where = Literal["first", "last"]
How = Literal["restore", "libiptc"]


def plan(
    policy: "str | os.PathLike[str] | Wanted",
    *,
    place: Where = "first",
    backend: How = "restore",
    wait: int = 5,
) -> "Plan":
    """Return what an apply would change on this gateway, and change nothing.

    Args:
        policy: its file, or what `natc.host.policy.wanted` made of it, for a node or settings.
        place: whether natc's rules come before or after those of other programs.
        wait: seconds to wait for the locks of others.

    Raises:
        PolicyError: every problem of the policy.
        HostError: the rules of now cannot be had, or the kernel refuses those to come.
    """
    from natc.host.gateway import gateway  # noqa: PLC0415 - start-up
    from natc.host.planning.plan import plan as plan_  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    return plan_(_wanted(policy), gateway(wait), Place(place), backend)


def apply(
    policy: "str | os.PathLike[str] | Wanted",
    *,
    place: Where = "first",
    backend: How = "restore",
    confirm_within: int | None = None,
    flush: bool = False,
    force: bool = False,
    wait: int = 5,
) -> "Applied":
    """Put a policy's rules into the running kernel, all of them or none.

    Args:
        policy, place, wait: as for `plan`.
        confirm_within: seconds after which the rules of before come back unless `confirm` is
            called; None keeps the new ones.
        flush: delete the connections that are certain to be stranded.
        force: in spite of errors that `natc doctor` finds.

    Raises:
        PolicyError: every problem of the policy.
        Refused: the doctor finds errors.
        HostError: it could not be done; the gateway is as it was.
    """
    from natc.host import applying  # noqa: PLC0415 - start-up
    from natc.host.doctor.blocking import blocking  # noqa: PLC0415
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    made, here = _wanted(policy), gateway(wait)
    found = [] if force else blocking(made, here, backend)
    if found:
        raise Refused(found)
    return applying.apply(
        made,
        here,
        Store(),
        place=Place(place),
        backend=backend,
        confirm=confirm_within,
        flush=flush,
    )


def confirm(*, wait: int = 5) -> "Applied":
    """Keep what was applied with `confirm_within`; it also comes back after a boot from now on.

    Raises:
        HostError: nothing waits to be confirmed.
    """
    from natc.host import going_back  # noqa: PLC0415 - start-up
    from natc.host.store import Store  # noqa: PLC0415

    return going_back.confirm(Store(), wait)


def rollback(*, wait: int = 5) -> "Applied":
    """Go back to the rules of before the last apply, confirmed or not.

    Raises:
        HostError: there is nothing to go back from, or it could not be done.
    """
    from natc.host import going_back  # noqa: PLC0415 - start-up
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    return going_back.roll_back(gateway(wait), Store())


def remove(*, wait: int = 5) -> "Applied":
    """Take all of natc's rules out of the kernel.

    Raises:
        HostError: it could not be done; the gateway is as it was.
    """
    from natc.host import going_back  # noqa: PLC0415 - start-up
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    return going_back.remove(gateway(wait), Store())


def status(*, wait: int = 5) -> "Status":
    """Return what is in place, since when, what has become of it, and how much it is used.

    Raises:
        HostError: it cannot be had.
    """
    from natc.host.gateway import gateway  # noqa: PLC0415 - start-up
    from natc.host.planning.status import status as status_  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    return status_(gateway(wait), Store())


def _wanted(policy: "str | os.PathLike[str] | Wanted") -> "Wanted":
    from natc.host.policy import Wanted, wanted  # noqa: PLC0415 - start-up

    return policy if isinstance(policy, Wanted) else wanted(os.fspath(policy))
