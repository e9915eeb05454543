"""Changing which servers a generation's rules send connections to, and undoing what others did.

A swap replaces only those of natc's chains that it changes, all of a family in one transaction of
the kernel: whoever dies on the way, the rules are the old or the new ones.  The families are apart:
each has servers of its own.  Lists of sticky clients stay, as long as a rule names them: the kernel
takes in the new rules before it lets the old ones go.  (Source: net/netfilter/xt_recent.c
recent_mt_check(), recent_mt_destroy(), Linux 6.18.)
"""

from collections.abc import Mapping, Sequence

from natc import pipeline, programs
from natc.address import FAMILIES, Family
from natc.host import way_back as ways
from natc.host.backends import Backend, Hands, put
from natc.host.errors import HostError
from natc.host.gateway import Gateway, Refusal
from natc.host.generation import Generation
from natc.host.held import NOTHING, State, held, place_of
from natc.host.kept import Served
from natc.host.policy import wanted
from natc.host.store import Store
from natc.host.watching.serving import Down, chain_prefixes, hooks, only, routes, served
from natc.ir.policy import Policy
from natc.record import Record, replace
from natc.source import Source
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import TABLES, Part, change, parts, wanted_parts

Chains = Mapping[str, tuple[str, ...]]
"""Name to rules, as in `Part`."""

_TABLE = "nat"
"""The table that balanced rules stand in."""


class Swapped(Record):
    """How a swap went.

    Attributes:
        families: those whose rules changed.
        notes: what else happened, in words.
    """

    families: tuple[Family, ...]
    notes: tuple[str, ...] = ()


class Superseded(Exception):  # noqa: N818 - not an error: there is something newer to look at
    """Another generation is in the kernel."""


def meaning_of(generation: Generation) -> Policy:
    """Return what a generation's policy means: as it was applied, whatever its file holds now.

    Raises:
        HostError: it is not known any more.
    """
    sources = generation.sources()
    if sources is not None:
        source = Source(sources.name, sources.text)
        return pipeline.understand(source, sources.read, generation.node, generation.settings)
    now = wanted(generation.policy, generation.node, generation.settings)
    if now.digest != generation.digest:
        raise HostError(
            f"{generation.policy} is not as it was applied, and natc has no copy of that",
            "apply it again",
        )
    return now.meaning


def swap(
    gateway: Gateway, store: Store, generation: Generation, policy: Policy, down: Down
) -> Swapped:
    """Have a generation's rules send connections to servers that are up.

    Raises:
        Superseded: it is not in the kernel any more.
        HostError: it could not be done; each family's rules are as they were, or as wanted.
    """
    with store.locked(gateway.wait) as lock:
        note = _same(store, generation)
        was = generation.served or Served(frozenset(), {})
        if was.is_settled and down == was.down:
            return Swapped((), () if note is None else (note,))
        new = _chains(policy, down)
        if was.is_settled:
            old = _chains(policy, was.down)
            families = [family for family in new if new[family] != old.get(family)]
        else:  # An earlier watch died on the way.
            old, families = {}, list(new)
        prefixes = chain_prefixes(hooks(policy))
        if families:
            store.note_served(generation, Served(down, was.saved, is_settled=False))
        saved = dict(was.saved)
        for family in families:
            now = _swapped(
                gateway, lock, family, old=old.get(family, {}), new=new[family], prefixes=prefixes
            )
            before = generation.saved(family)
            if before is not None:
                saved[family] = _updated(family, before, now, prefixes)
        store.note_served(generation, Served(down, saved))
    return Swapped(tuple(families), () if note is None else (note,))


def _same(store: Store, generation: Generation) -> str | None:
    """Undo what a dead natc left half done, and see that the generation is still current."""
    note = ways.recover(store)
    current = store.current
    if current is None or current.number != generation.number:
        raise Superseded
    return note


def _chains(policy: Policy, down: Down) -> dict[Family, Chains]:
    """Return the chains that follow the health of servers, in natc's words."""
    followed = hooks(policy)
    prefixes = chain_prefixes(followed)
    made = pipeline.rulesets(served(only(policy, followed), down)) if followed else {}
    return {
        family: _followed(wanted_parts(ruleset).get(_TABLE, NOTHING), prefixes)
        for family, ruleset in made.items()
    }


def _followed(part: Part, prefixes: Sequence[str]) -> Chains:
    return {
        name: rules
        for name, rules in part.chains.items()
        if any(name == prefix or name.startswith(f"{prefix}-") for prefix in prefixes)
    }


def _swapped(
    gateway: Gateway,
    lock: int,
    family: Family,
    *,
    old: Chains,
    new: Chains,
    prefixes: Sequence[str],
) -> Chains:
    """Have the kernel hold `new` for `old`; return the chains as it prints them.

    Args:
        old: what it holds; chains that are missing here are made anew.
        prefixes: of the names of all chains that follow the health of servers.

    Raises:
        HostError: it does not take them; nothing was changed.
    """
    there = parts(gateway.save(family, _TABLE)).get(_TABLE, NOTHING)
    gone = [name for name in _followed(there, prefixes) if name not in new]
    changed = {
        name: rules
        for name, rules in new.items()
        if name not in there.chains or old.get(name) != rules
    }
    before = Part(dict.fromkeys((*changed, *gone), ()), (), there.held)
    lines = change(_TABLE, before, Part(changed), Place.FIRST)
    try:
        gateway.restore(family, "".join(f"{line}\n" for line in lines), (lock,))
    except Refusal as refusal:
        program = gateway.program(family, "-restore")
        raise HostError(f"{program} failed: {refusal}") from None
    now = _followed(parts(gateway.save(family, _TABLE)).get(_TABLE, NOTHING), prefixes)
    if any(len(now.get(name, ())) != len(rules) for name, rules in changed.items()):
        raise HostError(
            f"the {family} rules are not those that were put in place",
            "another program may change natc's chains at the same time",
        )
    return now


def _updated(family: Family, saved: str, now: Chains, prefixes: Sequence[str]) -> str:
    """Return what the kernel is known to hold once the chains of a swap are in place.

    Everything else stays as it was known, or the swap would hide what others did to it.
    """
    known = parts(saved)
    part = known.get(_TABLE, NOTHING)
    followed = _followed(part, prefixes)
    chains = {name: rules for name, rules in part.chains.items() if name not in followed}
    own = {**known, _TABLE: replace(part, chains={**chains, **now})}
    return State(family, own).text()


Drifted = tuple[tuple[Family, str], ...]
"""Families and tables, or `routing`, that are not as natc left them."""


def drift(gateway: Gateway, store: Store, generation: Generation, policy: Policy) -> Drifted:
    """Return what others changed of natc's own part.  What was never known is not drift.

    Raises:
        Superseded: the generation is not in the kernel any more.
        HostError: it cannot be known.
    """
    with store.locked(gateway.wait):
        _same(store, generation)
        return _drift(gateway, generation, policy)


def _drift(gateway: Gateway, generation: Generation, policy: Policy) -> Drifted:
    found: list[tuple[Family, str]] = []
    now, right = held(gateway), _known(generation, policy)
    place = Place(generation.place)
    for family, state in right.items():
        found += [
            (family, table)
            for table in TABLES
            if not now[family].part(table).is_as(state.part(table), place)
        ]
        has_ip = programs.path_of("ip") is not None
        if has_ip and set(now[family].routes) != set(state.routes):
            found.append((family, "routing"))
    return tuple(found)


def _known(generation: Generation, policy: Policy) -> dict[Family, State]:
    """Return what the kernel should hold, in its own words, of the families where that is known."""
    texts = ((family, generation.saved(family)) for family in FAMILIES)
    return {
        family: State(family, parts(text), routes(policy, family))
        for family, text in texts
        if text is not None
    }


def repair(gateway: Gateway, store: Store, generation: Generation, policy: Policy) -> Drifted:
    """Put back what others changed of natc's own part; return what that was.

    Nothing is done while an apply waits to be confirmed: its way back would not know of it.

    Raises:
        Superseded: the generation is not in the kernel any more.
        HostError: it could not be done; the rules are as they were.
    """
    with store.locked(gateway.wait) as lock:
        _same(store, generation)
        found = _drift(gateway, generation, policy)
        if not found or ways.pending(store) is not None:
            return ()
        place, backend = Place(generation.place), backend_of(generation)
        before, right = held(gateway), _known(generation, policy)
        families = [family for family in right if any(family is where for where, _ in found)]
        old = {family: before[family].ruleset() for family in families}
        with ways.way_back(store, gateway, lock, old, place_of(before)) as way:
            with gateway.locked(str(store.passing / "xtables.lock")) as (environment, files):
                hands = Hands(gateway, place, (lock, *files), environment)
                for family in families:
                    put(backend, hands, before[family], right[family])
            if _drift(gateway, generation, policy):
                raise HostError("the rules are not those that were put back")
            way.close()
    return found


def backend_of(generation: Generation) -> Backend:
    """Return the way in which a generation was handed to the kernel."""
    return "libiptc" if generation.backend == "libiptc" else "restore"
