"""Handing rules to the kernel: tried elsewhere first where need be, looked at where need be."""

from collections.abc import Mapping
from pathlib import Path

from natc.address import FAMILIES, Family
from natc.host.backends import Backend, Hands, put
from natc.host.changes import changes
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.held import State, States, count_transactions, held
from natc.host.rehearsal import rehearsed
from natc.record import Record
from natc.targets.iptables.model import Place, Ruleset
from natc.targets.iptables.own import TABLES


class Handover(Record):
    """A change of natc's part of the rules.

    Attributes:
        place: where natc's jumps are to stand.
        before: what the kernel holds.
        after: what it is to hold.
        seen: how many changes it had seen before it was asked for `before`; None where it does not
            tell.
    """

    gateway: Gateway
    place: Place
    backend: Backend
    before: States
    after: States
    seen: int | None

    @property
    def families(self) -> tuple[Family, ...]:
        """Those that natc has rules in, before or after."""
        return tuple(family for family in FAMILIES if self.before[family] or self.after[family])

    def old(self) -> dict[Family, Ruleset]:
        """Return the rules that a way back must restore."""
        return {family: self.before[family].ruleset() for family in self.families}

    def rehearsed(self) -> Mapping[Family, State]:
        """Try the rules elsewhere first where the kernel takes them in more than one transaction.

        One transaction is taken whole or not at all, and needs no rehearsal; python-iptables always
        does, since it may hand over other rules than it was given.

        Returns:
            What the kernel makes of them, where that was tried.

        Raises:
            HostError: it refuses them.
        """
        if self.backend == "libiptc":
            from natc.host import libiptc  # noqa: PLC0415 - python-iptables may be missing

            return rehearsed(self.gateway, self.after, libiptc.rehearsal(self.gateway))
        return rehearsed(self.gateway, self.after) if self._transactions() > 1 else {}

    def put(self, lock: int, xtables_lock: Path) -> tuple[bool, int | None]:
        """Have the kernel hold the rules.

        Args:
            lock: the open file that holds natc's lock.

        Returns:
            Whether it is certain to hold them, so that nobody need look; and how many changes it
            has seen now.

        Raises:
            HostError: it does not take them; some tables may hold them nevertheless.
        """
        with self.gateway.locked(str(xtables_lock)) as (environment, files):
            hands = Hands(self.gateway, self.place, (lock, *files), environment)
            for family in self.families:
                put(self.backend, hands, self.before[family], self.after[family])
        now = changes()
        # Other backends may hand over something else than they were given.
        is_certain = self.backend == "restore" and self._was_alone(now, has_lock=bool(files))
        return is_certain, now

    def _was_alone(self, now: int | None, *, has_lock: bool) -> bool:
        """Whether nobody else can have changed natc's rules meanwhile."""
        due = self._transactions()
        if not has_lock:
            return self.seen is not None and now == self.seen + due
        # Others were kept out, but only of what natc changed meanwhile.
        return due == sum(
            bool(self.before[family].part(table) or self.after[family].part(table))
            for family in self.families
            for table in TABLES
        )

    def _transactions(self) -> int:
        return sum(
            count_transactions(self.before[family], self.after[family], self.place)
            for family in self.families
        )

    def look(self, known: Mapping[Family, State]) -> dict[Family, State]:
        """Return what the kernel holds now, as it prints it.

        Args:
            known: what it is known to make of the rules.

        Raises:
            HostError: it does not hold what it was given.
        """
        now = held(self.gateway)
        for family in self.families:
            _check(now[family], self.after[family], known.get(family))
        return {family: now[family] for family in self.families}


def _check(now: State, after: State, known: State | None) -> None:
    right = now.shape().is_as(after.shape()) if known is None else now.is_as(known)
    if not right:
        raise HostError(
            f"the {now.family} rules are not those that were put in place",
            "another program may change natc's chains, or its jumps, at the same time",
        )
