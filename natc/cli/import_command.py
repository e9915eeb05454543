"""`natc import`."""

from collections.abc import Callable, Mapping

import click

from natc.address import Family
from natc.cli.files import echo_result, read_policy
from natc.cli.report import format_option, reported
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write


def _saved(ruleset: Ruleset) -> str:
    return write(ruleset, Form.SAVE)


_FORMS: Mapping[str, Callable[[Ruleset], str]] = {"iptables-save": _saved}
"""What `--to` takes, and who prints it."""


@click.command("import", no_args_is_help=True)
@click.argument("rules", metavar="FILE")
@click.option(
    "--to", "form", type=click.Choice(list(_FORMS)), help="What to print; so far the rules alone."
)
@click.option(
    "--family",
    type=click.Choice(["4", "6"]),
    help="Whose rules they are; default: that of the addresses in them.",
)
@click.option("-o", "--output", metavar="FILE", help="Write there instead.")
@click.option(
    "--stdin-filename", metavar="NAME", help="The name of standard input (`-`) in messages."
)
@format_option
def command(
    rules: str,
    *,
    form: str | None,
    family: str | None,
    output: str | None,
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Read rules that exist, as iptables-save prints them.

    \b
    natc import rules.v4 --to iptables-save
    natc import - --to iptables-save < rules.v4

    The rules come back as the kernel would have them: options by their short names, lists of
    addresses as several rules, insertions and deletions done. Matches and targets that natc does
    not know are kept as they are.
    """  # noqa: D301
    if form is None:
        raise click.UsageError(
            "natc does not write policies from rules yet: give --to iptables-save to see the "
            "rules as it reads them."
        )
    with reported(format_, colour):
        source = read_policy(rules, stdin_filename)
        ruleset = read(source, None if family is None else Family(int(family)))
    _deliver(_FORMS[form](ruleset), output)


def _deliver(text: str, output: str | None) -> None:
    if output is None or output in ("-", "/dev/stdout"):
        echo_result(text)
    else:
        from natc.cli.writing import write_whole  # noqa: PLC0415 - start-up

        write_whole(output, text)
