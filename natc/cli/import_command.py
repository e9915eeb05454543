"""`natc import`."""

from collections.abc import Callable, Mapping

import click

from natc.address import Family
from natc.cli.errors import Unable
from natc.cli.files import deliver, read_policy
from natc.cli.report import format_option, reported
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write


def _policy(ruleset: Ruleset, name: str) -> str:
    from natc.dsl.format import format as write_policy  # noqa: PLC0415 - start-up
    from natc.importers import import_rules  # noqa: PLC0415
    from natc.targets.iptables.lift import TooManyJumps  # noqa: PLC0415

    try:
        made = import_rules(ruleset, name)
    except TooManyJumps:
        raise Unable(f"{name}: its chains jump to chains too often to be followed") from None
    if made.remarks:
        count = len(made.remarks)
        noun = "rule is" if count == 1 else "rules are"
        click.echo(f"natc: {count} {noun} not expressed, see the comments in the policy", err=True)
    return write_policy(made.policy)


def _saved(ruleset: Ruleset, name: str) -> str:
    del name
    return write(ruleset, Form.SAVE)


_FORMS: Mapping[str, Callable[[Ruleset, str], str]] = {
    "policy": _policy,
    "iptables-save": _saved,
}
"""What `--to` takes, and who prints it."""


@click.command("import", no_args_is_help=True)
@click.argument("rules", metavar="FILE")
@click.option(
    "--to",
    "form",
    type=click.Choice(list(_FORMS)),
    default="policy",
    show_default=True,
    help="What to print.",
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
    form: str,
    family: str | None,
    output: str | None,
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Make a policy of rules that exist, as iptables-save prints them.

    \b
    natc import rules.v4 -o gateway.nat
    natc import - --to iptables-save < rules.v4

    The policy does what the rules of the nat table do, for every packet, except where it says that
    it does not: a rule that the language cannot express stands as a comment at its place, with the
    reason. With --to iptables-save the rules come back as the kernel would have them; matches and
    targets that natc does not know are kept as they are.
    """  # noqa: D301
    with reported(format_, colour):
        source = read_policy(rules, stdin_filename)
        ruleset = read(source, None if family is None else Family(int(family)))
    deliver(_FORMS[form](ruleset, source.name), output)
