"""`natc compile`."""

import os
from collections.abc import Collection, Mapping

import click

from natc import pipeline
from natc.address import FAMILIES, Family
from natc.cli.files import deliver, read_policy
from natc.cli.plain import restore_text
from natc.cli.policy_options import policy_options, this_node
from natc.cli.report import format_option, reported
from natc.diagnostics.text import printable
from natc.reading import Includes
from natc.targets.iptables.write import Form


@click.command("compile", no_args_is_help=True)
@click.argument("policy", metavar="POLICY")
@click.option(
    "-o",
    "--output",
    metavar="FILE|DIR",
    help="Write there instead; DIR gets rules.v4 and rules.v6.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Only the rules of one IP version.")
@click.option(
    "--script",
    "as_script",
    is_flag=True,
    help="A shell script for boot: installs or replaces, idempotent.",
)
@click.option("--standalone", is_flag=True, help="Whole tables, for a gateway with no other rules.")
@policy_options
@format_option
def command(
    policy: str,
    output: str | None,
    family: str | None,
    *,
    as_script: bool,
    standalone: bool,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Turn a policy into iptables-restore text.

    \b
    natc compile office.nat | iptables-restore --noflush
    natc compile office.nat --script -o /etc/natc/office.sh

    The text holds natc's own chains and the jumps to them, for a first installation; `--script`
    installs or replaces, whichever is right. Rules of other programs are left alone.
    """  # noqa: D301
    if as_script and standalone:
        raise click.UsageError("--script and --standalone exclude each other.")
    with reported(format_, colour):
        source = read_policy(policy, stdin_filename)
        made = pipeline.compile_rules(source, Includes(policy), this_node(node), settings)
    families: Collection[Family] = FAMILIES
    if family is not None:
        families = (Family(int(family)),)
        made = {kind: rules for kind, rules in made.items() if kind in families}
    if not made:
        raise click.UsageError(f"The policy has no rules for IPv{family}.")
    if as_script:
        if output is not None and _is_folder(output):
            raise click.UsageError("--script is one file: name it, as in `-o DIR/natc.sh`.")
        from natc.targets.iptables.script import script  # noqa: PLC0415 - start-up

        deliver(script(made, printable(source.name), families), output, executable=True)
        return
    form = Form.STANDALONE if standalone else Form.INSTALL
    texts = {kind: restore_text(ruleset, form, source.name) for kind, ruleset in made.items()}
    if output is not None and _is_folder(output):
        _deliver_to_folder({kind: texts.get(kind) for kind in families}, output)
        return
    if len(texts) > 1:
        raise click.UsageError(
            "The policy has rules for IPv4 and IPv6: choose one with --family, write both with "
            "-o DIR, or use --script."
        )
    deliver(next(iter(texts.values())), output)


def _is_folder(output: str) -> bool:
    return os.path.isdir(output) or output.endswith("/")  # noqa: PTH112


def _deliver_to_folder(texts: Mapping[Family, str | None], folder: str) -> None:
    """Write the rules of each family; old ones where there are none now would load at boot."""
    from natc.cli.writing import make_folder, remove_if, write_whole  # noqa: PLC0415 - start-up

    make_folder(folder)
    for family, text in texts.items():
        path = f"{folder.rstrip('/')}/rules.v{family.value}"
        if text is not None:
            write_whole(path, text)
        elif remove_if(path, "# natc "):
            click.echo(f"removed {path}: the policy has no rules for {family}", err=True)
        elif os.path.exists(path):  # noqa: PTH110
            click.echo(
                f"natc: {path} stays: the policy has no rules for {family}, but natc did not "
                "write it",
                err=True,
            )
