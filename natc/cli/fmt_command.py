"""`natc fmt`."""

import click

from natc.cli.files import STDIN, echo_result, read_policy, write_whole
from natc.cli.report import FINDINGS, format_option, rendered, say
from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl.format import format as format_policy
from natc.dsl.parser import parse


@click.command("fmt", no_args_is_help=True)
@click.argument("policies", metavar="POLICY...", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
@click.option(
    "--stdin-filename", metavar="NAME", help="The name of standard input (`-`) in messages."
)
@format_option
def command(
    policies: tuple[str, ...],
    *,
    check: bool,
    diff: bool,
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Write policies in their canonical form, in place.

    \b
    natc fmt office.nat
    natc fmt --check policies/*.nat

    Comments and single empty lines stay. `-` reads standard input and writes standard output.
    """  # noqa: D301
    problems: list[Diagnostic] = []
    changes = False
    for path in policies:
        try:
            source = read_policy(path, stdin_filename)
            text = format_policy(parse(source))
        except PolicyError as error:
            problems += error.diagnostics
            continue
        changed = text != source.text
        changes |= changed
        if diff and changed:
            _print_diff(source.name, source.text, text)
        if check and changed:
            click.echo(f"would reformat {source.name}", err=True)
        if path == STDIN and not check and not diff:
            echo_result(text)
        elif changed and not check and not diff:
            write_whole(path, text)
            click.echo(f"reformatted {path}", err=True)
    if problems:
        say(rendered(problems, format_), format_, colour)
        raise SystemExit(FINDINGS)
    if check and changes:
        raise SystemExit(FINDINGS)


def _print_diff(name: str, before: str, after: str) -> None:
    from difflib import unified_diff  # noqa: PLC0415 - start-up

    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        name,
        f"{name} (formatted)",
    )
    for line in lines:
        click.echo(line if line.endswith("\n") else f"{line}\n", nl=False)
