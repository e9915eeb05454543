"""`natc status`."""

import time
from pathlib import Path

import click

from natc.cli.errors import FINDINGS, UNABLE
from natc.cli.files import echo_result
from natc.cli.on_gateway import able, wait_option


@click.command("status")
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 1 when the rules are not as applied, with 3 when that is not known.",
)
@wait_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Form of the result.",
)
def command(*, exit_code: bool, wait: int, format_: str) -> None:
    """Show what natc has put into the kernel, and whether it is still there.

    \b
    natc status
    natc status --exit-code --format json

    From which file, since when, and whether the next boot restores it; the packets that are
    treated differently where somebody has changed natc's rules; and how many connections each
    line of the policy has translated.
    """  # noqa: D301
    from natc.cli import status_report  # noqa: PLC0415 - start-up
    from natc.host.boot import files as boot  # noqa: PLC0415
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.planning.status import status  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    store = Store()
    with able():
        made = status(gateway(wait), store)
    is_enabled = boot.is_enabled(boot.Machine(Path("/"), None, store))
    if format_ == "json":
        echo_result(status_report.as_json(made, is_boot_enabled=is_enabled))
    else:
        echo_result(status_report.text(made, time.time(), is_boot_enabled=is_enabled))
    if exit_code and made.drift.is_there is not False:
        raise SystemExit(FINDINGS if made.drift.is_there else UNABLE)
