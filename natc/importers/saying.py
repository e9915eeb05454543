"""Rules to statements, with all that cannot be said left out.

A rule that cannot be said is left out everywhere, and all is begun again without it, until the rest
can be said.  So what the statements do is exactly what the rules do without those.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from natc.dsl import ast
from natc.importers.chains import Decision, Omitted, Skip, Step, Walk
from natc.importers.diversions import Diversions
from natc.importers.joining import joined
from natc.importers.order import in_one_file
from natc.importers.proofs import failures
from natc.importers.remarks import Place, Unsayable, culprit
from natc.importers.sentences import Line, Sentence, WayBack, sentences
from natc.importers.skips import Settled, Settling
from natc.importers.statements import statement
from natc.importers.zones import Side, together, zone
from natc.ir.actions import Hook
from natc.ir.fields import Field
from natc.record import Record, replace
from natc.targets.iptables import model
from natc.targets.iptables.lift import HOOKS

_CONSULTED = (Hook.DIVERT, Hook.PREROUTING, Hook.OUTPUT, Hook.INPUT, Hook.POSTROUTING)


class Statement(Record):
    """A statement that is proven to say a sentence."""

    node: ast.Rule | ast.Static
    sentence: Sentence


class Said(Record):
    """All that could be said.

    Attributes:
        zones: those that the statements name.
        lines: in the order of the file.
        refused: what could not be said, with the reason.
        taken: the rules that the statements say.
    """

    zones: tuple[ast.Block, ...]
    lines: tuple[Statement | Omitted, ...]
    refused: Mapping[Place, str]
    taken: frozenset[Place]


class _Refused(Exception):  # noqa: N818 - not an error of natc
    """Something more is left out, so all has to be said anew."""


def say(ruleset: model.Ruleset) -> Said:
    """Return statements for the rules of one family.

    Raises:
        TooManyJumps: chains jump to chains too often.
    """
    refused: dict[Place, str] = {}
    while True:
        try:
            return _Attempt(ruleset, refused).said()
        except _Refused:
            continue


class _Attempt:
    """Says rules but those refused, and refuses more.

    Attributes:
        refused: what is not expressed, and why.
    """

    def __init__(self, ruleset: model.Ruleset, refused: dict[Place, str]) -> None:
        self.ruleset = ruleset
        self.family = ruleset.family
        self.refused = refused
        self._known = len(refused)

    def said(self) -> Said:
        """Return what is said.

        Raises:
            _Refused: more had to be refused.
        """
        walks = self._walks()
        self._begin_anew_if_refused()
        lists = self._lists({hook: walk.steps for hook, walk in walks.items()})
        self._begin_anew_if_refused()
        lines = in_one_file(lists, self.family)
        needed = together(s for line in lines if isinstance(line, Sentence) for s in line.needs())
        made = self._statements(lines, needed)
        taken = _taken(made, [step for walk in walks.values() for step in walk.steps])
        for walk in walks.values():
            self._refuse_idle_jumps(walk, taken)
        self._begin_anew_if_refused()
        zones = tuple(zone(each, self.family) for each in needed.values())
        return Said(zones, tuple(made), dict(self.refused), taken)

    def _begin_anew_if_refused(self) -> None:
        if len(self.refused) > self._known:
            raise _Refused

    # Chains to lists.

    def _walks(self) -> dict[Hook, Walk]:
        told: set[Place] = set()
        found: dict[Hook, Walk] = {}
        for table in self.ruleset.tables:
            for chain in table.chains:
                hook = HOOKS.get((table.name, chain.name))
                if hook in _CONSULTED:
                    found[hook] = Walk(self.family, table, hook, self.refused, told)
                    found[hook].go(chain)
        return found

    def _lists(self, steps: Mapping[Hook, Sequence[Step]]) -> dict[Hook, list[Line]]:
        diverted = steps.get(Hook.DIVERT, ())
        lists = {hook: self._lines(hook, s) for hook, s in steps.items() if s is not diverted}
        if diverted:
            arriving = lists.get(Hook.PREROUTING, [])
            among = Diversions(diverted, arriving, self.family).in_place()
            if among is None:
                lists[Hook.DIVERT] = self._lines(Hook.DIVERT, diverted)
            else:
                lists[Hook.PREROUTING] = among
        return lists

    def _lines(self, hook: Hook, steps: Sequence[Step]) -> list[Line]:
        can_say = partial(self._can_say, hook)
        settled = Settling(hook, self.family, can_say, self.refused).settled(steps)
        return joined(line for step in settled for line in self._sentences(hook, step))

    def _can_say(self, hook: Hook, decision: Decision) -> bool:
        try:
            for line in sentences(decision, hook, self.family):
                if isinstance(line, Sentence):
                    statement(replace(line, phrase=line.phrase.possible()), self.family)
        except Unsayable:
            return False
        return True

    def _sentences(self, hook: Hook, step: Settled) -> Sequence[Line]:
        if isinstance(step, Omitted):
            return [step]
        try:
            return sentences(step, hook, self.family)
        except Unsayable as reason:
            self.refused[culprit(step.trail, reason)] = str(reason)
            return []

    # Lists to statements.

    def _statements(
        self, lines: Iterable[Line], sides: Mapping[str, Side]
    ) -> list[Statement | Omitted]:
        names = {name: found.interfaces for name, found in sides.items()}
        made: list[Statement | Omitted] = []
        for line in lines:
            if isinstance(line, Omitted):
                made.append(line)
                continue
            try:
                if isinstance(line, WayBack):
                    raise Unsayable("only `hairpin` asks what was translated", Field.TRANSLATED)
                made.append(Statement(statement(line, self.family, names), line))
            except Unsayable as reason:
                self.refused[culprit(line.links, reason)] = str(reason)
        self._begin_anew_if_refused()
        told = [line for line in made if isinstance(line, Statement)]
        proofs = [(line.node, line.sentence.parts) for line in told]
        zones = [zone(found, self.family) for found in sides.values()]
        for index, why in failures(zones, proofs, self.family).items():
            self.refused[told[index].sentence.links[-1].place] = why
        self._begin_anew_if_refused()
        return made

    def _refuse_idle_jumps(self, walk: Walk, taken: frozenset[Place]) -> None:
        """Refuse the jumps that lead to rules of which none is expressed."""
        behind = {line.place.chain for line in walk.steps if isinstance(line, Omitted)}
        for place, chain in walk.jumps.items():
            if place not in taken and chain in behind:
                self.refused[place] = "nothing that it leads to is expressed"


def _taken(lines: Iterable[Statement | Omitted], steps: Iterable[Step]) -> frozenset[Place]:
    links = [link for s in steps if isinstance(s, Skip) for link in s.trail]
    for line in lines:
        if isinstance(line, Statement):
            links += line.sentence.links
    return frozenset(link.place for link in links)
