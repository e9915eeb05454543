"""A packet's mark after rules have changed it, bit by bit."""

from natc.ir.conditions import EVERY_BIT, Mark, Opaque
from natc.record import Record


class PacketMark(Record):
    """What each bit of the mark is made from; all are inverted afterwards where `flipped` says so.

    Attributes:
        kept: the bits that are those of the mark that came.
        others: bits that are not known, by what set them; bits neither here nor in `kept` are 0.
    """

    kept: int = EVERY_BIT
    flipped: int = 0
    others: tuple[tuple[str, int], ...] = ()

    @property
    def unknown(self) -> int:
        """The bits that are not known."""
        return sum(bits for _, bits in self.others) if self.others else 0

    def changed(self, value: int, mask: int) -> "PacketMark":
        """Return the mark with the bits of `mask` cleared and `value` xored."""
        left = tuple((who, bits & ~mask) for who, bits in self.others if bits & ~mask)
        return PacketMark(self.kept & ~mask, (self.flipped & ~mask) ^ value, left)

    def unknown_by(self, setter: str, mask: int) -> "PacketMark":
        """Return the mark with the bits of `mask` set to what is not known."""
        rest = self.changed(0, mask)
        return PacketMark(rest.kept, rest.flipped, (*rest.others, (setter, mask))) if mask else rest

    def asked_of_others(self, asked: Mark) -> Opaque | None:
        """Return what `asked`, without its negation, says of unknown bits; None: nothing.

        What one setter made of the mark is not what another made of it: the text names it.
        """
        wanted = asked.value ^ self.flipped
        found = [(setter, bits & asked.mask) for setter, bits in self.others if bits & asked.mask]
        if not found:
            return None
        (_, first), *more = found
        # That a single bit is not set is the contrary of that it is.
        is_contrary = not more and first.bit_count() == 1 and not wanted & first
        if is_contrary:
            wanted = first
        texts = (f"mark {wanted & bits:#x}/{bits:#x}, set in {setter}" for setter, bits in found)
        return Opaque(" and ".join(texts), is_contrary)


UNCHANGED = PacketMark()
