"""What `natc lint` reads: a policy or dump, with the files that it includes, and their repairs."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from natc import pipeline
from natc.address import Family
from natc.cli.errors import Unable
from natc.cli.files import STDIN, read_policy
from natc.cli.policy_options import this_node
from natc.cli.rule_sets import RuleSet, lifted
from natc.diagnostics import Diagnostic, Edit, Fix, PolicyError
from natc.dsl import parser
from natc.dsl.includes import expand
from natc.dsl.text_checks import is_dump
from natc.lint.fixes import applied
from natc.lint.subject import Subject
from natc.reading import Includes
from natc.record import Record, replace
from natc.source import Source
from natc.targets.iptables.read import read


class Reading(Record):
    """How the files of one call are to be read.

    Attributes:
        kind: one of `rule_sets.SOURCES`.
        family: of dumps; None to see it by their addresses.
        node: None is this host.
        stdin_name: the name of standard input in messages; None is the usual one.
    """

    kind: str
    family: Family | None
    node: str | None
    settings: Mapping[str, str]
    stdin_name: str | None
    today: date


class Files:
    """The texts of one policy or dump: as they lie, with repairs over them.

    Attributes:
        name: of the main one, in messages.
        repaired: texts by the name of their file, of those that differ from what lies there.
    """

    def __init__(self, path: str, reading: Reading) -> None:
        self.path = path
        self.reading = reading
        self.name = (reading.stdin_name or "<stdin>") if path == STDIN else path
        self.repaired: dict[str, str] = {}
        self._lying: dict[str, str] = {}
        self._includes = Includes(path)

    def subject(self) -> Subject:
        """Return what the texts mean, repairs included.

        Raises:
            Unable: a file cannot be read, or a dump cannot be followed.
            PolicyError: they are wrong.
        """
        source = Source(self.name, self._text(self.name))
        reading = self.reading
        if reading.kind == "policy" or (reading.kind == "auto" and not is_dump(source)):
            tree, meaning = pipeline.understand_whole(
                source, self._included, this_node(reading.node), reading.settings
            )
            return Subject(meaning, tree, today=reading.today)
        ruleset = read(source, reading.family)
        meaning = lifted(ruleset, source.name)
        return Subject(meaning, rulesets=(ruleset,), today=reading.today)

    def included(self) -> set[str]:
        """Return the real paths of the files that belong to it; of wrong texts, those found."""
        with suppress(Unable, PolicyError):
            source = Source(self.name, self._text(self.name))
            if "include" in source.text and not is_dump(source):
                expand(parser.read(source)[0], self._included)
        return {os.path.realpath(name) for name in self._lying if name != self.name}

    def wary(self, finding: Diagnostic) -> Diagnostic:
        """Return a finding whose repair is unsafe where it is in an included file.

        Other policies may have the file, and the repair is compared for this one alone.
        """
        fix = finding.fix
        if fix is None or all(edit.span.source.name == self.name for edit in fix.edits):
            return finding
        return replace(finding, fix=replace(fix, is_safe=False))

    def hold(self, fix: Fix) -> bool:
        """Whether a repair is about these files, and not about words of the command line."""
        return all(edit.span.source.name in self._lying for edit in fix.edits)

    def lying(self, name: str) -> str:
        """Return the text of a file that was read, without repairs."""
        return self._lying[name]

    def repair(self, edits: Iterable[Edit]) -> None:
        """Apply edits of any of the files; those of one file do not overlap."""
        by_name: dict[str, list[Edit]] = {}
        for edit in edits:
            by_name.setdefault(edit.span.source.name, []).append(edit)
        for name, mine in by_name.items():
            self.repaired[name] = applied(self._text(name), mine)

    def _text(self, name: str) -> str:
        if name not in self._lying:
            self._lying[name] = read_policy(self.path, self.reading.stdin_name).text
        return self.repaired.get(name, self._lying[name])

    def _included(self, name: str) -> str:
        if name not in self._lying:
            self._lying[name] = self._includes(name)
        return self.repaired.get(name, self._lying[name])


def parts(paths: Iterable[str], reading: Reading) -> set[str]:
    """Return those of the files that others of them include, and that are no policies then."""
    # What is no file, such as a pipe, can be read only once.
    files = [path for path in paths if path != STDIN and Path(path).is_file()]
    included = {path: Files(path, reading).included() for path in files}
    every = {part for found in included.values() for part in found}
    # Of files that include each other in a circle, none is a part.
    tops = [found for path, found in included.items() if os.path.realpath(path) not in every]
    belonging = {part for found in tops for part in found}
    return {path for path in included if os.path.realpath(path) in belonging}


def rule_set(subject: Subject, name: str) -> RuleSet:
    """Return what was linted as something to compare."""
    families = tuple(ruleset.family for ruleset in subject.rulesets) or tuple(Family)
    return RuleSet(name, subject.policy, families, is_policy=not subject.is_dump)
