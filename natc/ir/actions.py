"""What a rule does to the first packet of a connection, and so to the whole connection."""

from collections.abc import Iterator
from enum import StrEnum

from natc.ir.conditions import SHARES
from natc.ir.intervals import IntervalSet
from natc.record import Record


class Hook(StrEnum):
    """A place in the packet's way where rules are looked up, first match first.

    Those of the nat table have their plain names.  `DIVERT` is mangle PREROUTING, where transparent
    proxying takes packets out of the way, before translation.  The others matter for rule sets
    that natc did not write: they may mark, drop, or keep from tracking what comes to be translated.
    """

    DIVERT = "divert"
    PREROUTING = "prerouting"
    INPUT = "input"
    OUTPUT = "output"
    POSTROUTING = "postrouting"

    RAW_PREROUTING = "raw-prerouting"
    RAW_OUTPUT = "raw-output"
    MANGLE_INPUT = "mangle-input"
    MANGLE_FORWARD = "mangle-forward"
    MANGLE_OUTPUT = "mangle-output"
    MANGLE_POSTROUTING = "mangle-postrouting"
    FILTER_INPUT = "filter-input"
    FILTER_FORWARD = "filter-forward"
    FILTER_OUTPUT = "filter-output"

    __hash__ = str.__hash__  # Enum's own is a function of Python's, and slow.


class PortChoice(StrEnum):
    """How the kernel picks a source port.

    KEEP: the packet's own where it is in range and free.  RANDOM: a random start in the range.
    FULLY: a fully random one.  Source: iptables-extensions(8), SNAT, MASQUERADE.
    """

    KEEP = "keep"
    RANDOM = "random"
    FULLY = "random-fully"


class Accept(Record):
    """Leave the packet untranslated, whatever rules follow, natc's or others'."""


class Drop(Record):
    """The packet ends here."""


class SetMark(Record):
    """Change the packet's mark and go on: the bits of `mask` are cleared, then `value` is xored.

    Attributes:
        value: None is not known, such as one that connection tracking remembers.
    """

    value: int | None
    mask: int


class Note(Record):
    """Note something of the packet, or take it back, and go on; see `conditions.Noted`."""

    key: str
    holds: bool = True


class Untrack(Record):
    """No connection tracking for the packet, hence no translation; rules go on."""


class Unknown(Record):
    """A target that natc does not know: what becomes of the packet is undecided."""

    text: str


class Return(Record):
    """natc's rules leave the packet untranslated; other programs' rules are still asked."""


class Snat(Record):
    """Rewrite the source.

    Attributes:
        addresses: the pool, never empty; the kernel picks by a hash of the addresses.
        ports: None leaves the choice to the kernel, which keeps the port where it can.
        persistent: the pick depends on the source address alone.
    """

    addresses: IntervalSet
    ports: IntervalSet | None = None
    persistent: bool = False
    port_choice: PortChoice = PortChoice.KEEP


class Masquerade(Record):
    """Rewrite the source to the address of the interface the packet leaves by."""

    ports: IntervalSet | None = None
    port_choice: PortChoice = PortChoice.KEEP


class Dnat(Record):
    """Rewrite the destination.

    Attributes:
        addresses: the pool, never empty.
        ports: None leaves the port alone.
        shift_from: with it, port `shift_from + k` becomes `ports.first + k`; without, a port
            outside `ports` becomes the first of them.
    """

    addresses: IntervalSet
    ports: IntervalSet | None = None
    shift_from: int | None = None
    persistent: bool = False
    port_choice: PortChoice = PortChoice.KEEP


class Redirect(Record):
    """Rewrite the destination to the gateway itself.

    The address is that of the interface the packet came in by, or loopback for the gateway's own
    packets.  Source: iptables-extensions(8), REDIRECT.

    Attributes:
        ports: None leaves the port alone.
    """

    ports: IntervalSet | None = None
    port_choice: PortChoice = PortChoice.KEEP


class Side(StrEnum):
    """Which address of the packet."""

    SOURCE = "source"
    DESTINATION = "destination"


class Netmap(Record):
    """Replace the network part of one address and keep its host bits.

    Attributes:
        network: the new network: one interval whose size is a power of two, aligned.
    """

    side: Side
    network: IntervalSet


class Tproxy(Record):
    """Hand the packet to a local transparent listener and leave its addresses alone.

    Attributes:
        address: where the listener is bound; None is the address of the in-interface.
        port: 1..65535.
        mark, mask: the mark that policy routing looks for.
    """

    address: int | None
    port: int
    mark: int
    mask: int


class Backend(Record):
    """One destination of a balanced service.

    Attributes:
        weight: its part of the sum of all weights, 1..65535.
        name: unique in the rule; names the kernel's list of its clients.
    """

    action: Dnat
    weight: int
    name: str


class Balance(Record):
    """Spread connections over backends, each getting exactly its weight's share.

    Attributes:
        backends: never empty.
        sticky: seconds for which a client stays with its backend; None is not at all.
        backups: used only when every backend is down; compiled rules do not hold them.
    """

    backends: tuple[Backend, ...]
    sticky: int | None = None
    backups: tuple[Backend, ...] = ()

    def draws(self) -> Iterator[int | None]:
        """Yield the chance of each backend among those not yet passed over, in 1/2**31.

        None is certainty, for the last.  The nearest 1/2**31 to w / (w + the weights after it), so
        that every backend's share of all connections is exact to 1/2**31.
        """
        left = sum(backend.weight for backend in self.backends)
        for backend in self.backends[:-1]:
            yield (2 * SHARES * backend.weight + left) // (2 * left)
            left -= backend.weight
        yield None


Action = (
    Accept
    | Return
    | Drop
    | SetMark
    | Note
    | Untrack
    | Unknown
    | Snat
    | Masquerade
    | Dnat
    | Redirect
    | Netmap
    | Tproxy
    | Balance
)
