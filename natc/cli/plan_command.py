"""`natc plan`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from natc.cli.errors import FINDINGS
from natc.cli.files import echo_result
from natc.cli.on_gateway import able, tell, wait_option, wanted_policy
from natc.cli.policy_options import policy_options
from natc.cli.report import rendered, reported, say

if TYPE_CHECKING:
    from natc.host.planning.plan import Plan


@click.command("plan", no_args_is_help=True)
@click.argument("policy", metavar="POLICY")
@click.option(
    "--place",
    type=click.Choice(["first", "last"]),
    default="first",
    show_default=True,
    help="Before or after the rules of Docker, libvirt and others.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when something would change.")
@wait_option
@policy_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="Form of the result; markdown is for a comment on a pull request.",
)
def command(
    policy: str,
    *,
    place: str,
    exit_code: bool,
    wait: int,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
) -> None:
    """Show what `natc apply` would change on this gateway, and change nothing.

    \b
    natc plan office.nat
    natc plan office.nat --format json --exit-code

    The packets that would be treated differently, rules of other programs included, each set of
    them with one; the rules that change, in the kernel's words: + new, - gone, ~ in another order,
    = the same under another policy line; and the connections that would keep a translation which
    the new rules would not give, each with the command that deletes it alone.
    """  # noqa: D301
    from natc.host.doctor.blocking import blocking  # noqa: PLC0415 - start-up
    from natc.host.gateway import gateway  # noqa: PLC0415
    from natc.host.planning.plan import plan  # noqa: PLC0415
    from natc.targets.iptables.model import Place  # noqa: PLC0415

    with reported("text", "auto"), able():
        wanted = wanted_policy(policy, stdin_filename, node, settings)
        here = gateway(wait)
        made = plan(wanted, here, Place(place))
        found = blocking(wanted, here, "restore")
    show(made, format_)
    if found:
        say(rendered(found, "text"), "text", "auto")
        tell("`natc apply` refuses to apply because of this; --force applies in spite of it")
    if exit_code and made.is_change:
        raise SystemExit(FINDINGS)


def show(made: "Plan", format_: str) -> None:
    """Print a plan."""
    from natc.cli import plan_report  # noqa: PLC0415 - start-up

    forms = {"json": plan_report.as_json, "markdown": plan_report.markdown}
    echo_result(forms.get(format_, plan_report.text)(made))
