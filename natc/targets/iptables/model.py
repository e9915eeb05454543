"""iptables rules as data: what `write` prints and `read` returns, natc's own and any others."""

from collections.abc import Sequence
from enum import StrEnum

from natc.address import Family
from natc.ir.actions import Hook
from natc.record import Record
from natc.source import NOWHERE, Span

Counters = tuple[int, int]
"""Packets and bytes."""


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
        matches: the built-in ones first, in the order of iptables-save, then modules as loaded.
        jump: None for a rule that only counts.
        comment: the comment after all other matches; None is none.  What natc makes has at most
            255 bytes.  Others may hold comments between their matches, as matches of `comment`.
        origin: the policy line that it comes from, or the line of the text that it was read from.
        counters: None where the text does not say.
    """

    IGNORED = frozenset({"origin"})

    matches: tuple[Match, ...]
    jump: Jump | None
    comment: str | None = None
    origin: Span = NOWHERE
    counters: Counters | None = None


class Place(StrEnum):
    """Where in a built-in chain the jump to natc's rules stands, and so whose rules come first."""

    FIRST = "first"
    LAST = "last"


class Chain(Record):
    """A built-in chain, or one that rules jump to.

    Attributes:
        rules: in order; as text already where the ruleset is only to be printed.
        policy: `ACCEPT` or `DROP`; None where the table's text leaves it as it is, and for chains
            that are not built in.
        counters: of the policy.  None where the text does not say.  Chains that are not built in
            count nothing.
        origin: where it is declared; `NOWHERE` for a built-in chain that is only used.
        place: where its rules go in a built-in chain that others use too; None: where all go.
    """

    IGNORED = frozenset({"origin"})

    name: str
    rules: Sequence[Rule | str]
    policy: str | None = None
    counters: Counters | None = None
    origin: Span = NOWHERE
    place: Place | None = None


class Table(Record):
    """A table, or what natc adds to it.

    Attributes:
        chains: in the order in which they are declared; built-in ones that are not, first.
    """

    name: str
    chains: tuple[Chain, ...]


class PolicyRoute(Record):
    """Delivers packets that TPROXY marked to the gateway itself."""

    family: Family
    mark: int
    mask: int


class Ruleset(Record):
    """What one family of one gateway holds, or what natc wants it to hold.

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


JUMP_COMMENT = "natc"
"""The comment of the jumps to natc's chains: how natc knows its own."""

BUILT_IN = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
"""Table to its built-in chains, in the order of the hooks: all the tables that there are."""
