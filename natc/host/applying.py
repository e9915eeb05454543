"""Putting rules in place: all tables of both families, or nothing."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from natc.address import FAMILIES, Family
from natc.diagnostics.text import printable
from natc.flavours import Flavour
from natc.host import way_back as ways
from natc.host.applied import Applied
from natc.host.backends import Backend
from natc.host.changes import changes, where
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation, given_name, saved_name
from natc.host.going_back import tidied
from natc.host.handover import Handover
from natc.host.held import State, States, aimed_at, routes_of
from natc.host.kept import SOURCES
from natc.host.policy import Wanted
from natc.host.standing import is_undisturbed, place_before, standing
from natc.host.store import Store
from natc.targets.iptables.model import Place
from natc.targets.iptables.script import script

if TYPE_CHECKING:
    from natc.host.planning.flush import Flush


def apply(
    wanted: Wanted,
    gateway: Gateway,
    store: Store,
    *,
    place: Place = Place.FIRST,
    backend: Backend = "restore",
    confirm: int | None = None,
    flush: bool = False,
) -> Applied:
    """Put a policy's rules in place of those that natc put there before.

    Args:
        place: whether natc's rules come before or after those of other programs.
        confirm: seconds after which the rules of before come back unless `confirm` is called.
        flush: delete the connections that are certain to be stranded, see `flush`: at once, or
            when the rules are confirmed.

    Raises:
        HostError: it could not be done; the gateway is as it was.
    """
    text = script(wanted.rulesets, printable(Path(wanted.path).name), FAMILIES, place)
    with store.locked(gateway.wait) as lock:
        notes = tidied(store)
        current, after = store.current, aimed_at(wanted.rulesets)
        seen = changes()  # Before the look at the rules: what happens after it is not missed.
        is_left, before = standing(gateway, store, current, place, seen)
        if (
            current is not None
            and (current.policy, current.digest) == (wanted.path, wanted.digest)
            and current.text() == text
            and (is_left or is_undisturbed(current, before, place))
        ):
            if confirm is None:
                store.link_boot(current)
            return Applied(current, changed=False, notes=notes, deleted=0 if flush else None)
        stranded = _stranded(wanted, gateway, place) if flush else None
        handover = Handover(gateway, place, backend, before, after, seen)
        known = handover.rehearsed()
        texts, facts = _texts(wanted, text, after), _facts(wanted, place, backend)
        made = store.add(texts, facts, current, routes_of(after))
        store.undone.unlink(missing_ok=True)
        old, back_to = handover.old(), place_before(current, before)
        with ways.way_back(store, gateway, lock, old, back_to) as way:
            _put(handover, store, lock, made, known)
            deleted: int | None = None
            if confirm is None:
                store.link_boot(made)
                way.close()
            else:
                if stranded is not None:
                    deleted = stranded.leave(store, made)
                way.leave(confirm)
        store.prune()
        if stranded is not None and confirm is None:
            try:
                deleted = stranded.delete()
            except HostError as error:  # The rules are in place nevertheless.
                notes = (*notes, f"stranded connections were not deleted: {error}")
    return Applied(made, changed=True, pending=confirm, notes=notes, deleted=deleted)


def _stranded(wanted: Wanted, gateway: Gateway, place: Place) -> "Flush":
    """Prepare to delete the connections that a change strands.

    Raises:
        HostError: natc cannot tell which they are.
    """
    from natc.host.planning.flush import Flush  # noqa: PLC0415 - start-up
    from natc.host.planning.prospect import Prospect  # noqa: PLC0415

    return Flush(Prospect(wanted, gateway, place))


def _texts(wanted: Wanted, text: str, after: States) -> dict[str, str]:
    """Return the files of a generation."""
    given = {given_name(family): state.text() for family, state in after.items()}
    return {"install.sh": text, SOURCES: wanted.sources.file(), **given}


def _facts(wanted: Wanted, place: Place, backend: Backend) -> dict[str, object]:
    """Return what to remember of an apply."""
    return {
        "policy": wanted.path,
        "digest": wanted.digest,
        "made": time.time(),
        "place": str(place),
        "backend": backend,
        "node": wanted.node,
        "settings": dict(wanted.settings),
    }


def _put(
    handover: Handover,
    store: Store,
    lock: int,
    made: Generation,
    known: Mapping[Family, State],
) -> None:
    """Have the kernel hold the rules of a new generation, and remember that it does.

    Raises:
        HostError: it does not hold them.
    """
    is_certain, now = handover.put(lock, store.passing / "xtables.lock")
    if not is_certain:
        states = handover.look(known)
        store.note(made, {saved_name(family): state.text() for family, state in states.items()})
    here = where() if handover.gateway.flavour is Flavour.NFT else None
    if here is not None and now is not None and now == changes():
        store.note_left(made, here, now)
    store.link_current(made)
