"""`hairpin`: source rules that ask for what a destination rule has turned round.

Such a rule alone tells of the side of the gateway where the server is: its interfaces, its subnet,
and the gateway's address there.  With these in a zone, `hairpin` may say the same; whether it does,
the language is asked.
"""

from collections.abc import Iterable, Iterator, Sequence

from natc.address import Family
from natc.importers.proofs import failures
from natc.importers.remarks import Unsayable
from natc.importers.sentences import Line, Part, Sentence, WayBack
from natc.importers.statements import statement
from natc.importers.zones import Side, both, side, together, zone
from natc.ir.actions import Balance, Dnat, Hook, Masquerade, Snat
from natc.ir.fields import Field, universe
from natc.ir.intervals import EMPTY, IntervalSet
from natc.record import replace

_ARRIVALS = {Hook.PREROUTING, Hook.OUTPUT}


def turned_round(
    destinations: Sequence[Line], leaving: Sequence[Line], family: Family
) -> Iterator[tuple[int, int, Sentence]]:
    """Yield which source rules, by index, are half of which destination rule, and the whole."""
    known: list[Side] = []
    waiting: dict[IntervalSet, list[tuple[int, Sentence]]] = {}
    for at, line in enumerate(destinations):
        if isinstance(line, Sentence) and line.hooks == _ARRIVALS:
            waiting.setdefault(_servers(line), []).append((at, line))
    for index, back in enumerate(leaving):
        if isinstance(back, WayBack):
            candidates = waiting.get(_every(back.parts, Field.DESTINATION), [])
            for candidate in candidates:
                at, sentence = candidate
                whole = _whole(sentence, back, known, family)
                if whole is not None:
                    known += whole.sides
                    candidates.remove(candidate)
                    yield at, index, whole
                    break


def _whole(
    sentence: Sentence, back: WayBack, known: Sequence[Side], family: Family
) -> Sentence | None:
    """Return the statement with `hairpin`; None when it would not say both."""
    try:
        sides = tuple(_side(part, _servers(sentence)) for part in back.parts)
    except Unsayable:
        return None
    if any(_contradict(one, other) for one in sides for other in known):
        return None
    inside = IntervalSet.of(r for each in sides for r in each.interfaces.ranges)
    said = sentence.phrase
    arriving = said.interfaces
    outside = None if arriving is None else (arriving - inside or arriving)
    asked = said.destination
    if asked is None and not said.is_local:
        asked = universe(Field.DESTINATION, family)  # `hairpin` wants it said.
    whole = replace(
        sentence,
        parts=(*sentence.parts, *back.parts),
        phrase=replace(said, interfaces=outside, destination=asked),
        links=tuple(dict.fromkeys((*sentence.links, *back.links))),
        sides=sides,
        hairpin=True,
    )
    return whole if _is_said(whole, family) else None


def _is_said(whole: Sentence, family: Family) -> bool:
    try:
        node = statement(whole, family)
    except Unsayable:
        return False
    zones = [zone(each, family) for each in together(whole.needs()).values()]
    return not failures(zones, [(node, whole.parts)], family)


def _servers(sentence: Sentence) -> IntervalSet:
    match sentence.does:
        case Dnat(addresses):
            return addresses
        case Balance(backends):
            return IntervalSet.of(r for b in backends for r in b.action.addresses.ranges)
        case _:
            return EMPTY


def _every(parts: Iterable[Part], field: Field) -> IntervalSet:
    """Return every value that some box asks for; none where one asks for all."""
    found = [box.get(field) for part in parts for box in part.boxes]
    ranges = (r for values in found if values is not None for r in values.ranges)
    return EMPTY if None in found else IntervalSet.of(ranges)


def _side(part: Part, servers: IntervalSet) -> Side:
    """Return what a way back tells of the side that it leads to.

    Raises:
        Unsayable: it tells too little.
    """
    interfaces, clients, ends = (
        _every([part], field) for field in (Field.OUT_INTERFACE, Field.SOURCE, Field.DESTINATION)
    )
    if not interfaces or not clients:
        raise Unsayable("a way back to everywhere")
    own = None
    match part.action:
        case Snat(addresses, None) if addresses.size == 1:
            own = addresses.first
        case Masquerade(None):
            pass
        case _:
            raise Unsayable("a way back by several addresses")
    return replace(side(interfaces), own=own, subnet=clients | (servers & ends))


def _contradict(one: Side, other: Side) -> bool:
    """Whether two sides cannot both be zones, or it would not be clear which holds a server."""
    if one.name == other.name:
        return both(one, other) is None
    return bool((one.subnet or EMPTY) & (other.subnet or EMPTY))
