"""How a change of the rules went."""

from natc.host.generation import Generation
from natc.record import Record


class Applied(Record):
    """How an apply went, or the way back from one.

    Attributes:
        generation: what is in place now; None when natc has left the gateway.
        changed: False where this very policy, and all of its rules, were in place already.
        pending: seconds in which it must be confirmed; None where it need not be.
        notes: what else happened, in words.
        deleted: connections that were deleted, or are to be once it is confirmed; None where that
            was not asked for.
    """

    generation: Generation | None
    changed: bool
    pending: int | None = None
    notes: tuple[str, ...] = ()
    deleted: int | None = None
