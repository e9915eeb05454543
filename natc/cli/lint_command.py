"""`natc lint`."""

from collections.abc import Mapping
from datetime import date

import click

from natc.address import Family
from natc.cli.errors import OK, USAGE, Unable
from natc.cli.files import STDIN
from natc.cli.lint_options import FAIL_ON, words
from natc.cli.policy_options import policy_options
from natc.cli.report import format_option, rendered, say
from natc.cli.rule_sets import SOURCES
from natc.diagnostics import PolicyError


@click.command("lint", no_args_is_help=True)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--from",
    "kind",
    type=click.Choice(SOURCES),
    default="auto",
    help="What the files are; auto looks at each.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Whose rules a dump holds.")
@click.option(
    "--select",
    metavar="RULE,...",
    callback=words,
    multiple=True,
    help="Look for these alone: codes, names, beginnings of codes, `default`, `all`.",
)
@click.option(
    "--ignore", metavar="RULE,...", callback=words, multiple=True, help="Do not look for these."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="The lowest level that makes the exit code 1; default: warning.",
)
@click.option("--fix", is_flag=True, help="Repair what can be repaired without changing packets.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also other repairs.")
@click.option("--diff", is_flag=True, help="Write nothing; print what --fix would change.")
@policy_options
@format_option
def command(
    files: tuple[str, ...],
    *,
    kind: str,
    family: str | None,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    fail_on: str | None,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Find what is wrong or suspicious in policies and rules that exist.

    \b
    natc lint office.nat
    natc lint rules.v4 --fail-on error

    The answer is about all packets, not about samples; `natc explain CODE` says what a finding
    means, `natc rules` lists them all. An `allow` in the policy silences one where it is right.
    """  # noqa: D301
    from natc.cli.lint_files import Reading, parts  # noqa: PLC0415 - start-up
    from natc.cli.lint_options import Options  # noqa: PLC0415
    from natc.cli.lint_run import Run  # noqa: PLC0415

    if unsafe_fixes and not (fix or diff):
        raise click.UsageError("--unsafe-fixes goes with --fix or --diff.")
    if (fix or diff) and STDIN in files and len(files) > 1:
        raise click.UsageError("repaired standard input goes to standard output: give it alone.")
    asked = None if family is None else Family(int(family))
    reading = Reading(kind, asked, node, settings, stdin_filename, date.today())  # noqa: DTZ011
    try:
        options = Options.of(files, select, ignore, fail_on, stdin_filename)
    except PolicyError as error:
        say(rendered(error.diagnostics, format_), format_, colour)
        raise SystemExit(USAGE) from None
    run = Run(reading, options, format_, colour)
    belonging = parts(files, reading) if len(files) > 1 and kind != "iptables-save" else ()
    for path in files:
        if path in belonging:
            continue  # It is looked at where it is included.
        try:
            if fix or diff:
                run.repair(path, write=not diff, unsafe=unsafe_fixes)
            else:
                run.look(path)
        except Unable as error:
            error.show()
            run.code = max(run.code, error.exit_code)
    run.report()
    if run.code != OK:
        raise SystemExit(run.code)
