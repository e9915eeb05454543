"""`natc explain`."""

import click

from natc.cli.files import echo_result
from natc.diagnostics.codes import SLUGS, nearest
from natc.lint.catalogue import entry
from natc.lint.pages import readable


@click.command("explain", no_args_is_help=True)
@click.argument("code", metavar="CODE")
def command(code: str) -> None:
    """Explain a finding: what it is, why it matters, and what to write instead.

    \b
    natc explain NAT405
    natc explain unscoped-dnat

    CODE is a code or a name; `natc rules` lists them.
    """  # noqa: D301
    found = entry(code) or entry(code.upper())
    if found is None:
        if code in SLUGS or code in SLUGS.values():
            raise click.UsageError(f"natc does not look for `{code}` yet.")
        near = nearest(code) or "`natc rules` lists them"
        raise click.UsageError(f"no finding is called `{code}`; {near}")
    echo_result(readable(found))
