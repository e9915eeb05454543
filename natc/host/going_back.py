"""What becomes of an apply: it is confirmed, rolled back, or all of natc's rules are removed."""

import os
import time

from natc import programs
from natc.host import way_back as ways
from natc.host.applied import Applied
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.held import held
from natc.host.standing import place_before
from natc.host.store import Store
from natc.record import replace
from natc.targets.iptables.model import Place
from natc.targets.iptables.script import script


def tidied(store: Store) -> tuple[str, ...]:
    """Undo what an earlier natc left half done, and refuse while an apply waits to be confirmed.

    Raises:
        HostError: one does.
    """
    said = ways.recover(store)
    waiting = ways.pending(store)
    if waiting is not None:
        raise HostError(
            f"an apply waits to be confirmed, for {max(0, round(waiting.left))} s more",
            "`natc confirm` or `natc rollback` first",
        )
    return () if said is None else (said,)


def confirm(store: Store, wait: float) -> Applied:
    """Have what was applied stay, and come back after a boot.

    Connections that the apply was told to delete are deleted now.

    Raises:
        HostError: nothing waits to be confirmed.
    """
    from natc.host.planning.flush import delete_left  # noqa: PLC0415 - start-up

    with store.locked(wait):
        notes = ways.recover(store)
        waiting = ways.pending(store)
        if waiting is None:
            late = ", and the rules of before have come back" if store.undone.exists() else ""
            raise HostError(notes or f"nothing waits to be confirmed{late}")
        current = store.current
        store.link_boot(current)
        ways.confirm(waiting)
        try:
            return Applied(current, changed=False, deleted=delete_left(store, current))
        except HostError as error:  # It is confirmed nevertheless.
            note = f"stranded connections were not deleted: {error}"
            return Applied(current, changed=False, notes=(note,))


def roll_back(gateway: Gateway, store: Store) -> Applied:
    """Go back to the rules of before the last apply, confirmed or not.

    Raises:
        HostError: there is nothing to go back from, or it could not be done.
    """
    with store.locked(gateway.wait) as lock:
        said = ways.recover(store)
        if said is not None:
            return Applied(store.current, changed=True, notes=(said,))
        waiting = ways.pending(store)
        if waiting is not None:
            ways.take(store, waiting)
            return Applied(store.current, changed=True)
        current = store.current
        if current is None:
            raise HostError("natc has put nothing in this kernel since the last boot")
        if current.previous is not None and not store.has(current.previous):
            raise HostError(
                f"what was there before number {current.number} is no longer kept",
                "apply a policy, or `natc remove`",
            )
        target = None if current.previous is None else store.generation(current.previous)
        return _go_to(gateway, store, lock, target)


def remove(gateway: Gateway, store: Store) -> Applied:
    """Take all of natc's rules away.  Empty built-in chains stay, so connections keep going.

    Source: with nf_tables, translated connections stop being translated when the last chain at a
    nat hook goes (docs/kernel.md).

    Raises:
        HostError: it could not be done; the gateway is as it was.
    """
    with store.locked(gateway.wait) as lock:
        notes = tidied(store)
        current = store.current
        if (
            current is not None
            and current.is_empty
            and store.boot == current
            and not any(held(gateway).values())
        ):
            return Applied(current, changed=False, notes=notes)
        facts = {
            "policy": "",
            "digest": "",
            "made": time.time(),
            "place": str(Place.FIRST),
            "backend": "restore",
            "node": "",
            "settings": {},
        }
        target = store.add({"install.sh": script({}, "no rules")}, facts, current)
        done = _go_to(gateway, store, lock, target)
        return replace(done, notes=notes)


def _go_to(gateway: Gateway, store: Store, lock: int, target: Generation | None) -> Applied:
    """Have the kernel hold what an earlier apply put there, or nothing of natc's."""
    before = held(gateway)
    old = {family: state.ruleset() for family, state in before.items()}
    with ways.way_back(store, gateway, lock, old, place_before(store.current, before)) as way:
        text = script({}, "no rules") if target is None else target.text()
        if target is not None:
            store.note_served(target, None)  # It comes back as it was applied.
        done = programs.run(
            ["sh"], text, kept=(lock,), environment={**os.environ, **gateway.environment()}
        )
        if done.returncode != 0:
            raise HostError(" ".join(done.stdout.split()))
        store.link_current(target)
        store.link_boot(target)
        way.close()
    return Applied(target, changed=True)
