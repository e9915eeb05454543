"""What a simulation says."""

from typing import Literal

from natc.ir.actions import Hook
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.packet import Packet
from natc.record import Record


class Step(Record):
    """A rule that decided in a hook; None where none did."""

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
        undecided: why natc does not know whether this outcome can happen (an ipset, an unknown
            way out); empty when it can.
        steps: the rules that decided.
    """

    source: IntervalSet
    source_ports: IntervalSet | None
    destination: IntervalSet
    destination_ports: IntervalSet | None
    proxied: bool = False
    verdict: Literal["accepted", "dropped"] = "accepted"
    undecided: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


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
