"""What an apply would change on this gateway.  Nothing is changed by asking."""

from collections.abc import Callable
from typing import TypeVar

from natc.address import FAMILIES
from natc.host.backends import Backend
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.held import States
from natc.host.planning.connections import Judges, Stranded
from natc.host.planning.prospect import Prospect, Unreadable
from natc.host.planning.rule_changes import Change, JumpChange, jump_changes, rule_changes
from natc.host.planning.surroundings import unrouted
from natc.host.policy import Wanted
from natc.host.standing import is_undisturbed
from natc.host.store import Store
from natc.record import Record
from natc.simulate.compare import Undecided
from natc.simulate.differing import Found, differing
from natc.targets.iptables.model import Place, PolicyRoute

T = TypeVar("T")


class Plan(Record):
    """What would change.

    Attributes:
        rules: natc's rules that change, in the kernel's own words.
        jumps: those to natc's chains that are made, taken away or put right.
        routes_added, routes_removed: policy routing.
        found: the packets that are treated differently; None where that is not known.
        stranded: the connections that keep what the new rules would not give them; None where that
            is not known.
        unknown: what is not known, and why, a sentence each.
    """

    name: str
    place: Place
    is_change: bool
    rules: tuple[Change, ...]
    jumps: tuple[JumpChange, ...]
    routes_added: tuple[PolicyRoute, ...]
    routes_removed: tuple[PolicyRoute, ...]
    found: tuple[Found, ...] | None
    stranded: tuple[Stranded, ...] | None
    unknown: tuple[str, ...]


def plan(
    wanted: Wanted,
    gateway: Gateway,
    place: Place = Place.FIRST,
    backend: Backend = "restore",
) -> Plan:
    """Return what applying a policy would change.

    Args:
        place: whether natc's rules come before or after those of other programs.
        backend: what would hand the rules to the kernel.

    Raises:
        HostError: the rules of now cannot be had, or the kernel refuses those to come.
    """
    prospect = Prospect(wanted, gateway, place, backend)
    before, after = prospect.before, prospect.after
    is_change = prospect.is_change and not _is_served(wanted, place, before)
    if not is_change:
        after = before
    unknown: list[str] = []
    found: tuple[Found, ...] | None = ()
    stranded: tuple[Stranded, ...] | None = ()
    if is_change:
        found = _unless(unknown, "packets treated differently", lambda: _differing(prospect))
        stranded = _unless(unknown, "stranded connections", lambda: Judges(prospect).stranded())
    return Plan(
        wanted.name,
        place,
        is_change,
        tuple(rule_changes(before, after)),
        tuple(jump_changes(before, after, place)),
        _routes(after, before),
        _routes(before, after),
        found,
        stranded,
        tuple(unknown),
    )


def _is_served(wanted: Wanted, place: Place, before: States) -> bool:
    """Whether the policy is in place, but for servers that `natc watch` has taken out."""
    try:
        current = Store().current
    except HostError:
        return False  # Whoever applies is told.
    return (
        current is not None
        and current.served is not None
        and current.digest == wanted.digest
        and is_undisturbed(current, before, place)
    )


def _differing(prospect: Prospect) -> list[Found]:
    names = [name for zone in prospect.wanted.meaning.zones for name in zone.interfaces]
    plain = [name for name in names if "+" not in name]
    plain += [link.name for link in prospect.facts.links if link.name not in (*plain, "lo")]
    found: list[Found] = []
    for family in FAMILIES:
        if prospect.before[family] or prospect.after[family]:
            meaning, site = prospect.meaning(family), unrouted(prospect.surroundings(family))
            found += differing(meaning.now, meaning.then, family, site, plain)
    return found


def _unless(unknown: list[str], what: str, answer: Callable[[], list[T]]) -> tuple[T, ...] | None:
    """Return an answer, or None and say why there is none."""
    try:
        return tuple(answer())
    except Undecided:
        unknown.append(f"{what}: there are too many differences to tell apart")
    except (Unreadable, HostError) as error:
        unknown.append(f"{what}: {error}")
    return None


def _routes(some: States, others: States) -> tuple[PolicyRoute, ...]:
    """Return the policy routing of some that others do not have."""
    return tuple(
        route
        for family in FAMILIES
        for route in some[family].routes
        if route not in others[family].routes
    )
