"""What a simulation says."""

from typing import Literal

from natc.ir.actions import Hook
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.packet import Packet
from natc.record import Record, replace

Kind = Literal[
    "translated", "diverted", "marked", "untracked", "accepted", "dropped", "unknown",
    "entered", "left", "unmatched", "unseen", "routed",
]  # fmt: skip
"""What happens at a station of a packet's way.

`entered` and `left` are about chains that rules jump to; `unmatched` is that no rule decided,
`unseen` that natc does not know the rules there.
"""


class Step(Record):
    """A rule that decided in a hook, or changed the packet there; None where none decided."""

    hook: Hook
    rule: Rule | None


class Outcome(Record):
    """One way in which the packet can end.

    The kernel's choice lies in the sets; they assume that no other connection holds the port that
    the kernel would keep.

    Attributes:
        source, destination: possible addresses after translation.
        source_ports, destination_ports: None for protocols without ports.
        proxied: handed to a transparent listener; the addresses are then the listener's for
            `destination` and unchanged for `source`.
        verdict: `unknown` where a target that natc does not know decides.
        undecided: why natc does not know whether this outcome can happen (an ipset, an unknown
            way out); empty when it can.
        steps: the rules that decided.
    """

    source: IntervalSet
    source_ports: IntervalSet | None
    destination: IntervalSet
    destination_ports: IntervalSet | None
    proxied: bool = False
    verdict: Literal["accepted", "dropped", "unknown"] = "accepted"
    undecided: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def result(self) -> tuple[object, ...]:
        """Where the packet ends, without how and why."""
        return (
            self.source,
            self.source_ports,
            self.destination,
            self.destination_ports,
            self.proxied,
            self.verdict,
        )

    def certain(self) -> "Outcome":
        """Return the outcome without what is undecided."""
        return replace(self, undecided=()) if self.undecided else self


class Trace(Record):
    """A packet and every way in which it can end; several where the kernel may choose."""

    packet: Packet
    outcomes: tuple[Outcome, ...]

    @property
    def outcome(self) -> Outcome:
        """The only outcome.

        Raises:
            ValueError: there are several.
        """
        if len(self.outcomes) != 1:
            raise ValueError(f"{len(self.outcomes)} outcomes")
        return self.outcomes[0]
