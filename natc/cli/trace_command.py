"""`natc trace`."""

from collections.abc import Mapping

import click

from natc.address import Family, parse
from natc.cli.files import echo_result, read_policy
from natc.cli.policy_options import policy_options, this_node
from natc.cli.report import format_option, reported
from natc.cli.rule_sets import SOURCES
from natc.dsl.text_checks import is_dump
from natc.record import replace


def _addresses(
    ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    for text in given:
        try:
            parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error).replace("`", "'"), ctx, parameter) from None
    return given


@click.command("trace", no_args_is_help=True)
@click.argument("rules", metavar="RULES")
@click.option(
    "--packet",
    "packets",
    metavar="PACKET",
    multiple=True,
    help="The first packet of a connection, as in a policy's test; may be given several times.",
)
@click.option("--packets", "file", metavar="FILE", help="A file with a packet in each line.")
@click.option(
    "--from",
    "kind",
    type=click.Choice(SOURCES),
    default="auto",
    help="What RULES is; auto looks at it.",
)
@click.option(
    "--family",
    type=click.Choice(["4", "6"]),
    help="Whose rules iptables-save printed; default: that of the addresses in them.",
)
@click.option(
    "--own",
    metavar="ADDRESS",
    multiple=True,
    callback=_addresses,
    help="For rules of iptables-save: an address of the gateway; give them all.",
)
@policy_options
@format_option
def command(
    rules: str,
    *,
    packets: tuple[str, ...],
    file: str | None,
    kind: str,
    family: str | None,
    own: tuple[str, ...],
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Tell what becomes of a packet, and which rules decide.

    \b
    natc trace office.nat --packet 'tcp 198.51.100.7:4000 > 203.0.113.2:80 in wan'
    iptables-save | natc trace - --packet 'udp 10.0.0.9:4000 > 9.9.9.9:53 in eth1 out eth0'

    RULES is a policy, or what iptables-save printed. The packet passes the hooks in the kernel's
    order; each rule is named with its file and line, then what leaves, and the reply. What the
    kernel chooses is computed, or shown as the set that it chooses from; what natc cannot know
    is told as alternatives.
    """  # noqa: D301
    if not packets and file is None:
        raise click.UsageError("No packet: give --packet or --packets.")
    with reported(format_, colour):
        source = read_policy(rules, stdin_filename)
        is_rules = kind == "iptables-save" or (kind == "auto" and is_dump(source))
        if not is_rules and (own or family):
            raise click.UsageError("--own and --family are for rules of iptables-save.")
        from natc.cli import trace_rules  # noqa: PLC0415 - start-up

        places = trace_rules.places(packets, file)
        if not places:
            raise click.UsageError(f"There is no packet in {file}.")
        if is_rules:
            asked = None if family is None else Family(int(family))
            traced = trace_rules.of_rules(source, asked, own, places)
        else:
            traced = trace_rules.of_policy(source, rules, this_node(node), settings, places)
    from natc.simulate.story import tell  # noqa: PLC0415

    stories = []
    for packet in traced.packets:
        story = tell(traced.policy, packet, traced.site, traced.layout)
        note = traced.notes.get(packet.protocol)
        stories.append(replace(story, notes=(*story.notes, note)) if note else story)
    if format_ == "json":
        from natc.cli.trace_json import json_text  # noqa: PLC0415

        echo_result(json_text(stories))
        return
    from natc.cli.trace_text import text  # noqa: PLC0415

    echo_result(text(stories, source.name if is_rules else None))
