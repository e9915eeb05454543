"""Sets of services: which protocols, and which ports of those that have ports."""

from collections.abc import Callable, Iterator

from natc.ir.intervals import EMPTY, IntervalSet, interval, point
from natc.packet import PORT_PROTOCOLS
from natc.record import Record

ALL_PORTS = interval(0, 65535)
_PORTED = tuple(sorted(PORT_PROTOCOLS))
_POINTS = tuple(point(number) for number in _PORTED)
_PORTLESS = interval(0, 255) - IntervalSet.of((number, number) for number in _PORTED)


class ServiceSet(Record):
    """A set of pairs of protocol and destination port.

    Attributes:
        ports: the ports of tcp, udp and sctp, in the order of their numbers; 0..65535 when the
            whole protocol is meant.
        others: the other protocols, 0..255.
    """

    ports: tuple[IntervalSet, ...] = (EMPTY,) * len(_PORTED)
    others: IntervalSet = EMPTY

    def __bool__(self) -> bool:
        tcp, udp, sctp = self.ports
        return bool(self.others.ranges or tcp.ranges or udp.ranges or sctp.ranges)

    def __or__(self, other: "ServiceSet") -> "ServiceSet":
        return self._combine(other, IntervalSet.__or__)

    def __sub__(self, other: "ServiceSet") -> "ServiceSet":
        return self._combine(other, IntervalSet.__sub__)

    def _combine(
        self, other: "ServiceSet", operation: Callable[[IntervalSet, IntervalSet], IntervalSet]
    ) -> "ServiceSet":
        pairs = zip(self.ports, other.ports, strict=True)
        return ServiceSet(
            tuple(operation(mine, theirs) for mine, theirs in pairs),
            operation(self.others, other.others),
        )

    @property
    def has_ports(self) -> bool:
        """Whether every protocol in it has ports."""
        return not self.others.ranges and bool(self)

    def port_ranges(self) -> IntervalSet:
        """Return the ports of all its protocols together."""
        together = [ports for ports in self.ports if ports.ranges]
        if len(together) == 1:
            return together[0]
        return IntervalSet.of(r for ports in together for r in ports.ranges)

    def boxes(self) -> Iterator[tuple[IntervalSet, IntervalSet | None]]:
        """Yield protocols and their ports, disjoint; None where the ports do not matter."""
        whole = self.others
        alike: list[tuple[IntervalSet, IntervalSet]] = []
        for protocol, ports in zip(_POINTS, self.ports, strict=True):
            if not ports.ranges:
                continue
            if ports.ranges == ALL_PORTS.ranges:
                whole |= protocol
                continue
            for index, (protocols, same) in enumerate(alike):
                if same.ranges == ports.ranges:
                    alike[index] = (protocols | protocol, same)
                    break
            else:
                alike.append((protocol, ports))
        if whole.ranges:
            yield whole, None
        yield from alike


EVERY_SERVICE = ServiceSet((ALL_PORTS,) * len(_PORTED), _PORTLESS)


def of_protocol(number: int) -> ServiceSet:
    """Return all of one protocol."""
    if number in PORT_PROTOCOLS:
        return of_ports(number, ALL_PORTS)
    return ServiceSet(others=point(number))


def of_ports(number: int, ports: IntervalSet) -> ServiceSet:
    """Return some ports of one of the protocols that have ports."""
    if number == _PORTED[0]:
        return ServiceSet((ports, EMPTY, EMPTY))
    return ServiceSet((EMPTY, ports, EMPTY) if number == _PORTED[1] else (EMPTY, EMPTY, ports))
