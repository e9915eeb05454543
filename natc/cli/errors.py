"""Ends of a command that are not findings in a policy."""

import click


class Unable(click.ClickException):
    """natc could not do the work: an unreadable file, a missing tool, no privilege."""

    exit_code = 3

    def show(self, file: object = None) -> None:
        """Say why, on standard error."""
        del file
        click.echo(f"natc: {self.message}", err=True)
