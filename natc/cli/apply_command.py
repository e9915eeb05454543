"""`natc apply`."""

from collections.abc import Mapping

import click

from natc.cli.on_gateway import able, tell, wait_option, wanted_policy
from natc.cli.policy_options import policy_options
from natc.cli.report import format_option, reported


@click.command("apply", no_args_is_help=True)
@click.argument("policy", metavar="POLICY")
@click.option(
    "--confirm",
    type=click.IntRange(1, 86400),
    metavar="SECONDS",
    help="Go back by itself unless `natc confirm` comes in time.",
)
@click.option(
    "--place",
    type=click.Choice(["first", "last"]),
    default="first",
    show_default=True,
    help="Before or after the rules of Docker, libvirt and others.",
)
@click.option(
    "--backend",
    type=click.Choice(["restore", "libiptc"]),
    default="restore",
    show_default=True,
    help="iptables-restore, or python-iptables on a legacy host.",
)
@wait_option
@policy_options
@format_option
def command(
    policy: str,
    *,
    confirm: int | None,
    place: str,
    backend: str,
    wait: int,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Put a policy's rules into the running kernel, all of them or none.

    \b
    natc apply office.nat --confirm 30
    natc apply office.nat --dry-run

    Rules of other programs are left alone, and so are connections. When natc, the terminal or the
    connection to the gateway dies on the way, the rules of before come back by themselves.
    """  # noqa: D301
    from natc.host.apply import apply  # noqa: PLC0415 - start-up
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    with reported(format_, colour), able():
        wanted = wanted_policy(policy, stdin_filename, node, settings)
        done = apply(
            wanted,
            gateway(wait),
            Store(),
            place=Place(place),
            backend="libiptc" if backend == "libiptc" else "restore",
            confirm=confirm,
        )
    tell(*done.notes)
    if not done.changed:
        tell(f"{wanted.name} is in place already")
    elif done.pending:
        tell(f"{wanted.name} is in place for {done.pending} s; `natc confirm` keeps it")
    else:
        tell(f"{wanted.name} is in place")
