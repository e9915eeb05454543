"""The ways in which one packet can end, by where they end, and what each depends on."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from natc.address import text_of
from natc.ir.actions import Balance
from natc.ir.conditions import SHARES, Condition, Draw, InSet, Mark, Noted, Opaque, negation
from natc.ir.fields import Field
from natc.ir.intervals import EMPTY, IntervalSet, point
from natc.packet import Packet
from natc.record import Record, replace
from natc.simulate.engine import ROUTE_UNKNOWN, UNTRACKED, End
from natc.simulate.site import EVERY_INTERFACE
from natc.simulate.spelling import addresses, interfaces
from natc.simulate.way import IS_OWN, Way

_MOST_COMPARED = 300
"""Ways to one end whose conditions are put together; of more, each keeps its own."""

_NOWHERE = point(0)

_IS_NOT_OWN = IS_OWN.replace("is ", "is not ", 1)


class Case(Record):
    """What must hold for a way.

    Attributes:
        conditions: all of them; what natc cannot see, in a form that `said` writes.
        leaving: the interfaces by which it leaves; None where that does not matter.
        chance: its part of the connections for which the rest holds; None is not known.
    """

    conditions: frozenset[Condition]
    leaving: IntervalSet | None
    chance: Fraction | None

    @property
    def is_certain(self) -> bool:
        """Whether it always holds."""
        return not self.conditions and self.leaving is None and self.chance == 1


class Group(Record):
    """All ways to one end.

    Attributes:
        ends: the one that depends on least, first.
        cases: one of them must hold.
    """

    ends: tuple[End, ...]
    cases: tuple[Case, ...]


def groups(packet: Packet, ends: Iterable[End]) -> list[Group]:
    """Return the ways, those to one end together, in the order of the first of each."""
    found: dict[object, list[tuple[Case, End]]] = {}
    for end in ends:
        case = _case(packet, end)
        if case is not None:
            found.setdefault(_where(packet, end), []).append((case, end))
    return [
        Group(
            tuple(end for _, end in sorted(same, key=_weight)),
            tuple(_simplified([case for case, _ in same])),
        )
        for same in found.values()
    ]


def _weight(pair: tuple[Case, End]) -> int:
    return len(pair[0].conditions)


def _where(packet: Packet, end: End) -> object:
    """Return what tells ends apart."""
    way = end.way
    # An address that is not known is another one on each interface.
    is_named = Field.SOURCE in way.moved and way.now(Field.SOURCE).size > 1
    return (
        end.verdict,
        None if end.verdict == "accepted" else way.steps[-1].hook,
        end.is_delivered,
        end.proxy,
        *(way.now(field) for field in (Field.SOURCE, Field.DESTINATION)),
        *(
            way.now(field) if packet.source_port is not None else None
            for field in (Field.SOURCE_PORT, Field.DESTINATION_PORT)
        ),
        UNTRACKED in way.noted,
        way.packets.get(Field.OUT_INTERFACE) if is_named else None,
    )


# What a way depends on.


def own(way: Way, *, moved: bool) -> Condition:
    """Return the condition that a destination is the gateway's: the one now, or the first."""
    values = way.now(Field.DESTINATION) if moved else way.packets.get(Field.DESTINATION)
    text = addresses(way.family, values or EMPTY)
    return Opaque(f"{text} {IS_OWN}")


def _case(packet: Packet, end: End) -> Case | None:
    """Return what must hold for a way; None when it cannot."""
    way = end.way
    chance = _chance(way)
    found: set[Condition] = {
        condition
        for condition in way.packets.conditions
        if not isinstance(condition, Draw | Mark | Noted)
    }
    local = way.packets.get(Field.LOCAL_DESTINATION)
    # That a packet leaves says already that it is not for the gateway.
    is_said = packet.out_interface is not None and Field.DESTINATION not in way.moved
    if local is not None and local.size == 1 and not is_said:
        here = own(way, moved=False)
        found.add(here if 1 in local else negation(here))
    leaving = None
    if packet.out_interface is None:
        leaving = way.packets.get(Field.OUT_INTERFACE)
    if leaving is not None and way.site.own is None:
        here = own(way, moved=Field.DESTINATION in way.moved)
        found.add(here if leaving == _NOWHERE else negation(here))
    if any(negation(condition) in found for condition in found):
        return None
    if leaving is not None:
        leaving -= _NOWHERE
        is_open = way.site.own is None or ROUTE_UNKNOWN in way.doubts
        if not is_open or not leaving or leaving == EVERY_INTERFACE:
            leaving = None
    return Case(frozenset(found), leaving, chance)


def _chance(way: Way) -> Fraction | None:
    """Return the part of all connections; None where the kernel chooses in another way."""
    is_remembered = any(
        step.rule is not None
        and isinstance(step.rule.action, Balance)
        and step.rule.action.sticky is not None
        for step in way.steps
    )
    if way.is_choice and not is_remembered:
        return None
    chance = Fraction(1)
    for condition in way.packets.conditions:
        if isinstance(condition, Draw):
            share = Fraction(condition.share, SHARES)
            chance *= 1 - share if condition.negated else share
    return chance


# Fewer cases.


def _simplified(cases: Sequence[Case]) -> list[Case]:
    """Return fewer and shorter cases that together hold as often.

    What holds either way is left out.  So is what only says that an earlier case does not hold:
    `a, or not a and b` is `a, or b`.
    """
    left = list(_added_up(cases))
    if len(left) > _MOST_COMPARED:
        return left
    while (fewer := _fewer(left)) is not None:
        left = fewer
    return sorted(left, key=lambda case: len(case.conditions))


def _fewer(cases: Sequence[Case]) -> list[Case] | None:
    """Return `cases` with two of them put together, or one shortened; None when none can be."""
    for index, one in enumerate(cases):
        for other in cases[index + 1 :]:
            both = _joined(one, other)
            if both is not None:
                return [case for case in cases if case is not one and case is not other] + [both]
    for one in cases:
        for other in cases:
            shorter = None if one is other else _shortened(one, beside=other)
            if shorter is not None:
                return [shorter if case is one else case for case in cases]
    return None


def _added_up(cases: Iterable[Case]) -> Iterable[Case]:
    """Add up the chances of cases that differ in them alone."""
    found: dict[Case, Fraction | None] = {}
    for case in cases:
        key = replace(case, chance=None)
        before = found.get(key, Fraction(0))
        found[key] = None if before is None or case.chance is None else before + case.chance
    return [replace(case, chance=chance) for case, chance in found.items()]


def _joined(one: Case, other: Case) -> Case | None:
    """Return the case that two are together, None when they are not one."""
    if one.chance != other.chance:
        return None
    if one.conditions == other.conditions:
        return replace(one, leaving=_either(one.leaving, other.leaving))
    if one.leaving == other.leaving:
        differing = one.conditions ^ other.conditions
        if len(differing) == 2:
            first, second = differing
            if negation(first) == second:
                return replace(one, conditions=one.conditions & other.conditions)
    for wide, narrow in ((one, other), (other, one)):
        inside = _is_inside(narrow.leaving, wide.leaving)
        if inside and wide.conditions <= narrow.conditions:
            return wide
    return None


def _shortened(one: Case, *, beside: Case) -> Case | None:
    """Return `one` without a condition whose contrary leads to `beside` anyway; None without."""
    if one.chance != beside.chance or not _is_inside(one.leaving, beside.leaving):
        return None
    for condition in one.conditions:
        rest = one.conditions - {condition}
        if negation(condition) in beside.conditions and (
            beside.conditions - {negation(condition)} <= rest
        ):
            return replace(one, conditions=rest)
    return None


def _is_inside(one: IntervalSet | None, other: IntervalSet | None) -> bool:
    return other is None or (one is not None and one <= other)


def _either(one: IntervalSet | None, other: IntervalSet | None) -> IntervalSet | None:
    if one is None or other is None:
        return None
    both = one | other
    return None if both == EVERY_INTERFACE else both


def said(case: Case, packet: Packet, *, drawn: bool) -> Iterator[str]:
    """Yield what must hold, in words, each a part of a sentence after `if`.

    What is asked of the packet's own destination comes first, and a draw last.

    Args:
        drawn: whether to tell the chance.
    """
    first = f"{text_of(packet.family, packet.destination)} "
    texts = [_words(condition) for condition in case.conditions]
    yield from sorted(texts, key=lambda text: (not text.startswith(first), text))
    if case.leaving is not None:
        yield f"it leaves by {interfaces(case.leaving)}"
    if drawn and case.chance is not None and case.chance != 1:
        yield f"it is drawn so, as {percent(case.chance)} of connections are"


def percent(chance: Fraction) -> str:
    """Return a chance as people write it."""
    return f"{float(chance * 100):.4g} %"


def is_about_addresses(condition: Condition) -> bool:
    """Whether a condition asks for the gateway's own addresses."""
    return isinstance(condition, Opaque) and condition.text.endswith(IS_OWN)


def _words(condition: Condition) -> str:
    match condition:
        case InSet(name, flags, negated):
            return f"it is {'not ' if negated else ''}in the ipset {name} ({','.join(flags)})"
        case Opaque(text, negated) if text.endswith(IS_OWN):
            return f"{text.removesuffix(IS_OWN)}{_IS_NOT_OWN}" if negated else text
        case Opaque(text, negated):
            return f"not: {text}" if negated else text
        case _:
            raise AssertionError(condition)
