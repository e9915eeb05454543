"""Static NAT: an inside address and an outside address, translated into each other both ways."""

from functools import lru_cache

from natc.ir.actions import Dnat, Hook, Netmap, Snat
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Span


class OneToOne(Record):
    """One pair of addresses, or of networks of equal size.

    Attributes:
        origins: of the rules of both directions; one statement in a policy.
    """

    inside: IntervalSet
    outside: IntervalSet
    inward: Rule
    outward: Rule

    @property
    def origins(self) -> tuple[Span, Span]:
        """Where both directions are written."""
        return self.inward.origin, self.outward.origin

    def agrees(self, other: "OneToOne") -> bool:
        """Whether both translate an address that they share into the same one."""
        distance = self.outside.first - self.inside.first
        return distance == other.outside.first - other.inside.first


@lru_cache(maxsize=1)  # Several lint rules ask, one after another.
def one_to_one(subject: Subject) -> dict[Span, OneToOne]:
    """Return all pairs by the places of their rules; of equal pairs the first."""
    inward: dict[tuple[IntervalSet, IntervalSet], list[Rule]] = {}
    found: dict[Span, OneToOne] = {}
    for (_, hook), rules in subject.rules.items():
        if hook is Hook.PREROUTING:
            for rule in rules:
                pair = _pair(rule, Field.DESTINATION)
                if pair is not None:
                    inward.setdefault(pair, []).append(rule)
    if not inward:
        return {}
    for (_, hook), rules in subject.rules.items():
        if hook is Hook.POSTROUTING:
            for rule in rules:
                pair = _pair(rule, Field.SOURCE)
                for other in () if pair is None else inward.get((pair[1], pair[0]), ()):
                    if subject.is_dump or other.origin == rule.origin:
                        one = OneToOne(pair[0], pair[1], other, rule) if pair else None
                        if one is not None:
                            found.setdefault(rule.origin, one)
                            found.setdefault(other.origin, one)
    return found


def _pair(rule: Rule, field: Field) -> tuple[IntervalSet, IntervalSet] | None:
    """Return what a rule turns into what, address by address; None if it does anything else."""
    match rule.action:
        case Netmap(network=new):
            pass
        case Snat(addresses=new, ports=None) | Dnat(addresses=new, ports=None):
            if new.size != 1:
                return None
        case _:
            return None
    if len(rule.match.boxes) != 1:
        return None
    old = rule.match.boxes[0].get(field)
    asks_ports = rule.match.boxes[0].get(Field.PROTOCOL) is not None
    return None if old is None or asks_ports or old.size != new.size else (old, new)
