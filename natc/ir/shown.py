"""The boxes of a list that still count, indexed, while a list is looked through from its top."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from natc.ir.index import Found, Index
from natc.ir.space import Box

_WORTH = 256
"""Hidden boxes before an index without them is made."""

_STRETCH = 1024
"""Boxes further down that such an index holds, at least."""


class Shown:
    """Boxes by their position, but for those that are hidden.

    Where most of those above are hidden, an index is made of the others and of some further down;
    it is made again when a question goes beyond them.  As many are added as stay, so that all that
    is ever indexed is a few times the list.

    Attributes:
        every: the index of all boxes.
    """

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        self._items: Sequence[int] = range(len(boxes))
        self._end = len(boxes)
        self._furthest = 0
        self._hidden: set[int] = set()
        self._left_out = 0
        self.every = self._index = Index(enumerate(boxes))

    def hide(self, positions: Iterable[int]) -> None:
        """Leave boxes out of what is found, sooner or later."""
        self._hidden.update(positions)

    def touching(self, box: Box, stop: int) -> Iterator[Found]:
        """Yield what `box` can meet among the positions before `stop`, packed."""
        self._reach(stop)
        return self._index.touching(box, 0, stop)

    def holding(self, box: Box, stop: int) -> Iterator[Found]:
        """Yield what can hold all of `box` among the positions before `stop`, packed."""
        self._reach(stop)
        return self._index.holding(box, stop)

    def _reach(self, stop: int) -> None:
        """Make an index for questions about the positions before `stop`, where it is worth it.

        A question about the top of the list leaves what is indexed further down as it is.
        """
        stop = self._furthest = max(self._furthest, stop)
        if stop <= self._end and len(self._hidden) - self._left_out <= max(_WORTH, stop // 2):
            return
        above = chain(self._items, range(self._end, stop))
        stay = [item for item in above if item < stop and item not in self._hidden]
        self._end = min(len(self._boxes), stop + max(_STRETCH, len(stay)))
        below = (item for item in range(stop, self._end) if item not in self._hidden)
        self._items = [*stay, *below]
        self._left_out = len(self._hidden)
        self._index = Index((item, self._boxes[item]) for item in self._items)
