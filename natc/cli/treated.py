"""Packets that rules of a running kernel treat differently, as people and programs read it."""

from collections.abc import Iterable, Iterator
from typing import Any

from natc.host.planning.prospect import decides, label, line_of, policy_line
from natc.ir.policy import Rule
from natc.simulate import words
from natc.simulate.compare import Treatment
from natc.simulate.differing import Found

Names = tuple[str, str]
"""What to call the two rule sets."""


def lines(found: Found, names: Names) -> Iterator[str]:
    """Yield the packets, what becomes of them on both sides, and one of them."""
    box, family = found.difference.packets, found.family
    width = max(map(len, names))
    yield f"{family}: {words.packets(box, family)}"
    for name, treatment in _sides(found, names):
        rules = ", ".join(label(rule) for rule in _deciders(treatment))
        fate = words.fates(treatment.fates, box, family)
        yield f"  {name:{width}}  {fate}" + (f"   ({rules})" if rules else "")
    yield f"  witness: {found.packet}"


def row(found: Found, names: Names) -> dict[str, Any]:
    """Return the same for JSON."""
    box, family = found.difference.packets, found.family
    made: dict[str, Any] = {
        "family": int(family),
        "packets": words.packets(box, family),
        "witness": str(found.packet),
    }
    for name, treatment in _sides(found, names):
        made[name] = {
            "becomes": words.fates(treatment.fates, box, family),
            "rules": rule_rows(_deciders(treatment)),
        }
    return made


def rule_rows(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return rules of the kernel for JSON: as it prints them, and their policy line."""
    printed = (line_of(rule) for rule in rules)
    return [{"rule": line, "policy": policy_line(line)} for line in printed]


def _sides(found: Found, names: Names) -> tuple[tuple[str, Treatment], tuple[str, Treatment]]:
    return (names[0], found.difference.left), (names[1], found.difference.right)


def _deciders(treatment: Treatment) -> list[Rule]:
    return list({label(rule): rule for rule in treatment.rules if decides(rule)}.values())
