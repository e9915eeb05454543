"""iptables rules as data: what `write` prints."""

from collections.abc import Sequence

from natc.address import Family
from natc.ir.actions import Hook
from natc.record import Record
from natc.source import NOWHERE, Span


class Option(Record):
    """`! --dport 80`: a flag with its values, each one argument."""

    flag: str
    values: tuple[str, ...] = ()
    negated: bool = False


class Match(Record):
    """Options of one match module; `module` is empty for the built-in `-s -d -i -o -p`."""

    module: str
    options: tuple[Option, ...]


class Jump(Record):
    """`-j TARGET` with the target's options.

    Attributes:
        goto: `-g CHAIN`: a return from the chain goes past the one that holds the rule.
    """

    target: str
    options: tuple[Option, ...] = ()
    goto: bool = False


class Rule(Record):
    """One kernel rule.

    Attributes:
        comment: at most 255 bytes; None is none.
        origin: the policy line that it comes from.
    """

    IGNORED = frozenset({"origin"})

    matches: tuple[Match, ...]
    jump: Jump
    comment: str | None = None
    origin: Span = NOWHERE


class Chain(Record):
    """A chain of natc's own.

    Attributes:
        hook: the built-in chain that jumps to it; None for one that other chains of natc jump to.
        rules: in order; as text already where the ruleset is only to be printed.
    """

    name: str
    hook: str | None
    rules: Sequence[Rule | str]


class Table(Record):
    """A table with natc's chains, in the order of the hooks."""

    name: str
    chains: tuple[Chain, ...]


class PolicyRoute(Record):
    """Delivers packets that TPROXY marked to the gateway itself."""

    family: Family
    mark: int
    mask: int


class Ruleset(Record):
    """Everything natc wants one family of one gateway to hold.

    Attributes:
        routes: policy routing that the rules rely on.
    """

    family: Family
    tables: tuple[Table, ...]
    routes: tuple[PolicyRoute, ...] = ()


HOOK_CHAINS = {
    Hook.DIVERT: ("mangle", "PREROUTING", "NATC-DIVERT"),
    Hook.PREROUTING: ("nat", "PREROUTING", "NATC-PRE"),
    Hook.INPUT: ("nat", "INPUT", "NATC-IN"),
    Hook.OUTPUT: ("nat", "OUTPUT", "NATC-OUT"),
    Hook.POSTROUTING: ("nat", "POSTROUTING", "NATC-POST"),
}
"""Hook to table, built-in chain and natc's chain."""
