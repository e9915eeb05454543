"""What the kernel holds now, and what it would hold after an apply; other programs' rules too.

The rules to come are had from a throw-away namespace, so that both are in the kernel's own words.
Nothing is changed.
"""

import re
from collections.abc import Callable, Mapping

from natc.address import FAMILIES, Family
from natc.diagnostics import PolicyError
from natc.host.backends import Backend
from natc.host.doctor.facts import Facts
from natc.host.doctor.gather import gather
from natc.host.gateway import Gateway
from natc.host.held import State, States, aimed_at
from natc.host.planning.surroundings import Surroundings, surroundings
from natc.host.policy import Wanted
from natc.host.rehearsal import rehearsed
from natc.ir.actions import Accept, Hook, Note, Return
from natc.ir.policy import Policy, Rule
from natc.source import Source
from natc.targets.iptables.lift import TooManyJumps, lift
from natc.targets.iptables.model import Place, Ruleset
from natc.targets.iptables.opening import opening
from natc.targets.iptables.own import parts, spliced
from natc.targets.iptables.read import read

NOW, THEN = "now", "then"
"""The names of the two rule sets."""

_COMMENT = re.compile(r'-m comment --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))')
_TRANSLATING = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})
_OWN = re.compile(r"-A NATC-\S+ ").match


class Unreadable(Exception):  # noqa: N818 - an answer, not an error of natc
    """natc cannot tell what rules of the gateway mean; the message says why."""


class Meaning:
    """What the rules of one family mean, now and then.

    Attributes:
        now, then: for every packet.
    """

    def __init__(self, family: Family, now: str, then: str) -> None:
        """Read both.

        Raises:
            Unreadable: natc cannot.
        """
        self.family = family
        self._rulesets = _read(NOW, now, family), _read(THEN, then, family)
        self.now, self.then = (
            _lifted(name, ruleset)
            for name, ruleset in zip((NOW, THEN), self._rulesets, strict=True)
        )

    def at_first(self) -> tuple[Policy, Policy]:
        """Return what they mean for packets that begin a connection in the ordinary way."""
        opened = [opening(ruleset) for ruleset in self._rulesets]
        if all(mine is its for mine, its in zip(opened, self._rulesets, strict=True)):
            return self.now, self.then
        return _lifted(NOW, opened[0]), _lifted(THEN, opened[1])


class Prospect:
    """The gateway before an apply and after it.

    Attributes:
        before, after: natc's part, in the kernel's words.
        now, then: all rules of each family, as iptables-save prints them.
    """

    def __init__(
        self, wanted: Wanted, gateway: Gateway, place: Place, backend: Backend = "restore"
    ) -> None:
        """Look at the kernel, and have another one try the rules.

        Raises:
            HostError: that cannot be done, or the kernel refuses the rules.
        """
        self.wanted = wanted
        self.place = place
        self.now: Mapping[Family, str] = {family: gateway.save(family) for family in FAMILIES}
        self.before: States = {
            family: State(family, parts(dump), gateway.routes(family))
            for family, dump in self.now.items()
        }
        aims = aimed_at(wanted.rulesets)
        known = rehearsed(gateway, aims, _also(gateway, backend))
        self.after: States = {family: known.get(family, aims[family]) for family in aims}
        self.then: Mapping[Family, str] = {
            family: spliced(dump, self.after[family].parts, place)
            for family, dump in self.now.items()
        }
        self._facts: Facts | None = None
        self._meanings: dict[Family, Meaning] = {}

    @property
    def is_change(self) -> bool:
        """Whether the kernel would hold anything else afterwards."""
        return any(
            not self.before[family].is_as(self.after[family], self.place) for family in FAMILIES
        )

    def meaning(self, family: Family) -> Meaning:
        """Return what both mean.

        Raises:
            Unreadable: natc cannot tell.
        """
        found = self._meanings.get(family)
        if found is None:
            found = Meaning(family, self.now[family], self.then[family])
            self._meanings[family] = found
        return found

    @property
    def facts(self) -> Facts:
        """What the machine says of its interfaces and routes."""
        if self._facts is None:
            self._facts = gather(None, None)
        return self._facts

    def surroundings(self, family: Family) -> Surroundings:
        """Return what is known of the network."""
        return surroundings(self.wanted.meaning, self.facts, family)


def _also(gateway: Gateway, backend: Backend) -> Callable[[Mapping[Family, str]], None] | None:
    """Return what else to try of the rules."""
    if backend != "libiptc":
        return None
    from natc.host import libiptc  # noqa: PLC0415 - python-iptables may be missing

    return libiptc.rehearsal(gateway)


def _read(name: str, dump: str, family: Family) -> Ruleset:
    try:
        return read(Source(name, dump), family)
    except PolicyError as error:
        first = error.diagnostics[0]
        line = first.primary.span.source.line(first.primary.span.line)
        message = f"natc cannot read a rule of the kernel: {first.message}: {line}"
        raise Unreadable(message) from None


def _lifted(name: str, ruleset: Ruleset) -> Policy:
    try:
        return lift(name, ruleset)
    except TooManyJumps:
        raise Unreadable("chains jump to chains too often to follow") from None


def decides(rule: Rule) -> bool:
    """Whether a rule has a say in what becomes of packets: neither leads on nor lets pass."""
    if isinstance(rule.action, Note):
        return False
    return rule.hook in _TRANSLATING or not isinstance(rule.action, Accept | Return)


def line_of(rule: Rule) -> str:
    """Return a rule of the kernel as it prints it."""
    span = rule.origin
    line = span.source.line(span.line)
    return line[line.index("] ") + 2 :] if line.startswith("[") else line


def policy_line(line: str) -> str | None:
    """Return the policy line and the name that a rule of natc's tells; None for other rules."""
    found = _COMMENT.search(line) if _OWN(line) else None
    if found is None:
        return None
    return (found[1] or found[2] or "").replace('\\"', '"').replace("\\\\", "\\")


def label(rule: Rule) -> str:
    """Return what to call a rule: its policy line, or for those of others the rule itself."""
    line = line_of(rule)
    return policy_line(line) or line
