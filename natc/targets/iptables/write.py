"""Prints a ruleset as iptables-restore text.  Total: whatever the model holds has a form."""

import re
from collections.abc import Iterator
from enum import Enum

from natc.record import replace
from natc.targets.iptables.model import (
    BUILT_IN,
    Chain,
    Counters,
    Jump,
    Match,
    Option,
    Place,
    Rule,
    Ruleset,
    Table,
)

_is_bare = re.compile(r"(?!-)[A-Za-z0-9_.,:/+@%=\[\]-]+").fullmatch
"""Arguments that need no quotes: what begins with `-` is a flag without them."""

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


class Form(Enum):
    """How the text treats what is in the kernel.

    INSTALL adds natc's chains and jumps to a kernel that has none of the jumps.
    REPLACE takes the place of jumps that are there, and fails, changing nothing, where one is not.
    REMOVE takes natc's chains and jumps away.
    STANDALONE is a whole table, for a gateway with no other rules.
    SAVE is what the ruleset holds and no more, as iptables-save prints it.
    The last two alone may be loaded without `--noflush`.
    """

    INSTALL = "install"
    REPLACE = "replace"
    REMOVE = "remove"
    STANDALONE = "standalone"
    SAVE = "save"


_WHOLE = frozenset({Form.STANDALONE, Form.SAVE})


def write(ruleset: Ruleset, form: Form = Form.INSTALL, place: Place = Place.FIRST) -> str:
    """Return the text for `ip(6)tables-restore`, tables in their order.

    Args:
        place: where natc's jumps go in built-in chains that others use too.
    """
    return "".join(f"{line}\n" for line in lines(ruleset, form, place))


def lines(ruleset: Ruleset, form: Form, place: Place = Place.FIRST) -> Iterator[str]:
    """Yield the lines of the text."""
    for table in ruleset.tables:
        yield from _table(_declared(table) if form is Form.STANDALONE else table, form, place)


def _declared(table: Table) -> Table:
    """Return `table` with all its built-in chains, as they are in a new kernel."""
    given = {chain.name: chain for chain in table.chains}
    built_in = [given.pop(name, Chain(name, ())) for name in BUILT_IN[table.name]]
    whole = [
        replace(chain, policy="ACCEPT", counters=(0, 0)) if chain.policy is None else chain
        for chain in built_in
    ]
    return Table(table.name, (*whole, *given.values()))


def _table(table: Table, form: Form, place: Place) -> Iterator[str]:
    built_in = BUILT_IN[table.name]
    yield f"*{table.name}"
    for chain in table.chains:
        if chain.name not in built_in:
            yield f":{chain.name} - {_counters(chain.counters or (0, 0))}"
        elif form is not Form.REMOVE:
            yield from _declaration(chain)
    shared = frozenset(() if form in _WHOLE else built_in)
    for chain in table.chains:
        if chain.name in shared:
            yield from _changes(chain, form, chain.place or place)
    for chain in table.chains:
        if chain.name not in shared:
            yield from [f"-X {chain.name}"] if form is Form.REMOVE else _rules(chain)
    yield "COMMIT"


def _declaration(chain: Chain) -> Iterator[str]:
    """Yield what a built-in chain says of itself, if anything."""
    if chain.counters is not None:
        yield f":{chain.name} {chain.policy or '-'} {_counters(chain.counters)}"
    elif chain.policy is not None:
        yield f":{chain.name} {chain.policy}"


def _changes(chain: Chain, form: Form, place: Place) -> Iterator[str]:
    """Yield what a built-in chain, which others use too, gains or loses."""
    for number, rule in enumerate(chain.rules, 1):
        text = rule if isinstance(rule, str) else rule_text(rule)
        if form in (Form.REPLACE, Form.REMOVE):
            yield f"-D {chain.name}{text}"
        if form in (Form.REPLACE, Form.INSTALL):
            first = place is Place.FIRST
            yield f"-I {chain.name} {number}{text}" if first else f"-A {chain.name}{text}"


def _rules(chain: Chain) -> Iterator[str]:
    start = f"-A {chain.name}"
    for rule in chain.rules:
        if isinstance(rule, str):
            yield start + rule
        elif rule.counters is None:
            yield start + rule_text(rule)
        else:
            yield f"{_counters(rule.counters)} {start}{rule_text(rule)}"


def _counters(counters: Counters) -> str:
    packets, size = counters
    return f"[{packets}:{size}]"


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
    if jump is not None:
        parts.append(f" -g {jump.target}" if jump.goto else f" -j {jump.target}")
        _add_options(parts, jump.options)
    return "".join(parts)


def _add_options(parts: list[str], options: tuple[Option, ...]) -> None:
    for option in options:
        parts.append(f" ! {option.flag}" if option.negated else f" {option.flag}")
        for value in option.values:
            text = value if _is_bare(value) else quoted(value)
            parts.append(f" {text}")


def match_text(match: Match) -> str:
    """Return one match as iptables-save prints it, with a blank before each argument."""
    parts = [f" -m {match.module}"] if match.module else []
    _add_options(parts, match.options)
    return "".join(parts)


def jump_text(jump: Jump) -> str:
    """Return a target with its options, without `-j`."""
    parts = [jump.target]
    _add_options(parts, jump.options)
    return "".join(parts)


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
