"""What becomes of packets, as far as it matters where two rule sets are compared."""

from fractions import Fraction

from natc.ir.actions import Tproxy
from natc.ir.fields import Field
from natc.record import Record
from natc.simulate.marks import UNCHANGED, PacketMark
from natc.simulate.way import Moved


class Fate(Record):
    """What becomes of packets.

    Attributes:
        moved: the addresses and ports that changed, by field.
        mark: what became of the packet's.
    """

    verdict: str
    moved: tuple[tuple[Field, Moved], ...]
    proxy: Tproxy | None = None
    is_untracked: bool = False
    mark: PacketMark = UNCHANGED


Fates = frozenset[tuple[Fate, Fraction | None]]
"""Every fate that the kernel may choose, with its chance where that is known."""
