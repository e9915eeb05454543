"""The law of imports: the policy does what the rules do without those that are remarked on."""

from hypothesis import currently_in_test_context, note

from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.importers import Imported, Place, import_rules
from natc.importers.proofs import AMISS
from natc.importers.scope import scope, without
from natc.ir.policy import Policy
from natc.simulate import Site
from natc.simulate.changed import EVERY_PACKET
from natc.simulate.compare import compare, treatments
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.model import Ruleset


def policy_of(imported: Imported) -> Policy:
    """Return what an imported policy means, after it has been written and read."""
    text = write_policy(imported.policy)
    if currently_in_test_context():
        note(text)
    assert not any(remark.reason == AMISS for remark in imported.remarks)
    again = parse(Source("imported.nat", text))
    assert again == imported.policy
    says_something = any(isinstance(s, ast.Rule | ast.Static) for s in again.statements)
    return lower(again) if says_something else Policy("", ())


def check_import(ruleset: Ruleset) -> Imported:
    """Hold an import against the law, and return it."""
    imported = import_rules(ruleset)
    meaning, family = policy_of(imported), ruleset.family
    about = scope(ruleset)
    rules = lift("rules", without(about, {remark.place for remark in imported.remarks}))
    assert compare(rules, meaning, family, Site()) == []
    assert compare(meaning, rules, family, Site()) == []
    remarked = {name_of(remark.place) for remark in imported.remarks}
    whole = lift("rules", about)
    for difference in compare(whole, meaning, family, Site()):
        # What arrives has no user, which the words of a difference leave out.
        boxes = [box for start in EVERY_PACKET if (box := difference.packets & start) is not None]
        for part in treatments(whole, family, Site(), boxes):
            if not any(rule.name in remarked for rule in part.rules):
                # Parts of what seemed to differ may not, seen by themselves.
                others = treatments(meaning, family, Site(), [part.packets])
                assert [other.fates for other in others] == [part.fates]
    return imported


def name_of(place: Place) -> str:
    """Return what the rule at a place is called when it is lifted."""
    return f"{place.chain}:{place.number}" if place.number else f"{place.chain} policy"
