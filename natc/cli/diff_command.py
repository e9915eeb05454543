"""`natc diff`."""

from collections.abc import Mapping

import click

from natc.address import Family
from natc.cli.errors import FINDINGS, Unable
from natc.cli.files import echo_result
from natc.cli.policy_options import policy_options
from natc.cli.report import reported
from natc.cli.rule_sets import SOURCES, RuleSet, rule_set
from natc.record import replace


@click.command("diff", no_args_is_help=True)
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@click.option(
    "--from",
    "kind",
    type=click.Choice(SOURCES),
    default="auto",
    help="What A and B are; auto looks at each.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Only packets of one IP version.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there is a difference.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="Form of the result; markdown is for a comment on a pull request.",
)
@policy_options
def command(
    left: str,
    right: str,
    *,
    kind: str,
    family: str | None,
    exit_code: bool,
    format_: str,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
) -> None:
    """Show the packets that two rule sets treat differently.

    \b
    natc diff office.nat office-new.nat
    iptables-save | natc diff office.nat - --exit-code

    A and B are policies, what iptables-save printed, or one of each. The answer is about all
    packets, not about samples: nothing shown means that every packet is treated alike. Each
    difference comes with a packet, and with the rules that decide on both sides.
    """  # noqa: D301
    from natc.cli.differences import Report, differences  # noqa: PLC0415 - start-up
    from natc.simulate.compare import Undecided  # noqa: PLC0415

    asked = None if family is None else Family(int(family))
    sets: list[RuleSet] = []
    with reported("text", "auto"):
        for path in (left, right):
            made = rule_set(path, kind, asked, node, settings)
            name = stdin_filename if path == "-" and stdin_filename else made.name
            sets.append(replace(made, name=name))
    families = [
        each
        for each in Family
        if asked in (None, each) and all(each in one.families for one in sets)
    ]
    if not families:
        raise click.UsageError("A and B have no IP version in common; see --family.")
    try:
        report = Report(sets[0], sets[1], differences(sets[0], sets[1], families))
    except Undecided:
        raise Unable("the rule sets differ in too many ways to tell them apart") from None
    form = {"text": report.text, "json": report.json, "markdown": report.markdown}[format_]
    echo_result(form())
    if exit_code and report.found:
        raise SystemExit(FINDINGS)
