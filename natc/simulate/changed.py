"""Where two rule sets can differ at all: packets that match a rule which only one of them has.

The rules that both have, in the same order, decide alike for packets that match none of the others.
So a comparison need not look at the other packets; of two versions of a large policy, that is
nearly all of them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from natc.address import Family
from natc.ir.actions import Accept, Action, Dnat, Hook, Note, Return, SetMark, Untrack
from natc.ir.fields import NO_USER, Field, interface
from natc.ir.index import Index, positions
from natc.ir.intervals import point
from natc.ir.policy import Policy
from natc.ir.space import Box
from natc.simulate.site import EVERY_INTERFACE

Unit = tuple[Box, Action]
"""One box of a rule, and what becomes of it."""

_ARRIVING = frozenset({Hook.RAW_PREROUTING, Hook.DIVERT, Hook.PREROUTING})
_MADE_HERE = frozenset({Hook.RAW_OUTPUT, Hook.MANGLE_OUTPUT, Hook.OUTPUT})
_TURNING = (Hook.PREROUTING, Hook.OUTPUT)

_ENDING = frozenset({Hook.INPUT, Hook.MANGLE_INPUT, Hook.FILTER_INPUT})
_LOOPED = frozenset({Hook.RAW_PREROUTING, Hook.DIVERT, Hook.MANGLE_INPUT, Hook.FILTER_INPUT})
"""What the gateway sends itself meets these once lo brings it back, after all translation."""

_LOOPBACK = interface("lo")

_OF_DESTINATION = (
    Field.DESTINATION,
    Field.DESTINATION_PORT,
    Field.ORIGINAL_DESTINATION,
    Field.ORIGINAL_PORT,
    Field.TRANSLATED,
    Field.LOCAL_DESTINATION,
)
_OF_SOURCE = (Field.SOURCE, Field.SOURCE_PORT)
_FORGOTTEN = (Field.IN_INTERFACE, Field.OUT_INTERFACE, Field.USER)
"""What a packet that comes back by lo no longer shows: it came from here, and left by lo."""

_LEAVE_ALONE = (Accept, Return, Note, SetMark, Untrack)

FROM_OUTSIDE = Box.of({Field.IN_INTERFACE: EVERY_INTERFACE, Field.USER: point(NO_USER)})
MADE_HERE = Box.of({Field.IN_INTERFACE: point(0)})
EVERY_PACKET = (FROM_OUTSIDE, MADE_HERE)
"""What arrives has no sender on the gateway."""


def worth_comparing(left: Policy, right: Policy, family: Family) -> list[Box]:
    """Return disjoint boxes that hold every packet which the two can treat differently."""
    mine, theirs = _by_hook(left, family), _by_hook(right, family)
    turning = [unit for side in (mine, theirs) for hook in _TURNING for unit in side.get(hook, ())]
    leaving = [unit for side in (mine, theirs) for unit in side.get(Hook.POSTROUTING, ())]
    sourcing = any(_is_sourcing(unit) for unit in leaving)
    wide: list[Box] = []
    for hook in dict.fromkeys((*mine, *theirs)):
        for box, _ in _not_in_common(mine.get(hook, []), theirs.get(hook, [])):
            wide += _as_they_came(box, hook, turning, sourcing=sourcing)
    return list(_disjoint([*dict.fromkeys(wide)], family))


def _is_sourcing(unit: Unit) -> bool:
    """Whether the source of what leaves by lo may be another one afterwards."""
    box, action = unit
    out = box.get(Field.OUT_INTERFACE)
    return not isinstance(action, _LEAVE_ALONE) and (out is None or bool(out & _LOOPBACK))


def _by_hook(policy: Policy, family: Family) -> dict[Hook, list[Unit]]:
    found: dict[Hook, list[Unit]] = {}
    for rule in policy.rules:
        if rule.family is family:
            found.setdefault(rule.hook, []).extend((box, rule.action) for box in rule.match.boxes)
    return found


def _not_in_common(left: Sequence[Unit], right: Sequence[Unit]) -> Iterator[Unit]:
    """Yield what is left of both lists without a common subsequence.

    Only units that each list has once are looked for between the common beginning and end.
    """
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    mine, theirs = left[start : len(left) - end], right[start : len(right) - end]
    once = {unit for unit, count in Counter(theirs).items() if count == 1}
    places = {unit: position for position, unit in enumerate(theirs) if unit in once}
    counts = Counter(mine)
    pairs = [(i, places[u]) for i, u in enumerate(mine) if counts[u] == 1 and u in places]
    kept = _rising([place for _, place in pairs])
    common = {pairs[index] for index in kept}
    mine_kept, theirs_kept = {i for i, _ in common}, {j for _, j in common}
    yield from (unit for i, unit in enumerate(mine) if i not in mine_kept)
    yield from (unit for j, unit in enumerate(theirs) if j not in theirs_kept)


def _rising(numbers: Sequence[int]) -> list[int]:
    """Return the indices of a longest rising subsequence of different numbers."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        before.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [number]
        ends[place : place + 1] = [index]
    found = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = before[index]
    return found[::-1]


def _as_they_came(
    box: Box, hook: Hook, turning: Sequence[Unit], *, sourcing: bool
) -> Iterator[Box]:
    """Yield boxes that hold every packet which can be in `box` when `hook` sees it."""
    plain = Box(box.sets)
    if hook in _ARRIVING | _MADE_HERE:
        start = FROM_OUTSIDE if hook in _ARRIVING else MADE_HERE
        met = plain.having(Field.OUT_INTERFACE, None) & start
        if met is not None:
            yield met
    else:
        leaving = plain.get(Field.OUT_INTERFACE)
        if hook in _ENDING or (leaving is not None and leaving & _LOOPBACK):
            # Packets that stay have no way out to be looked at, or another one than they came by.
            plain = plain.having(Field.OUT_INTERFACE, None)
        starts = (FROM_OUTSIDE,) if hook in _ENDING else EVERY_PACKET
        yield from _before_translation(plain, turning, starts)
    arriving = box.get(Field.IN_INTERFACE)
    if hook in _LOOPED and (arriving is None or arriving & _LOOPBACK):
        yield from _looped(box, turning, sourcing=sourcing)


def _looped(box: Box, turning: Sequence[Unit], *, sourcing: bool) -> Iterator[Box]:
    """Yield what the gateway sends itself that can be in `box` when it comes back by lo."""
    hidden = (*_FORGOTTEN, *(_OF_SOURCE if sourcing else ()))
    sets = {field: values for field, values in box.restricted() if field not in hidden}
    yield from _before_translation(Box.of(sets), turning, (MADE_HERE,))


def _before_translation(
    plain: Box, turning: Iterable[Unit], starts: Iterable[Box]
) -> Iterator[Box]:
    """Yield where packets of `starts` were bound that are in `plain` after a destination rule."""
    wanted = plain.get(Field.DESTINATION)
    straight = plain
    for field in _OF_DESTINATION[2:]:
        straight = straight.having(field, None)
    aside = straight.having(Field.DESTINATION, None).having(Field.DESTINATION_PORT, None)
    found = [straight if wanted is not None else aside]
    for turned, action in turning:
        if isinstance(action, _LEAVE_ALONE):
            continue
        known = action.addresses if isinstance(action, Dnat) else None
        if wanted is not None and (known is None or known & wanted):
            met = aside & Box(turned.sets).having(Field.OUT_INTERFACE, None)
            found += [] if met is None else [met]
    for start in starts:
        for one in found:
            met = one & start
            if met is not None:
                yield met


def _disjoint(boxes: Sequence[Box], family: Family) -> Iterator[Box]:
    """Yield the same packets in boxes that do not meet."""
    index = Index(enumerate(boxes))
    for place, box in enumerate(boxes):
        parts = [box]
        for earlier in sorted(set(positions(index.touching(box, 0, place)))):
            parts = [rest for part in parts for rest in part.minus(boxes[earlier], family)]
        yield from parts
