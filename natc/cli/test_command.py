"""`natc test`."""

import sys
from collections.abc import Iterable, Iterator, Mapping

import click

from natc import pipeline
from natc.address import Family
from natc.cli.errors import Unable
from natc.cli.policy_options import policy_options, understand
from natc.cli.report import (
    FINDINGS,
    coloured,
    format_option,
    rendered,
    reported,
    wants_colour,
)
from natc.diagnostics import Diagnostic, Label
from natc.ir.policy import Policy, Test
from natc.record import Record
from natc.simulate import simulate
from natc.simulate.expect import difference
from natc.targets.iptables.write import write

MODEL = "model"
KERNELS = ("nft", "legacy")


class Verdict(Record):
    """What one engine says of one test.

    Attributes:
        problem: what became of the packet instead; None when the test passes.
    """

    test: Test
    engine: str
    problem: str | None


@click.command("test", no_args_is_help=True)
@click.argument("policies", metavar="POLICY...", nargs=-1, required=True)
@click.option(
    "--kernel",
    type=click.Choice([*KERNELS, "both"]),
    is_flag=False,
    flag_value="both",
    help="Also send the packets through a real kernel, in a throw-away namespace.",
)
@policy_options
@format_option
def command(
    policies: tuple[str, ...],
    *,
    kernel: str | None,
    node: str | None,
    settings: Mapping[str, str],
    stdin_filename: str | None,
    format_: str,
    colour: str,
) -> None:
    """Check what a policy's tests promise.

    \b
    natc test office.nat
    natc test office.nat --kernel both

    Without --kernel natc decides by its own model of the kernel. With it, the compiled rules are
    also loaded by iptables-nft-restore, iptables-legacy-restore or both, in network namespaces
    that vanish afterwards, and the kernel decides. This host's own rules are never touched.
    """  # noqa: D301
    verdicts: list[Verdict] = []
    for path in policies:
        with reported(format_, colour):
            meaning = understand(path, node, settings, stdin_filename)
            made = pipeline.rulesets(meaning)
        texts = {family: write(ruleset) for family, ruleset in made.items()}
        verdicts += _model(meaning)
        for flavour in KERNELS if kernel == "both" else [kernel] if kernel else []:
            verdicts += _kernel(meaning, texts, flavour)
    failures = [_diagnostic(verdict) for verdict in verdicts if verdict.problem is not None]
    if format_ == "text":
        click.echo("\n".join(_table(verdicts)))
        if failures:
            text = rendered(failures, format_)
            wanted = wants_colour(colour, sys.stdout)
            click.echo(f"\n{coloured(text) if wanted else text}", color=wanted)
    elif format_ == "json":
        click.echo(_json(verdicts))
    elif failures:
        click.echo(rendered(failures, format_))
    if failures:
        raise SystemExit(FINDINGS)


def _model(meaning: Policy) -> Iterator[Verdict]:
    for test in meaning.tests:
        found = [
            said
            for outcome in simulate(meaning, test.packet).outcomes
            if (said := difference(test.expected, test.packet, outcome)) is not None
        ]
        yield Verdict(test, MODEL, " or ".join(dict.fromkeys(found)) or None)


def _kernel(
    meaning: Policy, texts: Mapping[Family, str], flavour: str
) -> Iterator[Verdict]:
    from natc.testlab import Flavour, LabUnavailable, LoadError, run_tests  # noqa: PLC0415

    try:
        results = run_tests(meaning, texts, Flavour(flavour))
    except LabUnavailable as error:
        raise Unable(f"no kernel to test in: {error}") from None
    except LoadError as error:
        raise Unable(f"iptables-{flavour}-restore refuses the compiled rules: {error}") from None
    for result in results:
        yield Verdict(result.test, flavour, result.problem)


def _diagnostic(verdict: Verdict) -> Diagnostic:
    test = verdict.test
    engine = "natc's model" if verdict.engine == MODEL else f"the {verdict.engine} kernel"
    return Diagnostic(
        "NAT114",
        f"the test `{test.name}` fails in {engine}",
        Label(test.expected_at, f"{engine} says: {verdict.problem}"),
        (Label(test.origin, "this packet"),),
        test.packet,
    )


def _table(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Yield one line a test: its name, and what each engine says."""
    by_test: dict[tuple[str, str], dict[str, list[Verdict]]] = {}
    for verdict in verdicts:
        key = (verdict.test.origin.source.name, verdict.test.name)
        by_test.setdefault(key, {}).setdefault(verdict.engine, []).append(verdict)
    if not by_test:
        yield "no tests"
        return
    width = max(len(name) for _, name in by_test)
    file = None
    for (source, name), engines in by_test.items():
        if source != file:
            file = source
            yield f"{source}"
        marks = "   ".join(f"{engine} {_mark(found)}" for engine, found in engines.items())
        yield f"  {name:{width}}   {marks}"
    failed = sum(
        any(verdict.problem for found in engines.values() for verdict in found)
        for engines in by_test.values()
    )
    total = len(by_test)
    yield f"{total - failed} of {total} tests pass" if failed else f"{total} tests pass"


def _mark(verdicts: list[Verdict]) -> str:
    return "FAIL" if any(verdict.problem for verdict in verdicts) else "ok"


def _json(verdicts: Iterable[Verdict]) -> str:
    import json  # noqa: PLC0415 - start-up

    tests = [
        {
            "file": verdict.test.origin.source.name,
            "line": verdict.test.origin.line,
            "name": verdict.test.name,
            "packet": str(verdict.test.packet),
            "engine": verdict.engine,
            "passed": verdict.problem is None,
            "problem": verdict.problem,
        }
        for verdict in verdicts
    ]
    return json.dumps({"version": 1, "tests": tests}, indent=2, ensure_ascii=False)
