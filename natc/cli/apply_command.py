"""`natc apply`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from natc.cli.on_gateway import able, refuse, tell, tell_deleted, wait_option, wanted_policy
from natc.cli.policy_options import policy_options
from natc.cli.report import format_option, reported

if TYPE_CHECKING:
    from natc.host.gateway import Gateway
    from natc.host.policy import Wanted


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
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--flush-conntrack",
    type=click.Choice(["affected", "none"]),
    default="none",
    show_default=True,
    help="Delete connections that the new rules would certainly translate otherwise; with --confirm"
    " when they are confirmed.",
)
@click.option("--force", is_flag=True, help="Apply in spite of errors that `natc doctor` finds.")
@wait_option
@policy_options
@format_option
def command(
    policy: str,
    *,
    confirm: int | None,
    place: str,
    backend: str,
    dry_run: bool,
    flush_conntrack: str,
    force: bool,
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
    from natc.host.applying import apply  # noqa: PLC0415 - start-up
    from natc.host.doctor.blocking import blocking  # noqa: PLC0415
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    with reported(format_, colour), able():
        wanted = wanted_policy(policy, stdin_filename, node, settings)
        here = gateway(wait)
        found = [] if force else blocking(wanted, here, backend)
        refuse([one for one in found if one.code == "NAT503"], format_, colour)
        if dry_run:
            _show_plan(wanted, here, place, backend, format_)
        refuse(found, format_, colour)
        if dry_run:
            return
        done = apply(
            wanted,
            here,
            Store(),
            place=Place(place),
            backend="libiptc" if backend == "libiptc" else "restore",
            confirm=confirm,
            flush=flush_conntrack == "affected",
        )
    tell(*done.notes)
    if not done.changed:
        tell(f"{wanted.name} is in place already")
    elif done.pending:
        tell(f"{wanted.name} is in place for {done.pending} s; `natc confirm` keeps it")
    else:
        tell(f"{wanted.name} is in place")
    if done.pending and done.deleted:
        tell(f"stranded connections to delete when it is confirmed: {done.deleted:,}")
    elif not done.pending:
        tell_deleted(done.deleted)


def _show_plan(wanted: "Wanted", here: "Gateway", place: str, backend: str, format_: str) -> None:
    """Show what an apply would change; the rules have been loaded in a throw-away namespace."""
    from natc.cli.plan_command import show  # noqa: PLC0415 - start-up
    from natc.host.planning.plan import plan  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    made = plan(wanted, here, Place(place), "libiptc" if backend == "libiptc" else "restore")
    show(made, format_)
    tell("the kernel takes these rules; nothing was changed: this was a dry run")
