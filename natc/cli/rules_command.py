"""`natc rules`."""

import json
from collections.abc import Iterator

import click

from natc.cli.files import echo_result
from natc.lint.catalogue import ENTRIES
from natc.lint.pages import document, state


@click.command("rules")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="Form of the list; markdown holds every page as well.",
)
def command(format_: str) -> None:
    """List everything that natc can find in policies, rules and gateways.

    \b
    natc rules
    natc rules --format json

    The columns are code, name, level, kind, whether it is on by default (`always`: an error of the
    compiler; or the command that finds it on a running gateway), whether `natc lint --fix` repairs
    it, and what it finds. Kinds: X is exact on the meaning of the rules, K against what kernel and
    iptables accept, T relative to the declared zones and networks; H is about a running gateway, A
    is advice. `natc explain CODE` tells the rest.
    """  # noqa: D301
    forms = {"text": _text, "json": _json, "markdown": document}
    echo_result(forms[format_]())


def _text() -> str:
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    rows = [
        (e.code, e.slug, str(e.severity), e.kind, state(e), "fix" if e.fixable else "", e.summary)
        for e in ENTRIES
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _json() -> str:
    rules = [
        {
            "code": entry.code,
            "name": entry.slug,
            "severity": str(entry.severity),
            "kind": entry.kind,
            "by": entry.by,
            "on": entry.by == "compiler" or entry.on,
            "fixable": entry.fixable,
            "summary": entry.summary,
        }
        for entry in ENTRIES
    ]
    return json.dumps({"version": 1, "rules": rules}, indent=2, ensure_ascii=False) + "\n"
