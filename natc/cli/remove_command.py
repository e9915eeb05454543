"""`natc remove`."""

import click

from natc.cli.on_gateway import able, tell, wait_option


@click.command("remove")
@wait_option
def command(*, wait: int) -> None:
    """Take all of natc's rules out of the kernel.

    \b
    natc remove
    natc remove --wait 30

    Rules of other programs stay, and connections that were translated go on. `natc rollback`
    brings the rules back.
    """  # noqa: D301
    from natc.host.gateway import gateway  # noqa: PLC0415 - start-up
    from natc.host.going_back import remove  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    with able():
        remove(gateway(wait), Store())
    tell("natc has no rules in place now")
