"""What the commands share that act on a running gateway."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from natc.cli.errors import FINDINGS, Unable
from natc.cli.files import STDIN, read_policy
from natc.cli.report import rendered, say
from natc.diagnostics.text import printable

if TYPE_CHECKING:
    from natc.diagnostics import Diagnostic
    from natc.host.policy import Wanted

Command = Callable[..., None]


def wait_option(function: Command) -> Command:
    """Add `--wait` to a command."""
    return click.option(
        "--wait",
        type=click.IntRange(0, 3600),
        metavar="SECONDS",
        default=5,
        show_default=True,
        help="How long to wait while others change rules.",
    )(function)


@contextmanager
def able() -> Iterator[None]:
    """Tell what natc could not do on the gateway, and end with exit code 3."""
    from natc.host.errors import HostError  # noqa: PLC0415 - start-up

    try:
        yield
    except HostError as error:
        message = str(error.args[0])
        raise Unable(f"{message}\n  help: {error.help}" if error.help else message) from None


def wanted_policy(
    path: str, stdin_filename: str | None, node: str | None, settings: Mapping[str, str]
) -> "Wanted":
    """Read and compile a policy, or what comes by standard input.

    Raises:
        Unable: it cannot be read.
        PolicyError: it is wrong.
    """
    from natc.host.policy import Wanted  # noqa: PLC0415 - start-up

    source = read_policy(path, stdin_filename)
    return Wanted(source, "-" if path == STDIN else path, node, settings)


def refuse(found: "Sequence[Diagnostic]", format_: str, colour: str) -> None:
    """End with exit code 1 where something makes it senseless to apply."""
    if found:
        say(rendered(found, format_), format_, colour)
        tell("nothing was changed; --force applies in spite of it")
        raise SystemExit(FINDINGS)


def tell(*lines: str) -> None:
    """Say on standard error what happens."""
    for line in lines:
        click.echo(f"natc: {printable(line)}", err=True)


def tell_deleted(count: int | None) -> None:
    """Say how many stranded connections were deleted, where that was asked for."""
    if count is not None:
        tell(f"{count:,} stranded connection{'' if count == 1 else 's'} deleted")
