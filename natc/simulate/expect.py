"""Whether what becomes of a packet is what a test expects."""

from natc import address
from natc.address import Family
from natc.ir.intervals import IntervalSet
from natc.ir.policy import EndpointSet, Expectation
from natc.packet import Packet, endpoint
from natc.simulate.trace import Outcome


def difference(expected: Expectation, packet: Packet, outcome: Outcome) -> str | None:
    """Return what differs, as half a sentence; None when the whole outcome is as expected."""
    if outcome.undecided and expected.kind != "dropped":
        certain = difference(expected, packet, outcome.certain())
        if certain is not None:
            return f"{certain}, depending on {' and '.join(outcome.undecided)}"
        return None
    source_kept = _kept(outcome.source, outcome.source_ports, packet.source, packet.source_port)
    destination_kept = _kept(
        outcome.destination, outcome.destination_ports, packet.destination, packet.destination_port
    )
    if outcome.verdict == "dropped" or expected.kind == "dropped":
        same = outcome.verdict == "dropped" and expected.kind == "dropped"
        return None if same else shown(packet, outcome)
    if outcome.proxied or expected.kind == "proxied":
        if outcome.proxied and expected.kind == "proxied" and expected.destination is not None:
            inside = _side(
                expected.destination, outcome.destination, outcome.destination_ports, kept=False
            )
            return None if inside else shown(packet, outcome)
        return shown(packet, outcome)
    match expected.kind:
        case "unchanged":
            same = source_kept and destination_kept
        case "translated":
            changed = {"source": not source_kept, "destination": not destination_kept}
            same = any(changed.values()) if expected.side is None else changed[expected.side]
        case _:
            same = _side(
                expected.source, outcome.source, outcome.source_ports, kept=source_kept
            ) and _side(
                expected.destination,
                outcome.destination,
                outcome.destination_ports,
                kept=destination_kept,
            )
    return None if same else shown(packet, outcome)


def _side(
    expected: tuple[EndpointSet, ...] | None,
    addresses: IntervalSet,
    ports: IntervalSet | None,
    *,
    kept: bool,
) -> bool:
    if expected is None:
        return kept
    return any(_inside(addresses, ports, alternative) for alternative in expected)


def _inside(addresses: IntervalSet, ports: IntervalSet | None, expected: EndpointSet) -> bool:
    if expected.addresses is not None and not addresses <= expected.addresses:
        return False
    return expected.ports is None or ports is None or ports <= expected.ports


def _kept(
    addresses: IntervalSet, ports: IntervalSet | None, address_: int, port: int | None
) -> bool:
    same = addresses.ranges == ((address_, address_),)
    return same and (port is None or ports is None or ports.ranges == ((port, port),))


def shown(packet: Packet, outcome: Outcome) -> str:
    """Return an outcome in the words of a policy's `expect`."""
    if outcome.verdict == "dropped":
        return "dropped"
    family = packet.family
    destination = _text(family, outcome.destination, outcome.destination_ports)
    if outcome.proxied:
        return f"proxy {destination}"
    words = []
    if not _kept(
        outcome.destination, outcome.destination_ports, packet.destination, packet.destination_port
    ):
        words.append(f"to {destination}")
    if not _kept(outcome.source, outcome.source_ports, packet.source, packet.source_port):
        words.append(f"from {_text(family, outcome.source, outcome.source_ports)}")
    return " ".join(words) or "unchanged"


def _text(family: Family, addresses: IntervalSet, ports: IntervalSet | None) -> str:
    if addresses.size == 1 and ports is not None and ports.size == 1:
        return endpoint(family, addresses.first, ports.first)
    low, high = addresses.first, addresses.last
    text = address.text_of(family, low)
    if low != high:
        text += f"-{address.text_of(family, high)}"
    if ports is None:
        return text
    if family is Family.IPV6:
        text = f"[{text}]"
    return f"{text}:{ports.first}" + (f"-{ports.last}" if ports.size > 1 else "")
