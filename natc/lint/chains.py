"""The chains of a dump, and from which built-in chains packets come to them."""

from collections.abc import Iterator
from functools import lru_cache

from natc.address import Family
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Span
from natc.targets.iptables.model import BUILT_IN, Rule, Table

BEFORE_ROUTING = frozenset({"PREROUTING", "INPUT"})
"""Built-in chains that do not know the way out; INPUT's packets have none."""

MADE_HERE = frozenset({"OUTPUT"})
"""Built-in chains whose packets came by no interface."""


class Place(Record):
    """A chain of a dump with its surroundings.

    Attributes:
        targets: the table's chains, which jumps mean before they mean a target of that name.
        hooks: the built-in chains that lead to it, itself included, in the order of the hooks;
            empty for a chain that none leads to.
        origin: where it is declared.
    """

    family: Family
    table: str
    targets: frozenset[str]
    name: str
    rules: tuple[Rule, ...]
    hooks: tuple[str, ...]
    origin: Span

    @property
    def is_built_in(self) -> bool:
        """Whether the kernel itself sends packets to it."""
        return self.name in BUILT_IN[self.table]

    @property
    def whence(self) -> str:
        """Where packets come from, in words."""
        return " and ".join(self.hooks)


@lru_cache(maxsize=1)  # Several lint rules ask, one after another.
def places(subject: Subject) -> tuple[Place, ...]:
    """Return all chains of the dump; of a policy none."""
    return tuple(
        place
        for ruleset in subject.rulesets
        for table in ruleset.tables
        for place in _places(table, ruleset.family)
    )


def _places(table: Table, family: Family) -> Iterator[Place]:
    names = frozenset(chain.name for chain in table.chains)
    rules = {
        chain.name: tuple([rule for rule in chain.rules if isinstance(rule, Rule)])
        for chain in table.chains
    }
    called = {
        name: {rule.jump.target for rule in held if rule.jump is not None} & names
        for name, held in rules.items()
    }
    hooks: dict[str, list[str]] = {name: [] for name in names}
    for hook in BUILT_IN[table.name]:
        if hook in names:
            for name in _led_to(hook, called):
                hooks[name].append(hook)
    for chain in table.chains:
        name = chain.name
        yield Place(family, table.name, names, name, rules[name], tuple(hooks[name]), chain.origin)


def _led_to(start: str, called: dict[str, set[str]]) -> set[str]:
    """Return the chains that packets can come to from `start`, itself included."""
    found = {start}
    ahead = [start]
    while ahead:
        new = called[ahead.pop()] - found
        found |= new
        ahead += new
    return found
