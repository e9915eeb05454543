"""`natc doctor`."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import click

from natc.cli.errors import FINDINGS, Unable
from natc.cli.files import STDIN
from natc.cli.lint_options import FAIL_ON, Choice
from natc.cli.on_gateway import able, tell, wait_option, wanted_policy
from natc.cli.policy_options import policy_options
from natc.cli.report import format_option, reported
from natc.record import Record

if TYPE_CHECKING:
    from natc.host.doctor.patient import Patient
    from natc.host.policy import Wanted
    from natc.host.store import Store


def _words(
    ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the findings that an option names."""
    from natc.host.doctor.examination import chosen  # noqa: PLC0415 - start-up
    from natc.lint.selection import BadWord  # noqa: PLC0415

    found = tuple(word.strip() for text in given for word in text.split(",") if word.strip())
    for word in found:
        try:
            chosen((), [word]) if parameter.name == "ignore" else chosen([word], ())
        except BadWord as problem:
            help_ = f"; {problem.help}" if problem.help else ""
            raise click.BadParameter(f"{problem}{help_}", ctx, parameter) from None
    return found


class Asked(Record):
    """What the command line says is to be looked for; empty is nothing said."""

    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fail_on: str | None


@click.command("doctor")
@click.argument("policy", metavar="[POLICY]", required=False)
@click.option(
    "--select",
    metavar="FINDING,...",
    callback=_words,
    multiple=True,
    help="Look for these alone: codes, names, beginnings of codes.",
)
@click.option(
    "--ignore", metavar="FINDING,...", callback=_words, multiple=True, help="Do not look for these."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="The lowest level that makes the exit code 1; default: warning.",
)
@wait_option
@policy_options
@format_option
def command(
    policy: str | None,
    *,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    wait: int,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Find what is wrong with this gateway, and between it and a policy.

    \b
    natc doctor
    natc doctor office.nat

    Without POLICY, the file that was applied last. Changes nothing; every finding says what to do
    about it, and `natc explain CODE` what it means. An `allow` in the policy silences one where it
    is right.
    """  # noqa: D301
    from natc.cli.lint_report import print_findings, summary  # noqa: PLC0415 - start-up
    from natc.diagnostics import Undecided  # noqa: PLC0415
    from natc.host.doctor.examination import examined  # noqa: PLC0415
    from natc.host.store import Store  # noqa: PLC0415

    store = Store()
    with reported(format_, colour), able():
        wanted = _wanted(policy, store, node, settings, stdin_filename)
        path = None if wanted is None else stdin_filename or wanted.path
        choice = _choice(path, Asked(select, ignore, fail_on))
        patient = _patient(wanted, store, wait)
    found = examined(patient, choice.entries, choice.levels, date.today())  # noqa: DTZ011
    name = "this gateway"
    print_findings(found, [Undecided(name, what) for what in patient.undecided], format_, colour)
    if format_ == "text":
        click.echo(summary(found, [name], is_trial=False), err=True)
    if choice.fails(found):
        raise SystemExit(FINDINGS)


def _wanted(
    policy: str | None,
    store: "Store",
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
) -> "Wanted | None":
    """Return the policy that is named, else the one in place; None where there is none.

    Raises:
        HostError: natc's memory is damaged.
        Unable: a policy that is named cannot be read.
        PolicyError: it is wrong.
    """
    if policy is not None:
        return wanted_policy(policy, stdin_filename, node, settings)
    current = store.current
    if current is None or current.is_empty:
        return None
    if current.policy == STDIN:
        tell("the policy in place came by standard input and is not looked at: name its file")
        return None
    try:
        return wanted_policy(
            current.policy, None, node or current.node, settings or current.settings
        )
    except Unable as error:
        tell(f"the policy in place is not looked at: {error.message}")
        return None


def _choice(path: str | None, asked: Asked) -> Choice:
    """Put together what the command line says, and the settings for a policy.

    Args:
        path: of the policy; None where there is none.

    Raises:
        PolicyError: a file of settings is wrong.
    """
    from natc.cli.lint_config import config_of  # noqa: PLC0415 - start-up
    from natc.host.doctor.examination import chosen  # noqa: PLC0415
    from natc.lint.config import Config  # noqa: PLC0415

    config = Config() if path is None else config_of(path, None)
    entries = chosen(asked.select, asked.ignore or config.ignore)
    return Choice(entries, dict(config.levels), asked.fail_on or config.fail_on or "warning")


def _patient(wanted: "Wanted | None", store: "Store", wait: int) -> "Patient":
    """Look at the machine.

    Raises:
        HostError: there is nothing that could be looked at.
    """
    from natc.host.doctor.examination import patient_of  # noqa: PLC0415 - start-up
    from natc.host.doctor.gather import gather  # noqa: PLC0415
    from natc.host.doctor.patient import Patient  # noqa: PLC0415
    from natc.host.errors import HostError  # noqa: PLC0415
    from natc.host.gateway import gateway  # noqa: PLC0415

    try:
        here = gateway(wait)
    except HostError as error:
        tell(str(error))
        here = None
    facts = gather(here, store)
    if facts.is_empty:
        raise HostError("this machine says nothing of itself", "run natc as root on the gateway")
    return Patient(facts) if wanted is None else patient_of(facts, wanted)
