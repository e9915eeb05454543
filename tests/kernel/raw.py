"""Packets that no connection begins with, made from one that does; and reading what comes out."""

import struct
from collections.abc import Callable

from natc.address import Family
from natc.packet import Packet
from natc.testlab import frames

Maker = Callable[[Packet], bytes]

_ECHO = {Family.IPV4: (8, 0), Family.IPV6: (128, 129)}
_FLAGS = {letter: 1 << bit for bit, letter in enumerate("FSRPAU")}


def flags(letters: str) -> Maker:
    """Return what makes tcp segments with these flags: `SA` is the answer to a SYN."""

    def make(packet: Packet) -> bytes:
        header, body = _parts(frames.datagram(packet))
        value = bytes([sum(_FLAGS[letter] for letter in letters)])
        return header + _summed(header, body[:13] + value + body[14:], 16)

    return make


def damaged(packet: Packet) -> bytes:
    """Return a packet whose tcp checksum is wrong."""
    data = frames.datagram(packet)
    header, body = _parts(data)
    return header + body[:16] + bytes([body[16] ^ 1]) + body[17:]


def echo(identifier: int, *, is_answer: bool = False) -> Maker:
    """Return what makes a ping, or the answer to one, with this identifier."""

    def make(packet: Packet) -> bytes:
        header, body = _parts(frames.datagram(packet))
        kind = _ECHO[packet.family][is_answer]
        body = bytes([kind]) + body[1:4] + identifier.to_bytes(2, "big") + body[6:]
        return header + _summed(header, body, 2)

    return make


def fragments(packet: Packet, size: int) -> list[bytes]:
    """Return a udp packet in two halves; `size` is what follows the IP header, in sixteens."""
    header, body = _parts(frames.datagram(packet))
    body = body[:4] + struct.pack("!HH", size, 0) + bytes(size - len(body))
    pieces = (body[: size // 2], body[size // 2 :])
    if packet.family is Family.IPV6:
        body = _summed(header, body, 6)
        pieces = (body[: size // 2], body[size // 2 :])
        return [
            header[:4]
            + struct.pack("!HBB", 8 + len(piece), 44, header[7])
            + header[8:]
            + struct.pack("!BBHI", packet.protocol, 0, at | (not at), 7)
            + piece
            for at, piece in zip((0, size // 2), pieces, strict=True)
        ]
    made = []
    for at, piece in zip((0, size // 2), pieces, strict=True):
        start = header[:2] + struct.pack("!HHH", 20 + len(piece), 7, at // 8 | (not at) << 13)
        start += header[8:10] + bytes(2) + header[12:]
        made.append(start[:10] + frames.checksum(start) + start[12:] + piece)
    return made


def ends(data: bytes) -> tuple[Family, int, int, int, int]:
    """Return family, source, source port, destination, destination port of a packet.

    An identifier counts as source port; where there is none, both ports are 0.
    """
    header, body = _parts(data)
    family = Family(data[0] >> 4)
    protocol = data[9] if family is Family.IPV4 else data[6]
    ports = (0, 0)
    if protocol in {frames.TCP, frames.UDP, frames.SCTP}:
        ports = struct.unpack_from("!HH", body)
    elif protocol in {frames.ICMP, frames.ICMPV6}:
        ports = (int.from_bytes(body[4:6], "big"), 0)
    size = family.bits // 8
    source = int.from_bytes(header[-2 * size : -size], "big")
    return family, source, ports[0], int.from_bytes(header[-size:], "big"), ports[1]


def ports(data: bytes) -> tuple[int, int]:
    """Return what stands where most protocols have their ports."""
    _, body = _parts(data)
    source, destination = struct.unpack_from("!HH", body)
    return source, destination


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """Split a packet after its IP header, which ends with the two addresses."""
    size = 40 if data[0] >> 4 == 6 else 20
    return data[:size], data[size:]


def _summed(header: bytes, body: bytes, at: int) -> bytes:
    """Return `body` with its checksum, two bytes at `at`."""
    body = body[:at] + bytes(2) + body[at + 2 :]
    ipv6 = header[0] >> 4 == 6
    protocol = header[6] if ipv6 else header[9]
    addresses = header[8:] if ipv6 else header[12:]
    pseudo = b"" if protocol == frames.ICMP else addresses + struct.pack("!II", len(body), protocol)
    return body[:at] + frames.checksum(pseudo + body) + body[at + 2 :]
