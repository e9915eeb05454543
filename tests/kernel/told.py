"""Whether a packet ended as its story tells."""

from natc.ir.fields import interface_number
from natc.simulate.spelling import Side
from natc.simulate.story import Alternative
from natc.testlab import Observation


def is_told(told: Alternative, seen: Observation) -> bool:
    """Say whether a packet that ended as `seen` ended as `told`, in the kernel's one choice."""
    end = told.ending
    if end.verdict != ("proxied" if seen.proxied else seen.verdict):
        return False
    if seen.verdict == "dropped":
        return True  # The lab knows no more of it than how it came.
    if seen.out_interface is not None and (
        end.out is None or interface_number(seen.out_interface) not in end.out
    ):
        return False
    return _holds(end.source, seen.source, seen.source_port) and _holds(
        end.destination, seen.destination, seen.destination_port
    )


def _holds(side: Side, address: int, port: int | None) -> bool:
    if (side.ports is None) != (port is None):
        return False
    in_ports = side.ports is None or port is None or port in side.ports
    return in_ports and (bool(side.of) or address in side.addresses)
