"""Random cases from numbers, so that any of them can be made again."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

from natc.address import Family
from natc.packet import Packet
from natc.record import replace
from tests.kernel_diff import bench
from tests.kernel_diff.cases import Case, Dump, Written
from tests.strategies import dumps
from tests.strategies.chance import Rolled
from tests.strategies.packets import Range
from tests.strategies.policies import policy_of
from tests.strategies.shape import DIVERSIONS, HAIRPINS, KERNEL

Kind = Literal["policies", "dumps"]
KINDS: tuple[Kind, ...] = ("policies", "dumps")

TURNING = dataclasses.replace(HAIRPINS, opaque=(Family.IPV4,), logins=False)
DIVERTING = dataclasses.replace(DIVERSIONS, opaque=(), marks=False, logins=False)
_SHAPES = (KERNEL, KERNEL, TURNING, DIVERTING)

_STEERED = 4
"""One in how many packets of policies leaves by an interface of its choice: to steer it is slow."""


def case(kind: Kind, seed: int, packets: int) -> Case:
    """Return the case of a number, with up to so many packets."""
    return _policy(seed, packets) if kind == "policies" else _dump(seed, packets)


def _dump(seed: int, packets: int) -> Dump:
    chance = Rolled(seed)
    family = Family.IPV6 if seed % 3 == 2 else Family.IPV4
    text = dumps.Dump(chance, family).text()
    near = dumps.Near(text, family)
    return Dump(
        f"dumps: seed {seed}", text, family, _different(near.packet(chance) for _ in range(packets))
    )


def _policy(seed: int, packets: int) -> Written:
    chance = Rolled(seed)
    shape = _SHAPES[seed % len(_SHAPES)]
    policy = policy_of(chance, shape)
    aim = Range(policy, logins=False, multicast=False, marks=shape.marks)
    drawn = (aim.packet(chance) for _ in range(packets))
    return Written(
        f"policies: seed {seed}",
        policy,
        _different(
            replace(packet, out_interface=None) if chance.integer(1, _STEERED) > 1 else packet
            for packet in drawn
        ),
    )


def _different(packets: Iterable[Packet]) -> list[Packet]:
    """Return packets that a gateway can send, each once."""
    return list(dict.fromkeys(map(bench.at_home, packets)))
