"""Matches that are no interval of one dimension: free variables, true or false for a packet.

A condition and its negation exclude each other; two conditions are independent unless both are
marks, whose bits are known.
"""

from collections.abc import Iterable, Sequence

from natc.record import Record, replace

EVERY_BIT = 0xFFFFFFFF

SHARES = 1 << 31
"""The unit of a draw's chance.  Source: net/netfilter/xt_statistic.c."""


class Mark(Record):
    """The packet's mark has `value` in the bits of `mask`, or has not."""

    value: int
    mask: int
    negated: bool = False


class InSet(Record):
    """The packet is in a kernel ipset, or is not.  natc does not know the set: opaque.

    Attributes:
        flags: `src` or `dst` for each dimension of the set.
    """

    name: str
    flags: tuple[str, ...]
    negated: bool = False


class Opaque(Record):
    """A match that natc does not look into.

    Attributes:
        text: as iptables-save prints it, without negation.
        occurrence: tells apart matches of one text whose answer changes from packet to packet, such
            as limits; 0 for those that answer the same for the same packet.
    """

    text: str
    negated: bool = False
    occurrence: int = 0

    @property
    def is_fickle(self) -> bool:
        """Whether the answer changes from packet to packet, with chances that nobody knows."""
        return self.occurrence > 0


class Draw(Record):
    """A draw that the kernel makes for each connection.

    Attributes:
        key: which draw; one draw decides one thing.
        share: its chance, in 1/2**31.
    """

    key: str
    share: int
    negated: bool = False


class Noted(Record):
    """An earlier rule of the hook has noted `key` of the packet, and none has taken it back.

    That is how chains that rules jump to become one list: their rules ask whether the packet came.
    """

    key: str
    negated: bool = False


Condition = Mark | InSet | Opaque | Draw | Noted


def negation(condition: Condition) -> Condition:
    """Return the condition that holds where `condition` does not."""
    return replace(condition, negated=not condition.negated)


def can_hold(conditions: Sequence[Condition]) -> bool:
    """Whether all of `conditions` can hold at once.  Exact."""
    free = [condition for condition in conditions if not isinstance(condition, Mark)]
    known = set(free)
    if any(negation(condition) in known for condition in free):
        return False
    return _some_mark([condition for condition in conditions if isinstance(condition, Mark)])


def can_both_hold(one: Sequence[Condition], other: Sequence[Condition]) -> bool:
    """Whether all of two lists can hold at once, each of which can.  Exact."""
    few, many = (one, other) if len(one) < len(other) else (other, one)
    if any(not isinstance(each, Mark) and negation(each) in many for each in few):
        return False
    return _some_mark([each for each in (*one, *other) if isinstance(each, Mark)])


def _some_mark(marks: Iterable[Mark]) -> bool:
    """Whether some mark satisfies all of `marks`."""
    value = mask = 0
    refused: list[Mark] = []
    for mark in marks:
        if mark.negated:
            refused.append(mark)
        elif (value ^ mark.value) & mask & mark.mask:
            return False
        else:
            value, mask = value | mark.value, mask | mark.mask
    return _differs(value, mask, refused)


def _differs(value: int, mask: int, refused: Sequence[Mark]) -> bool:
    """Whether some mark with `value` in `mask` has none of the values of `refused`."""
    # One whose bits are fixed to another value is out of the question already.
    open_ = [mark for mark in refused if not (value ^ mark.value) & mask & mark.mask]
    if not open_:
        return True
    first = min(open_, key=lambda mark: (mark.mask & ~mask).bit_count())
    rest = [mark for mark in open_ if mark is not first]
    left = first.mask & ~mask
    while left:
        bit = left & -left
        left ^= bit
        if _differs(value | (~first.value & bit), mask | bit, rest):
            return True
        value, mask = value | (first.value & bit), mask | bit
    return False
