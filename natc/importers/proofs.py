"""Whether statements say what was meant: the language itself is asked.

Every statement is written, read back and lowered; what it then does in each hook must be, packet
for packet, what the kernel rules do.
"""

from collections.abc import Iterable, Iterator, Sequence

from natc.address import Family
from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast
from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.elaborate.lower import lower
from natc.importers.packets import normal
from natc.importers.runs import fewer
from natc.importers.sentences import Part
from natc.ir.actions import Action, Balance, Hook
from natc.ir.policy import Rule
from natc.ir.space import Region
from natc.record import replace
from natc.source import Source

AMISS = "natc would say something else"


def failures(
    zones: Sequence[ast.Block],
    statements: Sequence[tuple[ast.Rule | ast.Static, tuple[Part, ...]]],
    family: Family,
) -> dict[int, str]:
    """Return which statements, by index, do not do what their parts say, and why."""
    if not statements:
        return {}
    written = ast.Policy((*zones, *(statement for statement, _ in statements)))
    try:
        policy = parse(Source("import.nat", write(written)))
    except PolicyError:
        if len(statements) == 1:
            return {0: AMISS}
        alone = enumerate([statement] for statement in statements)
        return {index: AMISS for index, one in alone if failures(zones, one, family)}
    starts = {s.span.start: index - len(zones) for index, s in enumerate(policy.statements)}
    try:
        rules = lower(policy).rules
    except PolicyError as error:
        return dict(_refusals(error.diagnostics, starts))
    made: dict[int, list[Rule]] = {index: [] for index in range(len(statements))}
    for rule in rules:
        made[starts[rule.origin.start]].append(rule)
    return {
        index: AMISS
        for index, (_, parts) in enumerate(statements)
        if not _is_same(parts, list(_parts(made[index])), family)
    }


def _refusals(found: Iterable[Diagnostic], starts: dict[int, int]) -> Iterator[tuple[int, str]]:
    for diagnostic in found:
        at = max(start for start in starts if start <= diagnostic.primary.span.start)
        yield starts[at], diagnostic.message


def _parts(rules: Iterable[Rule]) -> Iterator[Part]:
    """Yield what rules do, without those that only keep the order of the file around a proxy."""
    for rule in rules:
        if not rule.name.endswith((".kept", ".undiverted")):
            yield Part(rule.hook, rule.match.boxes, rule.action)


def _is_same(mine: Iterable[Part], theirs: Iterable[Part], family: Family) -> bool:
    ours, others = _by_hook(mine), _by_hook(theirs)
    if ours.keys() != others.keys():
        return False
    return all(
        len(parts) == len(others[hook])
        and all(_equal(a, b, family) for a, b in zip(parts, others[hook], strict=True))
        for hook, parts in ours.items()
    )


def _by_hook(parts: Iterable[Part]) -> dict[Hook, list[Part]]:
    """Return the parts of each hook; those with one action that follow each other are one."""
    found: dict[Hook, list[Part]] = {}
    for part in parts:
        known = found.setdefault(part.hook, [])
        if known and _nameless(known[-1].action) == _nameless(part.action):
            known[-1] = replace(part, boxes=known[-1].boxes + part.boxes)
        else:
            known.append(part)
    return found


def _equal(one: Part, other: Part, family: Family) -> bool:
    if _nameless(one.action) != _nameless(other.action):
        return False
    mine, theirs = Region(fewer(one.boxes)), Region(fewer(other.boxes))
    rest = (*mine.minus(theirs, family).boxes, *theirs.minus(mine, family).boxes)
    return all(normal(box, one.hook, family) is None for box in rest)


def _nameless(action: Action) -> Action:
    """Return the action without the names of its backends."""
    if isinstance(action, Balance):
        return replace(action, backends=tuple(replace(b, name="") for b in action.backends))
    return action
