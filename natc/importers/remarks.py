"""What an import says of kernel rules: where they stand, and why some are not in the policy."""

from natc.ir.conditions import Condition
from natc.ir.fields import Field
from natc.ir.space import Box
from natc.record import Record
from natc.targets.iptables import model


class Place(Record):
    """Where a kernel rule stands.

    Attributes:
        number: from 1, in its chain; 0 is the chain's policy.
    """

    table: str
    chain: str
    number: int


class Remark(Record):
    """A kernel rule that the policy does not express, and why.

    Attributes:
        line: of the text that it was read from; None when there is none.
        text: as iptables-save prints it.
    """

    place: Place
    line: int | None
    text: str
    reason: str

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}: "
        return f"not expressed: {line}{self.text}: {self.reason}"


class Link(Record):
    """A kernel rule on the way of packets: the jumps to a chain, and the rule that decides.

    Attributes:
        boxes: what it matches in its hook.
    """

    IGNORED = frozenset({"rule", "boxes"})

    place: Place
    rule: model.Rule
    boxes: tuple[Box, ...]


Trail = tuple[Link, ...]
"""The jumps in their order, then the rule itself.  Never empty."""


class Unsayable(Exception):  # noqa: N818 - an answer, not an error of natc
    """The language has no words for this.

    Attributes:
        asked: what of the packet it cannot ask, a field or a kind of condition; None when something
            else is wrong.
    """

    def __init__(self, reason: str, asked: Field | type[Condition] | None = None) -> None:
        super().__init__(reason)
        self.asked = asked


def culprit(links: Trail, reason: Unsayable) -> Place:
    """Return the rule that is to be left out: the first that asks what cannot be said.

    The last one where all of them together cannot be said.
    """
    for link in links:
        if any(_asks(box, reason.asked) for box in link.boxes):
            return link.place
    return links[-1].place


def _asks(box: Box, asked: Field | type[Condition] | None) -> bool:
    if asked is None:
        return False
    if isinstance(asked, Field):
        return box.get(asked) is not None
    return any(isinstance(condition, asked) for condition in box.conditions)
