"""Rules of a dump after which a packet goes on, and which stand in their chain twice."""

from collections.abc import Iterator

from natc.lint.subject import Subject
from natc.targets.iptables.model import Chain, Match, Rule, Table

FICKLE = frozenset(
    {
        "statistic", "limit", "hashlimit", "connlimit", "quota", "quota2", "recent", "nth",
        "random", "mark", "connmark",
    }
)  # fmt: skip
"""Matches that may answer differently the second time."""

_DECIDING = frozenset(
    {
        "ACCEPT", "DROP", "REJECT", "QUEUE", "NFQUEUE", "RETURN", "DNAT", "SNAT", "MASQUERADE",
        "REDIRECT", "NETMAP", "TPROXY",
    }
)  # fmt: skip
"""Targets after which nothing comes: what repeats them is covered by them."""

_MARKING = frozenset({"MARK", "CONNMARK"})
"""Targets that may undo themselves the second time."""


def repeated(subject: Subject) -> Iterator[tuple[Rule, Rule]]:
    """Yield the second and the first of two rules of one chain that match and do the same."""
    for ruleset in subject.rulesets:
        for table in ruleset.tables:
            if table.name == "nat":
                passed_over = _DECIDING | _MARKING | _chains_that_may_mark(table)
                for chain in table.chains:
                    yield from _repeated(chain, passed_over)


def _repeated(chain: Chain, passed_over: frozenset[str]) -> Iterator[tuple[Rule, Rule]]:
    seen: dict[tuple[object, ...], Rule] = {}
    for rule in chain.rules:
        if isinstance(rule, str) or rule.jump is None or rule.jump.target in passed_over:
            continue
        if any(match.module in FICKLE for match in rule.matches):
            continue
        first = seen.setdefault((_asked(rule.matches), rule.jump), rule)
        if first is not rule:
            yield rule, first


def _asked(matches: tuple[Match, ...]) -> frozenset[Match]:
    return frozenset(match for match in matches if match.module != "comment")


def _chains_that_may_mark(table: Table) -> frozenset[str]:
    """Return the chains of a table in which anything marks; else none."""
    marks = any(
        not isinstance(rule, str) and rule.jump is not None and rule.jump.target in _MARKING
        for chain in table.chains
        for rule in chain.rules
    )
    return frozenset(chain.name for chain in table.chains) if marks else frozenset()
