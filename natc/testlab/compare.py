"""What a test expects against what the kernel did.  Pure."""

from typing import assert_never

from natc.address import Family, text_of
from natc.ir.intervals import IntervalSet, point
from natc.ir.policy import EndpointSet, Test
from natc.packet import Packet, endpoint
from natc.testlab.probe import Observation


def check(test: Test, observation: Observation) -> str | None:
    """Return None when the kernel did what the test expects, else the difference in a sentence.

    A side's address without a port expects the port unchanged for the destination and leaves it
    open for the source, whose port the kernel chooses.  A destination without an address is the
    gateway itself, whichever of its addresses.
    """
    packet, expected = test.packet, test.expected
    if expected.kind == "dropped":
        if observation.verdict == "dropped":
            return None
        return f"expected the packet dropped, the kernel {_deed(packet, observation)}"
    wanted = _wanted(test)
    if observation.verdict == "dropped":
        return f"expected {wanted}, the kernel dropped it"
    match expected.kind:
        case "unchanged":
            as_expected = not observation.proxied and not _moved(packet, observation)
        case "translated":
            moved = _moved(packet, observation)
            as_expected = bool(moved) if expected.side is None else expected.side in moved
        case "rewritten":
            as_expected = not observation.proxied and _is_rewritten(test, observation)
        case "proxied":
            as_expected = not _moved(packet, observation) and _is_listener(
                expected.destination, observation
            )
        case _:
            assert_never(expected.kind)
    return None if as_expected else f"expected {wanted}, the kernel {_deed(packet, observation)}"


def _moved(packet: Packet, observation: Observation) -> set[str]:
    """Return the sides whose address or port changed."""
    moved = set()
    if (packet.source, packet.source_port) != (observation.source, observation.source_port):
        moved.add("source")
    if (packet.destination, packet.destination_port) != (
        observation.destination,
        observation.destination_port,
    ):
        moved.add("destination")
    return moved


def _is_rewritten(test: Test, observation: Observation) -> bool:
    packet, expected = test.packet, test.expected
    moved = _moved(packet, observation)
    if expected.source is None:
        if "source" in moved:
            return False
    elif not any(
        _holds(side.addresses, observation.source) and _holds(side.ports, observation.source_port)
        for side in expected.source
    ):
        return False
    if expected.destination is None:
        return "destination" not in moved
    return any(_is_destination(side, packet, observation) for side in expected.destination)


def _is_destination(side: EndpointSet, packet: Packet, observation: Observation) -> bool:
    ports = side.ports
    if ports is None and packet.destination_port is not None:
        ports = point(packet.destination_port)
    if not _holds(ports, observation.destination_port):
        return False
    if side.addresses is None and observation.verdict != "delivered":
        return False
    return _holds(side.addresses, observation.destination)


def _holds(values: IntervalSet | None, value: int | None) -> bool:
    return values is None or (value is not None and value in values)


def _is_listener(expected: tuple[EndpointSet, ...] | None, observation: Observation) -> bool:
    taken_by = observation.listener
    if taken_by is None:
        return False
    return expected is None or any(
        (taken_by.address is None or _holds(side.addresses, taken_by.address))
        and _holds(side.ports, taken_by.port)
        for side in expected
    )


def _wanted(test: Test) -> str:
    family, expected = test.packet.family, test.expected
    match expected.kind:
        case "unchanged":
            return "no translation"
        case "dropped":
            return "the packet dropped"
        case "translated":
            return f"a new {expected.side}" if expected.side else "a translation"
        case "proxied":
            where = _text(family, expected.destination) if expected.destination else "any"
            return f"the transparent listener {where}"
        case "rewritten":
            sides = (("to", expected.destination), ("from", expected.source))
            named = [f"{word} {_text(family, side)}" for word, side in sides if side is not None]
            return " ".join(named) or "no translation"
        case _:
            assert_never(expected.kind)


def _deed(packet: Packet, observation: Observation) -> str:
    """Say what the kernel did, both sides where both moved."""
    if observation.verdict == "dropped":
        return "dropped it"
    if observation.listener is not None:
        to = observation.listener
        place = "any address" if to.address is None else text_of(to.family, to.address)
        return f"handed it to the transparent listener on {place} port {to.port}"
    family, moved = packet.family, _moved(packet, observation)
    ends = {
        "destination": endpoint(family, observation.destination, observation.destination_port),
        "source": endpoint(family, observation.source, observation.source_port),
    }
    words = {"destination": "to", "source": "from"}
    if not moved:
        return "left it untranslated"
    parts = [f"{words[side]} {ends[side]}" for side in ends if side in moved]
    return f"sent it {' '.join(parts)}"


def _text(family: Family, sides: tuple[EndpointSet, ...]) -> str:
    return " or ".join(_one_text(family, side) for side in sides)


def _one_text(family: Family, side: EndpointSet) -> str:
    addresses = "" if side.addresses is None else _list(side.addresses, family)
    if side.ports is None:
        return addresses or "the gateway"
    bracketed = f"[{addresses}]" if family is Family.IPV6 and addresses else addresses
    return f"{bracketed}:{_list(side.ports, None)}"


def _list(values: IntervalSet, family: Family | None) -> str:
    """Write a set of addresses, or of ports for None, the first few ranges of it."""

    def one(value: int) -> str:
        return str(value) if family is None else text_of(family, value)

    shown = [
        one(low) if low == high else f"{one(low)}-{one(high)}" for low, high in values.ranges[:4]
    ]
    return ", ".join(shown + ["…"] * (len(values.ranges) > 4))
