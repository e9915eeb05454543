"""One call of `natc lint`: file after file, and at the end what was found in all of them."""

from difflib import unified_diff

import click

from natc.cli.errors import FINDINGS, OK
from natc.cli.files import STDIN, echo_result
from natc.cli.lint_files import Files, Reading
from natc.cli.lint_fix import Found, Repairs, repair
from natc.cli.lint_options import Options
from natc.cli.lint_report import print_findings, rendered, repaired, summary
from natc.cli.report import say
from natc.cli.writing import write_whole
from natc.diagnostics import Diagnostic, PolicyError, Undecided
from natc.diagnostics.text import printable
from natc.lint.run import lint
from natc.source import Span


class Run:
    """What was found so far.

    Attributes:
        code: the exit code.
    """

    def __init__(self, reading: Reading, options: Options, format_: str, colour: str) -> None:
        self.reading = reading
        self.options = options
        self.format = format_
        self.colour = colour
        self.code = OK
        self._names: list[str] = []
        self._findings: dict[tuple[str, Span, str], Diagnostic] = {}  # Files may share includes.
        self._undecided: dict[Undecided, None] = {}
        self._result_is_taken = False
        self._is_trial = False

    def look(self, path: str) -> None:
        """Lint a file.

        Raises:
            Unable: it cannot be read.
        """
        files = Files(path, self.reading)
        found = self._found(files, path)
        self._add(files, path, found, found[1])

    def repair(self, path: str, *, write: bool, unsafe: bool) -> None:
        """Lint a file and repair it, or show how.

        Raises:
            Unable: it cannot be read, or not be written.
        """
        files = Files(path, self.reading)
        repairs = repair(files, lambda: self._found(files, path), unsafe=unsafe)
        if write:
            for name, text in files.repaired.items():
                if name != files.name or path != STDIN:
                    write_whole(name, text)
        self._tell(files, repairs, write=write)
        if path == STDIN and write:
            self._result_is_taken = True
            echo_result(files.repaired.get(files.name) or files.lying(files.name))
        elif not write:
            self._result_is_taken = self._is_trial = True
            echo_result("".join(_differences(files)))
        failing = list(repairs.left[1]) if write else [*repairs.left[1], *repairs.done]
        self._add(files, path, repairs.left, failing)

    def report(self) -> None:
        """Print what was found; a summary on standard error, for people."""
        findings = sorted(self._findings.values(), key=lambda finding: finding.sort_key)
        undecided = list(self._undecided)
        if not self._result_is_taken:
            print_findings(findings, undecided, self.format, self.colour)
        elif findings or undecided:
            say(rendered(findings, undecided, self.format), self.format, self.colour)
        if self.format == "text" and self._names:
            click.echo(summary(findings, self._names, is_trial=self._is_trial), err=True)

    def _found(self, files: Files, path: str) -> Found:
        choice = self.options.choices[path]
        try:
            subject = files.subject()
            found = lint(subject, choice.entries, choice.levels)
        except PolicyError as error:
            return None, list(map(files.wary, error.diagnostics))
        return subject, list(map(files.wary, found))

    def _add(self, files: Files, path: str, found: Found, failing: list[Diagnostic]) -> None:
        subject, findings = found
        self._names.append(files.name)
        for finding in findings:
            key = (finding.code, finding.primary.span, finding.message)
            self._findings.setdefault(key, finding)
        for what in subject.undecided if subject else ():
            self._undecided[Undecided(files.name, what)] = None
        if self.options.choices[path].fails(failing):
            self.code = max(self.code, FINDINGS)

    def _tell(self, files: Files, repairs: Repairs, *, write: bool) -> None:
        """Say on standard error what was repaired, and what that changes."""
        name = printable(files.name)
        if repairs.refused is not None:
            click.echo(f"natc: {name} is not repaired: {repairs.refused}", err=True)
        if repairs.done:
            verb = "repaired" if write else "would repair"
            click.echo(f"{verb} {name}", err=True)
            for line in repaired(repairs.done):
                click.echo(line, err=True)
            click.echo(repairs.meaning, err=True)


def _differences(files: Files) -> list[str]:
    lines: list[str] = []
    for name, text in files.repaired.items():
        shown = printable(name)
        before = files.lying(name).splitlines(keepends=True)
        after = text.splitlines(keepends=True)
        made = unified_diff(before, after, shown, f"{shown} (repaired)")
        lines += (line if line.endswith("\n") else f"{line}\n" for line in made)
    return lines
