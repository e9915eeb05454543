"""`natc fmt`."""

import click

from natc.cli.errors import FINDINGS, OK, Unable
from natc.cli.files import STDIN, echo_result, read_policy
from natc.cli.report import format_option, rendered, say
from natc.cli.writing import write_whole
from natc.diagnostics import Diagnostic, PolicyError
from natc.diagnostics.text import printable
from natc.dsl.format import format as format_policy
from natc.dsl.parser import parse
from natc.source import Source


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
    code = OK
    for path in policies:
        try:
            source = read_policy(path, stdin_filename)
            text = format_policy(parse(source))
            if not (check or diff):
                _rewrite(path, source, text)
            elif text != source.text:
                _tell(source, text, check=check, diff=diff)
                code = max(code, FINDINGS if check else OK)
        except PolicyError as error:
            problems += error.diagnostics
            code = max(code, FINDINGS)
        except Unable as error:
            error.show()
            code = max(code, error.exit_code)
    if problems:
        say(rendered(problems, format_), format_, colour)
    if code != OK:
        raise SystemExit(code)


def _rewrite(path: str, source: Source, text: str) -> None:
    if path == STDIN:
        echo_result(text)
    elif text != source.text:
        write_whole(path, text)
        click.echo(f"reformatted {printable(path)}", err=True)


def _tell(source: Source, text: str, *, check: bool, diff: bool) -> None:
    if diff:
        _print_diff(source.name, source.text, text)
    if check:
        click.echo(f"would reformat {printable(source.name)}", err=True)


def _print_diff(name: str, before: str, after: str) -> None:
    from difflib import unified_diff  # noqa: PLC0415 - start-up

    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        printable(name),
        f"{printable(name)} (formatted)",
    )
    echo_result("".join(line if line.endswith("\n") else f"{line}\n" for line in lines))
