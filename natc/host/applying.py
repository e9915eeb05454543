"""Putting rules in place: all tables of both families, or nothing."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from natc import programs
from natc.address import FAMILIES, Family
from natc.diagnostics.text import printable
from natc.flavours import Flavour
from natc.host import way_back as ways
from natc.host.backends import Backend, Hands, put
from natc.host.changes import changes, where
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation, given_name, saved_name
from natc.host.held import (
    State,
    States,
    aimed_at,
    count_transactions,
    held,
    place_of,
    transactions,
)
from natc.host.kept import SOURCES
from natc.host.policy import Wanted
from natc.host.rehearsal import rehearse
from natc.host.store import Store
from natc.record import Record, replace
from natc.targets.iptables.model import Place, PolicyRoute
from natc.targets.iptables.own import TABLES, parts
from natc.targets.iptables.script import script

if TYPE_CHECKING:
    from natc.host.planning.flush import Flush


class Applied(Record):
    """How an apply went.

    Attributes:
        generation: what is in place now; None when natc has left the gateway.
        changed: False where this very policy, and all of its rules, were in place already.
        pending: seconds in which it must be confirmed; None where it need not be.
        notes: what else happened, in words.
        deleted: connections that were deleted, or are to be once it is confirmed; None where that
            was not asked for.
    """

    generation: Generation | None
    changed: bool
    pending: int | None = None
    notes: tuple[str, ...] = ()
    deleted: int | None = None


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
        is_left, before = _before(gateway, store, current, place, seen)
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
        families = [family for family in FAMILIES if before[family] or after[family]]
        known = _rehearsed(gateway, before, after, families, place, backend=backend)
        facts = _facts(wanted, place, backend)
        made = store.add(_texts(wanted, text, after), facts, current, _routes(after))
        store.undone.unlink(missing_ok=True)
        old = {family: before[family].ruleset() for family in families}
        with ways.way_back(store, gateway, lock, old, _place(current, before)) as way:
            with gateway.locked(str(store.passing / "xtables.lock")) as (environment, files):
                hands = Hands(gateway, place, (lock, *files), environment)
                for family in families:
                    put(backend, hands, before[family], after[family])
            now = changes()
            due = _transactions(before, after, families, place)
            if files:  # Others were kept out, but only of what natc changed meanwhile.
                is_alone = due == sum(
                    bool(before[family].part(table) or after[family].part(table))
                    for family in families
                    for table in TABLES
                )
            else:
                is_alone = seen is not None and now == seen + due
            # Other backends may hand over something else than they were given.
            if not is_alone or backend != "restore":
                _look(gateway, store, made, {family: after[family] for family in families}, known)
            here = where() if gateway.flavour is Flavour.NFT else None
            if here is not None and now is not None and now == changes():
                store.note_left(made, here, now)
            store.link_current(made)
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


def _before(
    gateway: Gateway, store: Store, current: Generation | None, place: Place, seen: int | None
) -> tuple[bool, States]:
    """Return whether nobody has changed the rules since natc did, and natc's part of them.

    A kernel that has seen no change since needs not be asked for ten thousand rules.
    """
    is_nft = gateway.flavour is Flavour.NFT
    left = store.left(current, where()) if current is not None and is_nft else None
    if current is None or left is None or current.place != place or left != seen:
        return False, held(gateway)
    states = {}
    for family in FAMILIES:
        given = current.given(family)
        if given is None:  # It is damaged.
            return False, held(gateway)
        states[family] = State(family, parts(given), gateway.routes(family))
    return set(_routes(states)) == set(current.routes), states


def _place(current: Generation | None, before: States) -> Place:
    """Return where jumps go back to of which the rules around do not tell."""
    return place_of(before) if current is None else Place(current.place)


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


def _texts(wanted: Wanted, text: str, after: States) -> dict[str, str]:
    """Return the files of a generation."""
    given = {given_name(family): state.text() for family, state in after.items()}
    return {"install.sh": text, SOURCES: wanted.sources.file(), **given}


def _routes(states: States) -> list[PolicyRoute]:
    return [route for state in states.values() for route in state.routes]


def _look(
    gateway: Gateway, store: Store, made: Generation, after: States, known: Mapping[Family, State]
) -> None:
    """See that the kernel holds what it was given, and keep how it prints it.

    Raises:
        HostError: it does not.
    """
    now = held(gateway)
    for family, state in after.items():
        _check(now[family], state, known.get(family))
    store.note(made, {saved_name(family): now[family].text() for family in after})


def _stranded(wanted: Wanted, gateway: Gateway, place: Place) -> "Flush":
    """Prepare to delete the connections that a change strands.

    Raises:
        HostError: natc cannot tell which they are.
    """
    from natc.host.planning.flush import Flush  # noqa: PLC0415 - rests on this module, and start-up
    from natc.host.planning.prospect import Prospect  # noqa: PLC0415

    return Flush(Prospect(wanted, gateway, place))


def confirm(store: Store, wait: float) -> Applied:
    """Have what was applied stay, and come back after a boot.

    Connections that the apply was told to delete are deleted now.

    Raises:
        HostError: nothing waits to be confirmed.
    """
    from natc.host.planning.flush import delete_left  # noqa: PLC0415 - rests on this module, and start-up

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


def _go_to(gateway: Gateway, store: Store, lock: int, target: Generation | None) -> Applied:
    """Have the kernel hold what an earlier apply put there, or nothing of natc's."""
    before = held(gateway)
    old = {family: state.ruleset() for family, state in before.items()}
    with ways.way_back(store, gateway, lock, old, _place(store.current, before)) as way:
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


def is_undisturbed(current: Generation, now: States, place: Place) -> bool:
    """Whether the kernel holds, word for word, what it held after an apply."""
    for family, state in now.items():
        saved = current.saved(family)
        routes = tuple(route for route in current.routes if route.family is family)
        if saved is None:
            if state or routes:
                return False
        elif not state.is_as(State(family, parts(saved), routes), place):
            return False
    return True


def _rehearsed(
    gateway: Gateway,
    before: States,
    after: States,
    families: Iterable[Family],
    place: Place,
    *,
    backend: Backend,
) -> Mapping[Family, State]:
    """Try the rules elsewhere first where the kernel takes them in more than one transaction.

    One transaction is taken whole or not at all, and needs no rehearsal; python-iptables always
    does, since it may hand over other rules than it was given.
    """
    if backend == "libiptc":
        from natc.host import libiptc  # noqa: PLC0415 - python-iptables may be missing

        return rehearsed(gateway, after, libiptc.rehearsal(gateway))
    return rehearsed(gateway, after) if _transactions(before, after, families, place) > 1 else {}


def _transactions(before: States, after: States, families: Iterable[Family], place: Place) -> int:
    return sum(count_transactions(before[family], after[family], place) for family in families)


def rehearsed(
    gateway: Gateway,
    after: States,
    also: Callable[[Mapping[Family, str]], None] | None = None,
) -> Mapping[Family, State]:
    """Return what the kernel makes of rules, in a throw-away namespace.

    Args:
        also: what else to do there with the texts once they are loaded.

    Raises:
        HostError: it refuses them, or `also` does.
    """
    texts = {
        family: transactions(State(family, {}), state, Place.FIRST)
        for family, state in after.items()
    }
    dumps = rehearse(gateway, {family: text for family, text in texts.items() if text}, also)
    return {
        family: State(family, parts(dump), after[family].routes) for family, dump in dumps.items()
    }


def _check(now: State, after: State, known: State | None) -> None:
    """See that the kernel holds what it was given.

    Raises:
        HostError: it does not.
    """
    right = now.shape().is_as(after.shape()) if known is None else now.is_as(known)
    if not right:
        raise HostError(
            f"the {now.family} rules are not those that were put in place",
            "another program may change natc's chains, or its jumps, at the same time",
        )
