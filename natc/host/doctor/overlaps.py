"""Rules of natc and of other programs that claim the same packets, exactly.

The rules of one kernel are lifted to one list a hook.  Of a rule of natc's and one of another
program, the later one loses what both match, as far as rules above them leave it to the earlier.
"""

from collections.abc import Iterator, Sequence

from natc.address import Family
from natc.host.doctor.owners import NATC, owner_of
from natc.host.doctor.patient import TRANSLATING
from natc.ir.actions import Accept, Drop, Hook, Tproxy
from natc.ir.fields import Field, interface_number, universe
from natc.ir.intervals import point
from natc.ir.policy import Policy, Rule
from natc.ir.space import Box
from natc.ir.stack import NotDecided
from natc.lint.lists import HookList
from natc.lint.relations import Relations
from natc.lint.subject import RELATED
from natc.packet import Packet
from natc.record import Record
from natc.simulate.sample import sample
from natc.simulate.single import Simulator
from natc.simulate.site import Site

_DECIDING = (*TRANSLATING, Accept, Drop, Tproxy)
_MOST = 64
"""Rules of natc that are compared with one of another program."""


class Overlap(Record):
    """Packets that two rules claim.

    Attributes:
        packet: one that comes to the first of them, as the simulator confirms.
    """

    own: Rule
    other: Rule
    packet: Packet
    is_own_first: bool


def overlaps(
    policy: Policy, family: Family, site: Site, names: Sequence[str]
) -> Iterator[Overlap | Rule]:
    """Yield the pairs of rules that do different things to some packets of both.

    A rule of which that is too much to say is yielded alone.

    Args:
        policy: lifted from all that the kernel holds.
        site: of this machine, with all of its addresses.
        names: its interfaces.
    """
    for hook in Hook:
        rules = [r for r in policy.rules if (r.hook, r.family) == (hook, family)]
        if hook in RELATED and any(map(is_own, rules)):
            found = _Hook(policy, HookList(family, hook, rules), site, names)
            yield from found.rules.undecided
            for position, rule in enumerate(rules):
                if isinstance(rule.action, _DECIDING) and not is_own(rule):
                    yield from found.overlaps(position)


def is_own(rule: Rule) -> bool:
    """Whether a lifted rule stands in a chain of natc's."""
    return owner_of(chain_of(rule)) == NATC


def chain_of(rule: Rule) -> str:
    """Return the chain that a lifted rule stands in."""
    return rule.name.rpartition(":")[0]


class _Hook:
    """One hook of this machine.

    Attributes:
        rules: everybody's.
    """

    def __init__(self, policy: Policy, rules: HookList, site: Site, names: Sequence[str]) -> None:
        self.rules = rules
        self._stack = Relations(rules).stack
        self._site = site
        self._names = names
        self._simulator = Simulator(policy, site)

    def overlaps(self, position: int) -> Iterator[Overlap | Rule]:
        """Yield natc's rules that claim packets of the rule at `position`."""
        rules, boxes = self.rules.rules, self.rules.boxes
        other = rules[position]
        touching = set(self._stack.touching(boxes[position] or (), 0, len(rules)))
        own = [each for each in sorted(touching) if is_own(rules[each])]
        for each in own[:_MOST]:
            rule = rules[each]
            if not isinstance(rule.action, _DECIDING) or rule.action == other.action:
                continue
            first, last = sorted((position, each))
            both = [
                met
                for one in boxes[first] or ()
                for two in boxes[last] or ()
                if (met := one & two) is not None
            ]
            try:
                packet = self._packet(first, both)
            except NotDecided:
                yield rule
                continue
            if packet is not None:
                yield Overlap(rule, other, packet, is_own_first=first == each)

    def _packet(self, first: int, both: Sequence[Box]) -> Packet | None:
        """Return one of some packets that comes to the first of two rules."""
        rule = self.rules.rules[first]
        for box in both:
            left = self._stack.left([box], first)
            for part in () if left is None else self._possible(left):
                packet = sample(part, rule.family, self._names)
                outcomes = self._simulator(packet).outcomes
                if any(step.rule is rule for outcome in outcomes for step in outcome.steps):
                    return packet
        return None

    def _possible(self, packets: Box) -> Iterator[Box]:
        """Yield parts of packets that can come to the hook on this machine."""
        local = packets.get(Field.LOCAL_DESTINATION)
        if local is not None and self._site.own is not None:
            every = universe(Field.DESTINATION, self.rules.family)
            there = packets.get(Field.DESTINATION) or every
            own = there & self._site.own
            here = own if 0 not in local else there if 1 in local else there - own
            if not here:
                return
            plain = packets.having(Field.LOCAL_DESTINATION, None)
            packets = plain.having(Field.DESTINATION, here)
        numbers = [interface_number(name) for name in self._names]
        arriving = () if self.rules.hook is Hook.OUTPUT else numbers
        made_here = (0,) if self.rules.hook in (Hook.OUTPUT, Hook.POSTROUTING) else ()
        for number in (*arriving, *made_here):
            part = packets & Box.of({Field.IN_INTERFACE: point(number)})
            if part is not None:
                yield part
