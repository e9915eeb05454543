"""Prints a ruleset as iptables-restore text.  Total: whatever the model holds has a form."""

import re
from collections.abc import Iterator
from enum import Enum

from natc.targets.iptables.model import Chain, Option, Rule, Ruleset, Table

_is_bare = re.compile(r"[A-Za-z0-9_.,:/+@%=\[\]-]+").fullmatch
"""Arguments that need no quotes."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")

JUMP_COMMENT = "natc"
"""The comment of the jumps to natc's chains: how natc knows its own."""

_BUILT_IN = {
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}


class Form(Enum):
    """How the text treats what is in the kernel.

    INSTALL adds natc's chains and jumps to a kernel that has none of the jumps.
    REPLACE takes the place of jumps that are there, and fails, changing nothing, where one is not.
    REMOVE takes natc's chains and jumps away.
    STANDALONE is a whole table, for a gateway with no other rules; the only one to load without
    `--noflush`.
    """

    INSTALL = "install"
    REPLACE = "replace"
    REMOVE = "remove"
    STANDALONE = "standalone"


def write(ruleset: Ruleset, form: Form = Form.INSTALL) -> str:
    """Return the text for `ip(6)tables-restore`, tables in the order of the packet's way."""
    return "".join(f"{line}\n" for line in lines(ruleset, form))


def lines(ruleset: Ruleset, form: Form) -> Iterator[str]:
    """Yield the lines of the text."""
    for table in ruleset.tables:
        yield from _table(table, form)


def _table(table: Table, form: Form) -> Iterator[str]:
    yield f"*{table.name}"
    if form is Form.STANDALONE:
        yield from (f":{chain} ACCEPT [0:0]" for chain in _BUILT_IN[table.name])
    yield from (f":{chain.name} - [0:0]" for chain in table.chains)
    for chain in table.chains:
        if chain.hook is not None:
            yield from _jump_lines(chain, form)
    if form is not Form.REMOVE:
        for chain in table.chains:
            start = f"-A {chain.name}"
            yield from (
                start + (rule if isinstance(rule, str) else rule_text(rule)) for rule in chain.rules
            )
    else:
        yield from (f"-X {chain.name}" for chain in table.chains)
    yield "COMMIT"


def _jump_lines(chain: Chain, form: Form) -> Iterator[str]:
    jump = f"-m comment --comment {JUMP_COMMENT} -j {chain.name}"
    if form in (Form.REPLACE, Form.REMOVE):
        yield f"-D {chain.hook} {jump}"
    if form in (Form.REPLACE, Form.INSTALL):
        yield f"-I {chain.hook} 1 {jump}"
    elif form is Form.STANDALONE:
        yield f"-A {chain.hook} {jump}"


def rule_text(rule: Rule) -> str:
    """Return a rule without its chain, with a blank before each argument."""
    parts: list[str] = []
    for match in rule.matches:
        if match.module:
            parts.append(f" -m {match.module}")
        _add_options(parts, match.options)
    if rule.comment is not None:
        parts.append(f" -m comment --comment {quoted(rule.comment)}")
    jump = rule.jump
    parts.append(f" -g {jump.target}" if jump.goto else f" -j {jump.target}")
    _add_options(parts, jump.options)
    return "".join(parts)


def _add_options(parts: list[str], options: tuple[Option, ...]) -> None:
    for option in options:
        parts.append(f" ! {option.flag}" if option.negated else f" {option.flag}")
        for value in option.values:
            text = value if _is_bare(value) else quoted(value)
            parts.append(f" {text}")


def quoted(text: str) -> str:
    """Return one argument; quotes and backslashes are escaped.

    Raises:
        ValueError: a control character, which no restore text can hold; a bug in natc.
    """
    if _is_bare(text):
        return text
    if _CONTROL.search(text):
        raise ValueError(f"control character in {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
