"""`natc test`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from natc import pipeline
from natc.address import Family
from natc.cli import test_tables as tables
from natc.cli.errors import FINDINGS, Unable
from natc.cli.files import echo_result
from natc.cli.policy_options import policy_options, understand
from natc.cli.report import (
    coloured,
    format_option,
    rendered,
    say,
    wants_colour,
)
from natc.cli.test_promises import json_rows, lines
from natc.cli.test_tables import MODEL, Verdict
from natc.diagnostics import Diagnostic, PolicyError
from natc.ir.intervals import point
from natc.ir.policy import Policy, Test
from natc.packet import endpoint
from natc.record import replace
from natc.simulate import Outcome
from natc.simulate.expect import shown
from natc.simulate.verdicts import Promise, broken_assertion, decided, failed_test, tested
from natc.source import Span
from natc.targets.iptables.write import write

if TYPE_CHECKING:
    from natc.testlab import Observation

KERNELS = ("nft", "legacy")
_CHOICES = (*KERNELS, "both")


class _Command(click.Command):
    """Knows that a policy may follow a bare `--kernel`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give `--kernel` its value where the next word is none."""
        following = [*args[1:], ""]
        return super().parse_args(
            ctx,
            [
                "--kernel=both" if word == "--kernel" and after not in _CHOICES else word
                for word, after in zip(args, following, strict=False)
            ],
        )


@click.command("test", cls=_Command, no_args_is_help=True)
@click.argument("policies", metavar="POLICY...", nargs=-1, required=True)
@click.option(
    "--kernel",
    type=click.Choice(_CHOICES),
    help="Also send the packets through a real kernel, in a throw-away namespace; bare: both.",
)
@click.option("--packets", is_flag=True, help="Show each packet and what becomes of it.")
@policy_options
@format_option
def command(
    policies: tuple[str, ...],
    *,
    kernel: str | None,
    packets: bool,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Check a policy's tests, and decide its assertions.

    \b
    natc test office.nat
    natc test office.nat --kernel both

    A test is about one packet; an assertion is decided for all packets of its set, and one that
    does not hold is shown with a packet that breaks it. Without --kernel natc decides by its own
    model of the kernel. With it, the compiled rules are also loaded by iptables-nft-restore,
    iptables-legacy-restore or both, in network namespaces that vanish afterwards, and the kernel
    decides. This host's own rules are never touched.
    """  # noqa: D301
    verdicts: list[Verdict] = []
    problems: list[Diagnostic] = []
    promises: list[Promise] = []
    unable: Unable | None = None
    for path in policies:
        try:
            meaning = understand(path, node, settings, stdin_filename)
            made = pipeline.rulesets(meaning)
        except PolicyError as error:
            problems += error.diagnostics
            continue
        texts = {family: write(ruleset) for family, ruleset in made.items()}
        verdicts += _model(meaning)
        mine = list(decided(meaning))
        try:
            for flavour in KERNELS if kernel == "both" else [kernel] if kernel else []:
                tested, mine = _kernel(meaning, mine, texts, flavour)
                verdicts += tested
        except Unable as error:
            unable = unable or error
        promises += mine
    failures = list(_failures(verdicts))
    failures += (found for promise in promises if (found := broken_assertion(promise)))
    if verdicts or promises or not problems:
        _print(verdicts, promises, failures, format_, colour, packets=packets)
    if problems:
        say(rendered(problems, format_), format_, colour)
    if unable is not None:
        raise unable
    if failures or problems:
        raise SystemExit(FINDINGS)


def _print(
    verdicts: Sequence[Verdict],
    promises: Sequence[Promise],
    failures: Sequence[Diagnostic],
    format_: str,
    colour: str,
    *,
    packets: bool,
) -> None:
    """Print the results on standard output."""
    if format_ == "json":
        echo_result(f"{tables.json_text(verdicts, json_rows(promises))}\n")
    elif format_ == "text":
        rows = list(tables.packets(verdicts) if packets else tables.tests(verdicts))
        rows += ["", *lines(promises)] if promises else []
        echo_result("".join(f"{row}\n" for row in rows))
        if failures:
            text = rendered(failures, format_)
            wanted = wants_colour(colour, sys.stdout)
            echo_result(f"\n{coloured(text) if wanted else text}\n")
    elif failures:
        echo_result(f"{rendered(failures, format_)}\n")


def _model(meaning: Policy) -> Iterator[Verdict]:
    for one in tested(meaning):
        lines_ = dict.fromkeys(_lines(outcome) for outcome in one.outcomes)
        yield Verdict(one.test, MODEL, one.became, tuple(lines_), one.problem, one.deciders)


def _lines(outcome: Outcome) -> tuple[str, ...]:
    """Return the policy lines that decided, in the order of the packet's way."""
    rules = [step.rule for step in outcome.steps if step.rule is not None]
    return tuple(dict.fromkeys(str(rule.origin.line) for rule in rules))


def _kernel(
    meaning: Policy, promises: Sequence[Promise], texts: Mapping[Family, str], flavour: str
) -> tuple[list[Verdict], list[Promise]]:
    """Send the packets of all tests, and those that break a promise, through a kernel."""
    from natc.testlab import Flavour, LabUnavailable, LoadError, run_tests  # noqa: PLC0415

    broken = [promise.test for promise in promises if promise.broken is not None]
    meaning = replace(meaning, tests=(*meaning.tests, *broken))
    try:
        results = run_tests(meaning, texts, Flavour(flavour))
    except LabUnavailable as error:
        raise Unable(f"no kernel to test in: {error}") from None
    except LoadError as error:
        raise Unable(str(error)) from None
    verdicts = []
    for result in results:
        seen = "" if result.observation is None else _seen(result.test, result.observation)
        verdicts.append(Verdict(result.test, flavour, seen, (), result.problem))
    tested = len(verdicts) - len(broken)
    replays = (verdict.became or str(verdict.problem) for verdict in verdicts[tested:])
    return verdicts[:tested], [
        promise
        if promise.broken is None
        else replace(promise, seen=(*promise.seen, (flavour, next(replays))))
        for promise in promises
    ]


def _seen(test: Test, observation: "Observation") -> str:
    """Return what the kernel did in the words of a policy's `expect`."""
    listener = observation.listener
    if listener is not None:
        where = endpoint(test.packet.family, listener.address or 0, listener.port)
        return f"proxy {where}" if listener.address is not None else f"proxy :{listener.port}"
    ends = [
        None if value is None else point(value)
        for value in (observation.source_port, observation.destination_port)
    ]
    outcome = Outcome(
        point(observation.source),
        ends[0],
        point(observation.destination),
        ends[1],
        verdict="dropped" if observation.verdict == "dropped" else "accepted",
    )
    return shown(test.packet, outcome)


def _failures(verdicts: Sequence[Verdict]) -> Iterator[Diagnostic]:
    """Yield a finding for each packet and what became of it, whoever says so."""
    alike: dict[tuple[Span, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.problem is not None:
            said = verdict.became or verdict.problem
            alike.setdefault((verdict.test.origin, said), []).append(verdict)
    for (_, said), same in alike.items():
        engines = dict.fromkeys(_engine(verdict) for verdict in same)
        yield failed_test(same[0].test, said, tuple(engines), same[0].deciders)


def _engine(verdict: Verdict) -> str:
    return "natc's model" if verdict.engine == MODEL else f"the {verdict.engine} kernel"
