"""Ends of a command that are not findings in a policy."""

import click

from natc.diagnostics.text import printable

OK, FINDINGS, USAGE, UNABLE = range(4)
"""Exit codes: nothing to report; findings; wrong usage; natc could not do the work."""

INTERRUPTED = 130
"""The exit code of Ctrl-C: what shells make of a program that SIGINT ended."""


class Unable(click.ClickException):
    """natc could not do the work: an unreadable file, a missing tool, no privilege."""

    exit_code = UNABLE

    def show(self, file: object = None) -> None:
        """Say why, on standard error."""
        del file
        lines = map(printable, self.message.split("\n"))
        click.echo("\n".join([f"natc: {next(lines)}", *lines]), err=True)
