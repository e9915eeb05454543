"""Who sets a mark to what is not known: names that two versions of a rule set have in common."""

from collections import Counter
from collections.abc import Mapping, Sequence

from natc.address import Family
from natc.ir.actions import Hook, SetMark
from natc.ir.conditions import EVERY_BIT
from natc.ir.policy import Rule
from natc.ir.space import EVERYTHING
from natc.simulate import words
from natc.simulate.layout import CHAINS

_EVERY_PACKET = words.packets(EVERYTHING, Family.IPV4)


def setters(rules: Mapping[Hook, Sequence[Rule]], family: Family) -> dict[int, str]:
    """Return a name for each rule that sets an unknown mark, by the rule's `id`.

    A rule is named after its hook, its packets and the bits, not after its place, which changes
    with the rules above it.  Of several that have all that in common, the later ones are counted.
    """
    found: dict[int, str] = {}
    seen: Counter[str] = Counter()
    for hook, listed in rules.items():
        for rule in listed:
            if isinstance(rule.action, SetMark) and rule.action.value is None:
                name = _name(rule, rule.action.mask, hook, family)
                seen[name] += 1
                found[id(rule)] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return found


def _name(rule: Rule, mask: int, hook: Hook, family: Family) -> str:
    name = " ".join(CHAINS[hook])
    if mask != EVERY_BIT:
        name += f" with mask {mask:#x}"
    packets = ", ".join(words.packets(box, family) for box in rule.match.boxes)
    return name if packets == _EVERY_PACKET else f"{name} for {packets}"
