"""`natc confirm`."""

import click

from natc.cli.on_gateway import able, tell, tell_deleted, wait_option


@click.command("confirm")
@wait_option
def command(*, wait: int) -> None:
    """Keep what `natc apply --confirm` put in place.

    \b
    natc confirm
    natc confirm --wait 30

    From now on it also comes back after a boot.
    Connections that `--flush-conntrack affected` found stranded are deleted now.
    """  # noqa: D301
    from natc.host.going_back import confirm  # noqa: PLC0415 - start-up
    from natc.host.store import Store  # noqa: PLC0415

    with able():
        done = confirm(Store(), wait)
    kept = done.generation
    tell("confirmed" if kept is None else f"{kept.name} is confirmed")
    tell(*done.notes)
    tell_deleted(done.deleted)
