"""The differences of two rule sets, and how they are shown."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from natc.address import Family
from natc.cli.rule_sets import RuleSet
from natc.diagnostics.text import printable
from natc.ir.actions import Hook, Note
from natc.ir.policy import Policy, Rule
from natc.record import replace
from natc.simulate import Site, site_of, words
from natc.simulate.compare import Treatment
from natc.simulate.differing import Found, differing

_FILTERING = frozenset(
    {
        Hook.FILTER_INPUT,
        Hook.FILTER_FORWARD,
        Hook.FILTER_OUTPUT,
    }
)


def differences(left: RuleSet, right: RuleSet, families: Iterable[Family]) -> list[Found]:
    """Return the packets that are treated differently.

    A policy says nothing about the filter table, so that of a dump is left out beside it.

    Raises:
        Undecided: there are too many to tell apart.
    """
    mine, theirs = left.meaning, right.meaning
    if left.is_policy != right.is_policy:
        mine, theirs = _unfiltered(mine), _unfiltered(theirs)
    names = [name for side in (mine, theirs) for zone in side.zones for name in zone.interfaces]
    names = [name for name in names if "+" not in name]
    return [
        found
        for family in families
        for found in differing(mine, theirs, family, _site(left, right, family), names)
    ]


def _unfiltered(policy: Policy) -> Policy:
    rules = tuple(rule for rule in policy.rules if rule.hook not in _FILTERING)
    return replace(policy, rules=rules)


def _site(left: RuleSet, right: RuleSet, family: Family) -> Site:
    """Return what both know of the gateway; where they contradict each other, nothing."""
    known = [site_of(one.meaning, family) for one in (left, right) if one.is_policy]
    if not known or any(site.own != known[0].own for site in known):
        return Site()
    return known[0]


class Report:
    """Shows differences."""

    def __init__(self, left: RuleSet, right: RuleSet, found: Sequence[Found]) -> None:
        self.left = left
        self.right = right
        self.found = found

    def text(self) -> str:
        """Return them for a terminal."""
        if not self.found:
            return "no difference: every packet is treated alike\n"
        width = max(len(printable(side.name)) for side in (self.left, self.right))
        lines = []
        for number, found in enumerate(self.found, 1):
            box, family = found.difference.packets, found.family
            lines.append(f"{number}. {family}: {printable(words.packets(box, family))}")
            for side, treatment in self._sides(found):
                fate = words.fates(treatment.fates, box, family)
                rules = f"   ({', '.join(map(_rule, _deciders(treatment)))})"
                name = printable(side.name)
                lines.append(f"     {name:{width}}  {fate}{rules if rules != '   ()' else ''}")
            lines.append(f"     witness: {found.packet}")
            lines.append("")
        noun = "difference" if len(self.found) == 1 else "differences"
        lines.append(f"{len(self.found)} {noun}")
        return "".join(f"{line}\n" for line in lines)

    def markdown(self) -> str:
        """Return them for a comment on a pull request."""
        left, right = _code(self.left.name), _code(self.right.name)
        if not self.found:
            return f"{left} and {right} treat every packet alike.\n"
        noun = "set of packets" if len(self.found) == 1 else "sets of packets"
        lines = [
            f"{left} and {right} treat {len(self.found)} {noun} differently.",
            "",
            f"| packets | {left} | {right} | for example |",
            "|---|---|---|---|",
        ]
        for found in self.found:
            box, family = found.difference.packets, found.family
            cells = [f"{family} {_code(words.packets(box, family))}"]
            for _, treatment in self._sides(found):
                fate = _code(words.fates(treatment.fates, box, family))
                rules = ", ".join(_escaped(_rule(rule)) for rule in _deciders(treatment))
                cells.append(f"{fate}<br>{rules}" if rules else fate)
            cells.append(_code(str(found.packet)))
            lines.append(f"| {' | '.join(cells)} |")
        return "".join(f"{line}\n" for line in lines)

    def json(self) -> str:
        """Return them as JSON; versioned: fields are added, never changed."""
        whole = {
            "version": 1,
            "left": self.left.name,
            "right": self.right.name,
            "equal": not self.found,
            "differences": [self._row(found) for found in self.found],
        }
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"

    def _row(self, found: Found) -> dict[str, Any]:
        box, family = found.difference.packets, found.family
        row: dict[str, Any] = {
            "family": int(family),
            "packets": words.packets(box, family),
            "witness": str(found.packet),
        }
        for key, (_, treatment) in zip(("left", "right"), self._sides(found), strict=True):
            row[key] = {
                "becomes": words.fates(treatment.fates, box, family),
                "rules": [
                    {
                        "name": rule.name,
                        "file": rule.origin.source.name,
                        "line": rule.origin.line,
                    }
                    for rule in _deciders(treatment)
                ],
            }
        return row

    def _sides(self, found: Found) -> tuple[tuple[RuleSet, Treatment], tuple[RuleSet, Treatment]]:
        return (self.left, found.difference.left), (self.right, found.difference.right)


def _deciders(treatment: Treatment) -> list[Rule]:
    """Return the rules that decided, without those that only led to a chain."""
    rules = [rule for rule in treatment.rules if not isinstance(rule.action, Note)]
    return list({rule.origin: rule for rule in rules}.values())


def _rule(rule: Rule) -> str:
    return printable(f"{rule.origin.source.name}:{rule.origin.line} {rule.name}")


def _code(text: str) -> str:
    """Return text as code in a Markdown table."""
    return f"`{printable(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>|" else char for char in text)
