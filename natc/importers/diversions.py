"""Where `transparent-proxy … tproxy` stands among the destination rules.

The kernel hands packets to a proxy before it translates any.  The language keeps the order of the
file: what a destination rule above takes is not handed over, and what is handed over is not
translated by those below.  So a RETURN before TPROXY may be what the order of the file says anyway,
and an ACCEPT in nat may have nothing left to do.
"""

from collections.abc import Iterable, Iterator, Sequence

from natc.address import Family
from natc.importers.chains import Decision, Omitted, Skip, Step
from natc.importers.joining import joined
from natc.importers.packets import normal
from natc.importers.remarks import Link, Unsayable
from natc.importers.sentences import Line, Sentence, sentences
from natc.ir.actions import Accept, Hook
from natc.ir.space import Box, Region
from natc.record import replace


class Diversions:
    """The diversions of a family, on their way to places among its destination rules."""

    def __init__(self, steps: Sequence[Step], arriving: Sequence[Line], family: Family) -> None:
        """Begin with nothing placed.

        Args:
            steps: what the kernel asks before it translates.
            arriving: the rules for arriving packets.
        """
        self.steps = steps
        self.arriving = arriving
        self.family = family
        self._idle: dict[int, Line] = {}

    def in_place(self) -> list[Line] | None:
        """Return the destination rules with the diversions among them.

        None where the order of a file cannot say both.
        """
        places: list[list[Line]] = [[] for _ in range(len(self.arriving) + 1)]
        at, diverted = 0, Region()
        for step in self.steps:
            if isinstance(step, Omitted):
                places[at].append(step)
            elif isinstance(step, Decision):
                found = self._placed(step, at)
                if found is None:
                    return None
                at, box, kept = found
                try:
                    places[at] += sentences(replace(step, box=box), Hook.DIVERT, self.family)
                except Unsayable:
                    return None
                rest = Region((box,)).minus(kept, self.family)
                diverted = Region(diverted.boxes + rest.boxes)
                self._find_idle(diverted)
        return self._lines(places)

    def _placed(self, step: Decision, first: int) -> tuple[int, Box, Region] | None:
        """Return where a diversion stands, what it matches, and what is kept from it."""
        for box, kept in self._ways(step):
            at = self._place(box, kept, first)
            if at is not None:
                return at, box, kept
        return None

    def _ways(self, step: Decision) -> Iterator[tuple[Box, Region]]:
        """Yield what a rule diverts and what is kept from it.

        What skips in its own chain keep from it may also be left out of its match.
        """
        skips = [s for s in self.steps if isinstance(s, Skip) and _leads_past(s, step)]
        yield step.box, _met(step.box, (skip.box for skip in skips))
        chain = step.trail[-1].place.chain
        near = [skip.box for skip in skips if skip.trail[-1].place.chain == chain]
        far = [skip.box for skip in skips if skip.trail[-1].place.chain != chain]
        rest = Region((step.box,)).minus(Region(tuple(near)), self.family)
        parts = [p for box in rest.boxes if (p := normal(box, Hook.DIVERT, self.family))]
        if len(parts) == 1:
            yield parts[0], _met(parts[0], far)

    def _place(self, box: Box, kept: Region, first: int) -> int | None:
        """Return the first place with `kept`, and no more of `box`, in the rules above it."""
        for at in range(first, len(self.arriving) + 1):
            above = _met(box, self._above(at))
            if above.minus(kept, self.family):
                return None
            if not kept.minus(above, self.family):
                return at
        return None

    def _above(self, at: int) -> Iterable[Box]:
        for index, line in enumerate(self.arriving[:at]):
            if index not in self._idle:
                yield from _boxes(line)

    def _find_idle(self, diverted: Region) -> None:
        """Find the exemptions of packets of which none comes to translation."""
        for index, line in enumerate(self.arriving):
            if isinstance(line, Sentence) and isinstance(line.does, Accept):
                left = Region(tuple(_boxes(line))).minus(diverted, self.family)
                above = Region(tuple(self._above(index)))
                if not left.minus(above, self.family):
                    self._idle[index] = line

    def _lines(self, places: Sequence[Sequence[Line]]) -> list[Line]:
        made: list[Line] = []
        for index, line in enumerate((*self.arriving, None)):
            made += joined(places[index])
            if line is not None and index not in self._idle:
                made.append(line)
        links = tuple(
            link
            for line in self._idle.values()
            if isinstance(line, Sentence)
            for link in line.links
        )
        return [*_with_links(made, links)]


def _leads_past(skip: Skip, step: Decision) -> bool:
    return skip.order < step.order < skip.end.order


def _met(box: Box, others: Iterable[Box]) -> Region:
    both = (box & other for other in others)
    return Region(tuple(part for part in both if part is not None))


def _boxes(line: Line) -> Iterable[Box]:
    if isinstance(line, Sentence):
        for part in line.parts:
            if part.hook is Hook.PREROUTING:
                yield from part.boxes


def _with_links(lines: Iterable[Line], links: tuple[Link, ...]) -> Iterable[Line]:
    """Yield the lines, of which the first diversion says the rules of `links` too."""
    for line in lines:
        if links and isinstance(line, Sentence) and Hook.DIVERT in line.hooks:
            yield replace(line, links=tuple(dict.fromkeys((*links, *line.links))))
            links = ()
        else:
            yield line
