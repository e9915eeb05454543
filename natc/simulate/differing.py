"""The packets that two rule sets treat differently, each set of them with one to show."""

from collections.abc import Iterable

from natc.address import Family
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.record import Record
from natc.simulate.compare import Difference, compare
from natc.simulate.sample import sample
from natc.simulate.site import Site


class Found(Record):
    """One difference.

    Attributes:
        packet: one of the packets.
    """

    family: Family
    difference: Difference
    packet: Packet


def differing(
    left: Policy,
    right: Policy,
    family: Family,
    site: Site,
    interfaces: Iterable[str] = (),
) -> list[Found]:
    """Return the packets of a family that are treated differently.

    Args:
        interfaces: names that a packet to show should have.

    Raises:
        Undecided: there are too many to tell apart.
    """
    names = tuple(interfaces)
    return [
        Found(family, difference, sample(difference.packets, family, names, site))
        for difference in compare(left, right, family, site)
    ]
