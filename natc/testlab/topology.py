"""The gateway that a lab builds: interfaces, addresses, routes, listeners.  Values only."""

from collections.abc import Iterator

from natc.address import Family, text_of
from natc.ir.intervals import IntervalSet
from natc.record import Record


class Address(Record):
    """An address of the gateway with the length of its network's prefix."""

    family: Family
    value: int
    length: int

    def __str__(self) -> str:
        return f"{text_of(self.family, self.value)}/{self.length}"


class Interface(Record):
    """A network interface.

    Attributes:
        addresses: in the order in which the kernel gets them, which matters to MASQUERADE.
        is_bridge: a real bridge whose one neighbour is on a port of it.
    """

    name: str
    addresses: tuple[Address, ...] = ()
    is_bridge: bool = False


class Route(Record):
    """Where a prefix lives: directly on a link, as everything does in a lab.

    Attributes:
        network: the prefix's first address; a length of 0 makes the default route.
    """

    family: Family
    network: int
    length: int
    interface: str

    def __str__(self) -> str:
        return f"{text_of(self.family, self.network)}/{self.length} dev {self.interface}"


class Listener(Record):
    """A transparent proxy's socket and the routing that brings marked packets to it.

    Attributes:
        address: None is any address.
        protocol: 6 or 17.
        mark, mask: which packets policy routing delivers to the gateway.
    """

    family: Family
    protocol: int
    address: int | None
    port: int
    mark: int
    mask: int


class Topology(Record):
    """All that a lab needs to know to build its gateway.

    Attributes:
        families: those that need addresses and routes.
        interfaces: without `lo`, which is always there.
        routes: each prefix once.
        has_loopback_target: packets from outside may be sent on to 127.0.0.0/8
            (sysctl route_localnet).
    """

    families: tuple[Family, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    listeners: tuple[Listener, ...] = ()
    has_loopback_target: bool = False

    def find(self, name: str) -> Interface | None:
        """Return the interface that a packet's `in` or `out` means; `ppp+` means its first."""
        for interface in self.interfaces:
            if interface.name == name or (
                name.endswith("+") and interface.name.startswith(name[:-1])
            ):
                return interface
        return None


def prefixes(family: Family, addresses: IntervalSet) -> Iterator[tuple[int, int]]:
    """Yield the fewest prefixes (first address, length) whose union is `addresses`, in order."""
    for low, high in addresses.ranges:
        start = low
        while start <= high:
            aligned = (start & -start).bit_length() - 1 if start else family.bits
            host = min(aligned, (high - start + 1).bit_length() - 1)
            yield start, family.bits - host
            start += 1 << host
