"""Rules of other tables that matter to translation and that no policy of natc's replaces."""

from collections.abc import Iterator

from natc.importers.remarks import Place
from natc.importers.scope import rules_of, scope
from natc.ir.actions import Action, SetMark, Untrack
from natc.targets.iptables import model
from natc.targets.iptables.lift_target import effect

_UNTRACKED = "what is not tracked is not translated: the rule has to stay"
_MARKED = "rules below ask for marks: the rule has to stay"


def surroundings(ruleset: model.Ruleset) -> Iterator[tuple[Place, model.Rule, str]]:
    """Yield the rules outside of `scope(ruleset)` that translation depends on, and how it does."""
    about = scope(ruleset)
    seen = {(table.name, chain.name) for table in about.tables for chain in table.chains}
    asks = any(
        match.module == "mark"
        for table in about.tables
        for chain in table.chains
        for rule in rules_of(chain)
        for match in rule.matches
    )
    for table in ruleset.tables:
        for chain in table.chains:
            if (table.name, chain.name) not in seen:
                for number, rule in enumerate(rules_of(chain), 1):
                    action = _action(rule, ruleset)
                    place = Place(table.name, chain.name, number)
                    if isinstance(action, Untrack):
                        yield place, rule, _UNTRACKED
                    elif isinstance(action, SetMark) and asks:
                        yield place, rule, _MARKED


def _action(rule: model.Rule, ruleset: model.Ruleset) -> Action | None:
    return None if rule.jump is None else effect(rule.jump, ruleset.family)
