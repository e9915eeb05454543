"""What rules do to all packets at once is what they do to each of them."""

from collections.abc import Sequence
from random import Random

import pytest

from natc.ir.actions import Dnat, Note, SetMark
from natc.ir.conditions import Condition, Mark, Noted, Opaque
from natc.ir.fields import Field
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.ir.space import Box
from tests.lint.universe import EVERY_PACKET, Packet, effects, matching, rules, treated_alike


def matched(rules: Sequence[Rule], packet: Packet) -> list[bool]:
    """Return for each rule whether it matches one packet, if no rule above decides."""
    noted: dict[str, bool] = {}
    mark = packet.mark
    found = []
    for rule in rules:
        found.append(any(holds(box, packet, noted, mark) for box in rule.match.boxes))
        match rule.action:
            case Note(key, is_noted) if found[-1]:
                noted[key] = is_noted
            case SetMark(int(value), mask) if found[-1]:
                mark = mark & ~mask ^ value
    return found


def holds(box: Box, packet: Packet, noted: dict[str, bool], mark: int) -> bool:
    def is_so(condition: Condition) -> bool:
        match condition:
            case Opaque(text):
                return text in {each.text for each in packet.holding}
            case Mark(value, mask):
                return mark & mask == value
            case Noted(key):
                return noted.get(key, False)
        raise AssertionError(condition)

    return all(packet.values[field] in values for field, values in box.restricted()) and all(
        is_so(condition) is not condition.negated for condition in box.conditions
    )


@pytest.mark.parametrize("chains", [False, True], ids=["list", "chains"])
def test_each_packet_meets_the_rules_that_match_it(chains: bool) -> None:
    for seed in range(40):
        random = Random(seed)
        made = rules(random, random.randrange(2, 9), chains=chains)
        at_once = matching(made)
        for place, packet in enumerate(EVERY_PACKET):
            assert [bool(those >> place & 1) for those in at_once] == matched(made, packet), seed


def test_to_keep_a_port_and_to_name_it_is_the_same_to_the_packets_that_have_it() -> None:
    keeping, naming = Dnat(point(1)), Dnat(point(1), point(0))
    alike = treated_alike(keeping, naming)
    for place, packet in enumerate(EVERY_PACKET):
        assert alike >> place & 1 == (packet.values[Field.DESTINATION_PORT] == 0)
    assert len(effects(keeping)) == 3
