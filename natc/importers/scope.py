"""What of a ruleset an import is about: translation, and what hands packets to proxies."""

from collections import Counter
from collections.abc import Collection, Iterator

from natc.importers.remarks import Place
from natc.record import replace
from natc.targets.iptables import model

_HOOK = "PREROUTING"
"""The chain of mangle that hands packets to proxies."""


def scope(ruleset: model.Ruleset) -> model.Ruleset:
    """Return the nat table, and mangle PREROUTING with all that it leads to if that uses TPROXY."""
    tables = []
    for table in ruleset.tables:
        if table.name == "nat":
            tables.append(table)
        elif table.name == "mangle" and (names := _proxying(table)):
            chains = (chain for chain in table.chains if chain.name in names)
            tables.append(model.Table("mangle", tuple(chains)))
    return model.Ruleset(ruleset.family, tuple(tables))


def _proxying(table: model.Table) -> set[str]:
    """Return the chains that PREROUTING leads to; none when none of them uses TPROXY."""
    chains = {chain.name: chain for chain in table.chains}
    waiting, found = [_HOOK], set[str]()
    uses = False
    while waiting:
        name = waiting.pop()
        if name in found or name not in chains:
            continue
        found.add(name)
        targets = [rule.jump.target for rule in rules_of(chains[name]) if rule.jump is not None]
        uses = uses or "TPROXY" in targets
        waiting += targets
    return found if uses else set()


def rules_of(chain: model.Chain) -> Iterator[model.Rule]:
    """Yield the rules of a chain, which must be data."""
    for rule in chain.rules:
        if isinstance(rule, str):
            raise TypeError("a ruleset that is only to be printed has no meaning")
        yield rule


def without(ruleset: model.Ruleset, places: Collection[Place]) -> model.Ruleset:
    """Return a ruleset without some rules."""
    return replace(
        ruleset,
        tables=tuple(
            replace(
                table, chains=tuple(_without(table.name, chain, places) for chain in table.chains)
            )
            for table in ruleset.tables
        ),
    )


def _without(table: str, chain: model.Chain, places: Collection[Place]) -> model.Chain:
    rules = tuple(
        rule
        for number, rule in enumerate(chain.rules, 1)
        if Place(table, chain.name, number) not in places
    )
    left = Place(table, chain.name, 0) in places
    return replace(chain, rules=rules, policy="ACCEPT" if left else chain.policy)


def others(ruleset: model.Ruleset) -> Counter[str]:
    """Return how many rules there are in each table that the import is not about."""
    mine = {table.name: {chain.name for chain in table.chains} for table in scope(ruleset).tables}
    return +Counter(
        {
            table.name: sum(
                len(chain.rules)
                for chain in table.chains
                if chain.name not in mine.get(table.name, ())
            )
            for table in ruleset.tables
        }
    )
