"""`natc watch`."""

import gc
from collections.abc import Mapping
from pathlib import Path

import click

from natc.cli.on_gateway import able, tell, wait_option
from natc.cli.policy_options import node_options
from natc.cli.report import format_option, reported


@click.command("watch")
@click.argument("policy", metavar="[POLICY]", required=False)
@click.option("--repair", is_flag=True, help="Undo what others do to natc's rules.")
@click.option(
    "--repair-every",
    type=click.IntRange(1, 86400),
    metavar="SECONDS",
    default=30,
    show_default=True,
    help="How often to look whether others did.",
)
@click.option(
    "--metrics",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write numbers for node_exporter's textfile collector.",
)
@wait_option
@node_options
@format_option
def command(
    policy: str | None,
    *,
    repair: bool,
    repair_every: int,
    metrics: Path | None,
    wait: int,
    node: str | None,
    settings: Mapping[str, str],
    format_: str,
    colour: str,
) -> None:
    """Follow the health of servers: new connections go to those that are up.

    \b
    natc watch
    natc watch office.nat --repair --metrics /var/lib/node_exporter/natc.prom

    Checks the servers of `balance … check` rules of the policy that is in place, whichever that
    is; POLICY is put in place first. SIGHUP reads the policy again. The rules stay when it ends.
    """  # noqa: D301
    from natc.host.gateway import gateway  # noqa: PLC0415 - start-up
    from natc.host.policy import wanted  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415
    from natc.host.watching.followed import applied  # noqa: PLC0415
    from natc.host.watching.journal import log  # noqa: PLC0415
    from natc.host.watching.notify import Notifier  # noqa: PLC0415
    from natc.host.watching.watch import Options, Watch  # noqa: PLC0415

    if policy is None and (node is not None or settings):
        raise click.UsageError("--node and --set belong to a POLICY.")
    if policy == "-":
        raise click.UsageError("POLICY is a file: it must be there to be read again.")
    gc.enable()  # `natc.cli.entry` turned it off, for runs that are short.
    store = Store()
    with reported(format_, colour), able():
        host = gateway(wait)
        if policy is not None:
            done = applied(wanted(policy, node, settings), host, store, store.current)
            tell(*done.notes)
        store.make()
        options = Options(repair, float(repair_every), metrics)
        Watch(host, store, log(), Notifier(), options).run()
