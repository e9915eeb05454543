"""`natc rollback`."""

import click

from natc.cli.on_gateway import able, tell, wait_option


@click.command("rollback")
@wait_option
def command(*, wait: int) -> None:
    """Go back to the rules of before the last apply, confirmed or not.

    \b
    natc rollback
    natc rollback --wait 30

    What waits to be confirmed is taken back; else the apply before comes back, one at a time.
    """  # noqa: D301
    from natc.host.gateway import gateway  # noqa: PLC0415 - start-up
    from natc.host.going_back import roll_back  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    with able():
        done = roll_back(gateway(wait), Store())
    tell(*done.notes)
    now = done.generation
    if now is None or now.is_empty:
        tell("natc has no rules in place now")
    else:
        tell(f"back at {now.name}")
