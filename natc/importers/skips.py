"""A list with skips to one without: what a RETURN lets pass is taken from the rules that it passes.

Three ways say the same, and the most readable that can be said is taken:

- the rules that are skipped match the rest only (`from 10.0.0.0/8 except 10.1.0.0/16`);
- where nothing after the skip takes the packets either, they are exempt;
- the rules that are skipped match the rest, in several parts.
"""

from collections.abc import Callable, Mapping, Sequence

from natc.address import Family
from natc.importers.chains import Decision, Omitted, Skip, Step
from natc.importers.packets import normal
from natc.importers.remarks import Place
from natc.ir.actions import Accept, Hook
from natc.ir.fields import Field
from natc.record import replace

MOST_PARTS = 8
"""Parts that the rules which one RETURN skips are cut into before it is not expressed."""

Settled = Decision | Omitted


class Settling:
    """One hook's list on its way to one without skips."""

    def __init__(
        self,
        hook: Hook,
        family: Family,
        sayable: Callable[[Decision], bool],
        refused: dict[Place, str],
    ) -> None:
        """Begin with nothing.

        Args:
            sayable: whether the language has a statement for a decision.
            refused: takes the skips that no statements can do, with the reason.
        """
        self.hook = hook
        self.family = family
        self.sayable = sayable
        self.refused = refused
        self._later: list[Settled] = []  # What follows, the last first.

    def settled(self, steps: Sequence[Step]) -> list[Settled]:
        """Return decisions that do what `steps` does."""
        for step in reversed(steps):
            if isinstance(step, Skip):
                self._settle(step)
            else:
                self._later.append(step)
        return self._later[::-1]

    def _settle(self, skip: Skip) -> None:
        """Change what follows a skip such that it is no longer needed."""
        decisions = [step for step in self._later if isinstance(step, Decision)]
        meeting = [step for step in decisions if step.box & skip.box is not None]
        passed = [step for step in meeting if step.order < skip.end.order]
        is_last = len(passed) == len(meeting) and self.hook is not Hook.DIVERT
        rest = {id(step): self._rest(step, skip) for step in passed}
        parts = [part for some in rest.values() for part in some]
        can_be_cut = all(self.sayable(part) for part in parts)
        is_simple = can_be_cut and all(len(some) <= 1 for some in rest.values())
        actions = {step.action for step in passed}
        exempt = None
        if is_last and not (is_simple and len(actions) <= 1):
            exempt = self._exempt(skip, decisions)
        if is_simple and exempt is None:
            self._cut(rest)
        elif is_last and actions <= {Accept()}:
            pass  # Nothing takes them, whether they skip the exemptions or not.
        elif exempt is not None:
            self._later.append(exempt)
        elif can_be_cut and len(parts) <= max(MOST_PARTS, len(passed)):
            self._cut(rest)
        else:
            reason = "what it lets pass is too ragged to be left out of the rules below it"
            self.refused[skip.trail[-1].place] = reason

    def _cut(self, rest: Mapping[int, Sequence[Settled]]) -> None:
        """Put what is left of some steps in their place."""
        later: list[Settled] = []
        for step in self._later:
            later.extend(rest.get(id(step), [step]))
        self._later = later

    def _exempt(self, skip: Skip, later: Sequence[Decision]) -> Decision | None:
        """Return what a skip to the end of all rules is; None when the language cannot say it.

        Packets that no rule takes anyway may be exempt as well.
        """
        wider = skip.box.having(Field.LOCAL_DESTINATION, None)
        for box in (skip.box, wider):
            others = list(box.minus(skip.box, self.family))
            is_free = not any(step.box & other for step in later for other in others)
            exempt = Decision(skip.order, box, Accept(), skip.trail)
            if is_free and self.sayable(exempt):
                return exempt
        return None

    def _rest(self, step: Decision, skip: Skip) -> list[Decision]:
        parts = (
            normal(part, self.hook, self.family) for part in step.box.minus(skip.box, self.family)
        )
        return [replace(step, box=part) for part in parts if part is not None]
