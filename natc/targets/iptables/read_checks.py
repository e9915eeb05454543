"""What is wrong with a table as a whole: jumps that lead nowhere, or in a circle."""

from collections.abc import Iterator
from itertools import pairwise

from natc.diagnostics import Diagnostic, Label
from natc.source import Span
from natc.targets.iptables.flags import TARGETS
from natc.targets.iptables.model import BUILT_IN, Rule
from natc.targets.iptables.read_table import TableDraft
from natc.targets.iptables.words import words


def problems_of(table: TableDraft) -> list[Diagnostic]:
    """Return NAT904 for each chain that is only jumped to, NAT907 for each circle of chains."""
    return [*_undeclared(table), *_circles(table)]


def _undeclared(table: TableDraft) -> Iterator[Diagnostic]:
    if not table.is_whole:
        return
    known = TARGETS | table.chains.keys() | set(BUILT_IN[table.name])
    for chain in list(table.chains.values()):
        for rule in chain.rules:
            if rule.jump is None or rule.jump.target in known:
                continue
            # Options show that it is a target which natc does not know.
            if not rule.jump.options:
                known |= {rule.jump.target}
                message = f"no chain `{rule.jump.target}` in table `{table.name}`"
                help_ = f"declare it, if it is no target: `:{rule.jump.target} - [0:0]`"
                yield Diagnostic("NAT904", message, Label(_target(rule)), help=help_)


def _circles(table: TableDraft) -> Iterator[Diagnostic]:
    """Yield an error for each jump that leads back to a chain on the way to it."""
    calls = {
        chain.name: {
            rule.jump.target: rule
            for rule in reversed(chain.rules)
            if rule.jump is not None and rule.jump.target in table.chains
        }
        for chain in table.chains.values()
    }
    done: set[str] = set()
    for start, called in calls.items():
        # The way to where we are, and at each step the chains that are still to be looked at.
        way = [start]
        ahead = [list(called)]
        while way:
            if not ahead[-1]:
                ahead.pop()
                done.add(way.pop())
                continue
            name = ahead[-1].pop()
            if name in way:
                yield _circle(table, [calls[a][b] for a, b in _pairs(way, name)])
            elif name not in done:
                way.append(name)
                ahead.append(list(calls[name]))


def _pairs(way: list[str], back_to: str) -> list[tuple[str, str]]:
    circle = [*way[way.index(back_to) :], back_to]
    return list(pairwise(circle))


def _circle(table: TableDraft, jumps: list[Rule]) -> Diagnostic:
    names = [rule.jump.target for rule in jumps if rule.jump is not None]
    message = f"chains of table `{table.name}` that jump in a circle"
    label = " → ".join(f"`{name}`" for name in (names[-1], *names))
    related = tuple(Label(_target(rule)) for rule in jumps[:-1])
    return Diagnostic("NAT907", message, Label(_target(jumps[-1]), label), related)


def _target(rule: Rule) -> Span:
    """Return where a rule names its target."""
    source, line = rule.origin.source, rule.origin
    text = None if rule.jump is None else rule.jump.target
    begin = source.text.index("-", line.start)
    found = words(source, begin, line.end)
    for flag, value in pairwise(found):
        if flag.is_flag and value.text == text and flag.text in {"-j", "-g", "--jump", "--goto"}:
            return value.place(source)
    return line
