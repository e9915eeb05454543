"""What natc has put into this kernel, and what has become of it since."""

from collections.abc import Mapping
from typing import Literal

from natc.address import FAMILIES, Family
from natc.diagnostics import PolicyError
from natc.host import way_back as ways
from natc.host.doctor.gather import gather
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.held import State, States
from natc.host.planning.counters import Counter, counters
from natc.host.planning.prospect import Meaning, Unreadable
from natc.host.planning.surroundings import surroundings, unrouted
from natc.host.policy import wanted
from natc.host.standing import is_undisturbed
from natc.host.store import Store
from natc.host.watching.swap import meaning_of
from natc.ir.policy import Policy
from natc.record import Record
from natc.simulate.compare import Undecided
from natc.simulate.differing import Found, differing
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import parts, spliced

File = Literal["same", "changed", "wrong", "missing", "unknown"]
"""What the policy's file is, beside what was applied: `wrong` does not compile any more; `unknown`
came by standard input."""

_FROM_BOOT = "the rules were restored at boot, and how this kernel prints them is not known"


class Drift(Record):
    """How natc's rules in the kernel differ from what natc put there.

    Attributes:
        is_there: whether they do; None where that is not known, for `reason`.
        found: the packets that are treated differently for it; None where that is not known.
    """

    is_there: bool | None
    found: tuple[Found, ...] | None = ()
    reason: str | None = None


class Status(Record):
    """The state of a gateway.

    Attributes:
        current: what is in place; None for nothing since the last boot.
        since: when it was put there, in seconds since 1970.
        boot: what the next boot restores; None for nothing.
        waits: seconds until the rules of before come back, unless it is confirmed; None: it need
            not be.
        counters: of each policy line; None where they cannot be had.
    """

    current: Generation | None
    since: float | None
    boot: Generation | None
    waits: float | None
    file: File
    flavour: str
    drift: Drift
    counters: tuple[Counter, ...] | None


def status(gateway: Gateway, store: Store) -> Status:
    """Return the state of this gateway; nothing is changed.

    Raises:
        HostError: what natc remembers is damaged.
    """
    current = store.current
    waiting = ways.pending(store)
    try:
        dumps = {family: gateway.save(family, counters=True) for family in FAMILIES}
        now = {
            family: State(family, parts(dump), gateway.routes(family))
            for family, dump in dumps.items()
        }
    except HostError as error:
        drift, counted = Drift(None, None, str(error)), None
    else:
        drift = _drift(current, now, dumps)
        counted = tuple(counters(dumps.values()))
    return Status(
        current,
        None if current is None else store.since,
        store.boot,
        None if waiting is None else waiting.left,
        "unknown" if current is None else _file(current),
        str(gateway.flavour),
        drift,
        counted,
    )


def _file(current: Generation) -> File:
    """Return what the policy's file is by now."""
    if current.is_empty or current.policy == "-":
        return "unknown"
    try:
        read = wanted(current.policy, current.node, current.settings)
    except HostError:
        return "missing"
    except PolicyError:
        return "wrong"
    return "same" if read.digest == current.digest else "changed"


def _drift(current: Generation | None, now: States, dumps: Mapping[Family, str]) -> Drift:
    """Compare the kernel with what it held after the apply, first by its words."""
    if current is None:
        return Drift(is_there=any(now.values()), found=None)
    place = Place(current.place)
    if is_undisturbed(current, now, place):
        return Drift(is_there=False)
    saved = {family: "" if current.is_empty else current.saved(family) for family in FAMILIES}
    if any(text is None and now[family] for family, text in saved.items()):
        return Drift(
            None, None, "it was put there at boot, and how the kernel prints it is not known"
        )
    policy = _meaning(current)
    found: list[Found] = []
    facts = gather(None, None)
    try:
        for family in FAMILIES:
            own = parts(saved[family] or "")
            then = spliced(dumps[family], own, place)
            meaning = Meaning(family, then, dumps[family])
            site = unrouted(surroundings(policy, facts, family))
            names = [link.name for link in facts.links if link.name != "lo"]
            found += differing(meaning.now, meaning.then, family, site, names)
    except Undecided:
        return Drift(True, None, "the differences are too many to tell apart")
    except Unreadable as error:
        return Drift(True, None, str(error))
    return Drift(True, tuple(found))


def _meaning(current: Generation) -> Policy:
    """Return what the policy says of the network around; nothing where that is not known."""
    if current.is_empty:
        return Policy("", ())
    try:
        return meaning_of(current)
    except (HostError, PolicyError):
        return Policy("", ())
