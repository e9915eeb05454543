"""What a rule does to the first packet of a connection, and so to the whole connection."""

from enum import StrEnum

from natc.ir.intervals import IntervalSet
from natc.record import Record


class Hook(StrEnum):
    """A place in the packet's way where rules are looked up, first match first.

    `DIVERT` is where transparent proxying takes packets out of the way, before translation
    (mangle PREROUTING); the others are the hooks of the nat table.
    """

    DIVERT = "divert"
    PREROUTING = "prerouting"
    INPUT = "input"
    OUTPUT = "output"
    POSTROUTING = "postrouting"

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


Action = Accept | Return | Snat | Masquerade | Dnat | Redirect | Netmap | Tproxy | Balance
