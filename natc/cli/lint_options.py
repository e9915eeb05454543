"""What `natc lint` is to look for: the command line's words, else those of the nearest file."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

import click

from natc.record import Record

if TYPE_CHECKING:
    from natc.diagnostics import Diagnostic, Severity
    from natc.lint.catalogue import Entry

FAIL_ON = ("error", "warning", "note", "never")
_DEFAULT = "warning"


def words(
    ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return the rules that an option names, None when it is not given."""
    from natc.lint.selection import BadWord, chosen, codes_of, ignored  # noqa: PLC0415 - start-up

    found = tuple(word.strip() for text in given for word in text.split(",") if word.strip())
    for word in found:
        try:
            if parameter.name == "ignore":
                ignored(word)
            elif word != "default":
                codes_of(word)
                chosen([word])
        except BadWord as problem:
            help_ = f"; {problem.help}" if problem.help else ""
            raise click.BadParameter(f"{problem}{help_}", ctx, parameter) from None
    return found if given else None


class Choice(Record):
    """What to look for in one file.

    Attributes:
        levels: other levels than the catalogue's, by code.
        fail_on: one of `FAIL_ON`.
    """

    entries: tuple["Entry", ...]
    levels: Mapping[str, "Severity"]
    fail_on: str

    def fails(self, findings: "Iterable[Diagnostic]") -> bool:
        """Whether a finding is bad enough to fail."""
        bad = FAIL_ON[: FAIL_ON.index(self.fail_on) + 1] if self.fail_on != "never" else ()
        return any(str(finding.severity) in bad for finding in findings)


class Options(Record):
    """What to look for in each file, by its path."""

    choices: Mapping[str, Choice]

    @classmethod
    def of(
        cls,
        paths: Iterable[str],
        select: tuple[str, ...] | None,
        ignore: tuple[str, ...] | None,
        fail_on: str | None,
        stdin_name: str | None,
    ) -> Self:
        """Put together what the command line says (None is nothing) and the files of settings.

        `--select` stands in the place of `select` and `ignore` of a file, the others for
        themselves.

        Raises:
            PolicyError: a file of settings is wrong.
            Unable: it cannot be read.
        """
        from natc.cli.lint_config import config_of  # noqa: PLC0415 - start-up
        from natc.lint.selection import chosen  # noqa: PLC0415

        choices = {}
        for path in paths:
            config = config_of(path, stdin_name)
            unwanted = config.ignore if ignore is None and select is None else ignore or ()
            entries = chosen(config.select if select is None else select, unwanted)
            lowest = fail_on or config.fail_on or _DEFAULT
            choices[path] = Choice(entries, dict(config.levels), lowest)
        return cls(choices)
