"""Hypothesis strategies: random values of everything that natc works on.

=====================  ==============================================================
`interval_sets(a, b)`  `IntervalSet`s within a..b
`boxes`, `regions`     boxes and disjoint regions over a few fields
`policies(shape)`      whole policies that natc must accept, as syntax trees
`packets(policy)`      packets at the edges of what the policy's rules match
`policy_texts(shape)`  the same policies as text, oddly laid out
`mutated_texts()`      policy texts with a few bytes or tokens out of place
`anything()`           text that need not look like a policy at all
=====================  ==============================================================

Policies are valid by construction, not by filtering, and move in a small universe (`universe`), so
that their rules meet, shadow and exempt each other.  A `Shape` says which features they have.
"""

from tests.strategies.packets import packets
from tests.strategies.policies import policies
from tests.strategies.sets import boxes, interval_sets, regions
from tests.strategies.shape import DIVERSIONS, HAIRPINS, KERNEL, SMALL, Shape
from tests.strategies.texts import anything, mutated_texts, policy_texts
from tests.strategies.universe import INTERFACES

__all__ = [
    "DIVERSIONS",
    "HAIRPINS",
    "INTERFACES",
    "KERNEL",
    "SMALL",
    "Shape",
    "anything",
    "boxes",
    "interval_sets",
    "mutated_texts",
    "packets",
    "policies",
    "policy_texts",
    "regions",
]
