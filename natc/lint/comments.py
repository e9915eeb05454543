"""Allowances in the comments of kernel rules: iptables-save keeps what it knows of a rule.

A comment such as `natc: allow NAT405 until 2027-01-31 because one side` is about its own rule.
"""

import re
from collections.abc import Iterator
from datetime import date

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.diagnostics.codes import SLUGS, nearest
from natc.ir.policy import Allowance
from natc.targets.iptables.model import Rule, Ruleset

_ALLOW = re.compile(r"natc(?:(:) *| +)allow(?![\w-]) *(.*)", re.DOTALL)
_FORM = re.compile(
    r'(?P<code>\S+)(?: +until +(?P<until>\S+))? +because +(?P<quote>"?)(?P<reason>.*)(?P=quote) *',
    re.DOTALL,
)
_HELP = "as in `natc: allow NAT405 until 2027-01-31 because the gateway has one side`"


def allowances(ruleset: Ruleset) -> Iterator[Allowance]:
    """Yield what comments of rules allow.

    Raises:
        PolicyError: NAT019, with all comments that begin like an allowance and are none.
    """
    found: dict[tuple[int, Allowance], None] = {}  # One line may be several rules.
    wrong: list[Diagnostic] = []
    for rule, text in _comments(ruleset):
        asked = _ALLOW.fullmatch(text)
        if asked is None:
            continue
        colon, said = asked.groups()
        read = _read(said, rule) if colon else _bad(rule, "an `allow` without its `:`")
        if isinstance(read, Allowance):
            found[rule.origin.start, read] = None
        else:
            wrong.append(read)
    if wrong:
        raise PolicyError(wrong)
    yield from (allowance for _, allowance in found)


def allowance(text: str, rule: Rule) -> Allowance | None:
    """Return what a comment of a rule allows; None when it is no allowance, or a wrong one."""
    asked = _ALLOW.fullmatch(text)
    read = _read(asked[2], rule) if asked and asked[1] else None
    return read if isinstance(read, Allowance) else None


def _comments(ruleset: Ruleset) -> Iterator[tuple[Rule, str]]:
    chains = (chain for table in ruleset.tables for chain in table.chains)
    for rule in (rule for chain in chains for rule in chain.rules if isinstance(rule, Rule)):
        if rule.comment is not None:
            yield rule, rule.comment
        for match in rule.matches:
            if match.module == "comment":
                yield from ((rule, option.values[0]) for option in match.options)


def _read(text: str, rule: Rule) -> Allowance | Diagnostic:
    form = _FORM.fullmatch(text)
    if form is None or not form["reason"].strip():
        return _bad(rule, "an `allow` without a reason" if form else "not the form of an `allow`")
    if form["code"] not in SLUGS and form["code"] not in SLUGS.values():
        return _bad(rule, f"no finding is called `{form['code']}`", nearest(form["code"]))
    day = _day(form["until"] or "")
    if form["until"] and day is None:
        return _bad(rule, f"`{form['until']}` is no day", "a day is written as 2027-01-31")
    return Allowance(form["code"], None, day, form["reason"].strip(), rule.origin)


def _day(text: str) -> date | None:
    """Return the day that a text says in the one way a policy takes; None if it says none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if str(day) == text else None


def _bad(rule: Rule, message: str, help_: str | None = None) -> Diagnostic:
    return Diagnostic("NAT019", message, Label(rule.origin, "its comment"), help=help_ or _HELP)
