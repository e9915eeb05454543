"""Statements with their names, and with comments: what people wrote, and what is not expressed."""

from collections.abc import Iterator
from itertools import count

from natc.dsl import ast
from natc.importers.chains import Omitted
from natc.importers.labels import Label
from natc.importers.remarks import Place, Remark
from natc.importers.saying import Said, Statement
from natc.importers.scope import rules_of
from natc.ir.actions import Hook
from natc.record import replace
from natc.source import NOWHERE
from natc.targets.iptables import model
from natc.targets.iptables.write import rule_text

Comment = str | None


class Writer:
    """Writes the lines of one import.

    Attributes:
        remarks: on the rules that are not expressed, so far.
        waiting: comments that stand above what comes next.
    """

    def __init__(self, ruleset: model.Ruleset, said: Said) -> None:
        self.said = said
        self.remarks: list[Remark] = []
        self.waiting: list[Comment] = []
        self._rules = {
            Place(table.name, chain.name, number): rule
            for table in ruleset.tables
            for chain in table.chains
            for number, rule in enumerate(rules_of(chain), 1)
        }
        self._names: set[str] = set()
        self._said: tuple[str, ...] = ()
        self._leaves: bool | None = None  # Whether the last line was one of the source phase.

    def statements(self) -> Iterator[ast.AnyStatement]:
        """Yield the statements; comments after the last one stay `waiting`."""
        for line in self.said.lines:
            if isinstance(line, Statement):
                self._turn_to(line)
                statement = self._labelled(line)
                yield statement
                yield from _allowing(statement, line.sentence.label)
            elif (reason := self._reason(line)) is not None:
                self._turn_to(line)
                made = remark(line.place, self._rules.get(line.place), reason)
                self.remarks.append(made)
                self.waiting.append(f"# {made}")

    def _turn_to(self, line: Statement | Omitted) -> None:
        """Leave an empty line between the destination phase and the source phase."""
        before, self._leaves = self._leaves, _is_of_source_phase(line)
        if self._leaves and before is False:
            self.waiting.append(None)

    def _reason(self, line: Omitted) -> str | None:
        """Return why a rule is not expressed; None when it is, by another way to it."""
        reason = self.said.refused.get(line.place)
        if reason is None and line.via is not None and line.place not in self.said.taken:
            return "only a rule that is not expressed leads to it"
        return reason

    def _made_name(self) -> str:
        """Return a name that no statement has, for one that an allowance is to name."""
        labels = (line.sentence.label for line in self.said.lines if isinstance(line, Statement))
        taken = self._names | {label.name for label in labels if label.name is not None}
        name = next(name for n in count(1) if (name := f"allowed-{n}") not in taken)
        self._names.add(name)
        return name

    def _labelled(self, line: Statement) -> ast.Rule | ast.Static:
        label = line.sentence.label
        name = label.name if label.name not in self._names else None
        comments = label.comments
        if name is not None:
            self._names.add(name)
        elif label.name is not None:
            comments = (*comments, label.name)
        if name is None and label.allowances:
            name = self._made_name()
        self.waiting += [f"# {text}" for text in comments if text not in self._said]
        self._said = comments
        above, self.waiting = tuple(self.waiting), []
        return replace(
            line.node,
            name=None if name is None else ast.Name(name),
            comments=ast.Comments(above),
        )


def _allowing(statement: ast.Rule | ast.Static, label: Label) -> Iterator[ast.Allow]:
    """Yield what the comments of a statement's rules allow."""
    for allowed in label.allowances:
        until = None if allowed.until is None else ast.Date(str(allowed.until))
        reason = ast.String(" ".join(allowed.reason.split()))
        yield ast.Allow(ast.Name(allowed.code), statement.name, until, reason)


def _is_of_source_phase(line: Statement | Omitted) -> bool:
    hooks = {line.hook} if isinstance(line, Omitted) else line.sentence.hooks
    return hooks <= {Hook.INPUT, Hook.POSTROUTING}


def remark(place: Place, rule: model.Rule | None, reason: str) -> Remark:
    """Return what is said of a rule that is not expressed; None stands for a chain's policy."""
    table = "" if place.table == "nat" else f"-t {place.table} "
    if rule is None:
        return Remark(place, None, f"{table}-P {place.chain} DROP", reason)
    known = rule.origin.source is not NOWHERE.source
    text = f"{table}-A {place.chain}{rule_text(rule)}"
    return Remark(place, rule.origin.line if known else None, text, reason)
