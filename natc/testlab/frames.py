"""Raw IP packets with valid checksums, made from a `Packet`.  Pure.

Sources: RFC 791, RFC 8200 (IP), RFC 9293 (TCP), RFC 768 (UDP), RFC 792, RFC 4443 (ICMP),
RFC 9260 (SCTP), RFC 3828 (UDP-Lite), RFC 4340 (DCCP).
"""

import struct

from natc.address import Family
from natc.packet import Packet

ICMP, TCP, UDP, DCCP, GRE, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 47, 58, 132, 136

GATEWAY_MAC = bytes.fromhex("020000000001")
OUTSIDE_MAC = bytes.fromhex("020000000002")
_ETHERNET = {
    Family.IPV4: GATEWAY_MAC + OUTSIDE_MAC + b"\x08\x00",
    Family.IPV6: GATEWAY_MAC + OUTSIDE_MAC + b"\x86\xdd",
}

EXTENSION_HEADERS = frozenset({0, 43, 44, 51, 59, 60})
"""IPv6 next-header values that are not a protocol of their own.  Source: RFC 8200 §4, §4.7."""

_PLACEHOLDER_PORT = 40000
"""Where a protocol has ports that natc's packets do not name (dccp, udplite)."""


def frame(packet: Packet) -> bytes:
    """Return `packet` as the Ethernet frame that a neighbour of the gateway sends."""
    return framed(datagram(packet))


def framed(packet: bytes) -> bytes:
    """Return an IP packet as the Ethernet frame that a neighbour of the gateway sends."""
    return _ETHERNET[Family(packet[0] >> 4)] + packet


def datagram(packet: Packet) -> bytes:
    """Return `packet` as an IP packet that begins a connection."""
    size = packet.family.bits // 8
    source = packet.source.to_bytes(size, "big")
    destination = packet.destination.to_bytes(size, "big")
    payload = _payload(packet, source + destination)
    if packet.family is Family.IPV6:
        start = struct.pack("!IHBB", 0x6000_0000, len(payload), packet.protocol, 64)
        return start + source + destination + payload
    start = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, packet.protocol, 0)
    header = start + source + destination
    return header[:10] + checksum(header) + header[12:] + payload


def _payload(packet: Packet, addresses: bytes) -> bytes:
    """Return what follows the IP header; `addresses` begin the pseudo header."""
    ports = struct.pack(
        "!HH",
        packet.source_port or _PLACEHOLDER_PORT,
        packet.destination_port or _PLACEHOLDER_PORT,
    )
    match packet.protocol:
        case 6:  # SYN, 5 words, window 65535
            body = ports + struct.pack("!IIHHHH", 1, 0, 5 << 12 | 2, 65535, 0, 0)
            at = 16
        case 17:
            body, at = ports + struct.pack("!HH", 8, 0), 6
        case 136:
            body, at = ports + struct.pack("!HH", 0, 0), 6
        case 33:  # REQUEST, 5 words, 48-bit sequence numbers
            body = ports + struct.pack("!BBHBBHII", 5, 0, 0, 1, 0, 0, 1, 0)
            at = 6
        case 1:  # echo request; no pseudo header
            body = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
            return _filled(body, 2, checksum(body))
        case 58:
            body, at = struct.pack("!BBHHH", 128, 0, 0, 1, 1), 2
        case 132:
            return _sctp_init(ports)
        case _:
            return bytes(8)
    pseudo = addresses + struct.pack("!II", len(body), packet.protocol)
    # An all-zero sum means "none" in UDP.
    return _filled(body, at, checksum(pseudo + body).replace(b"\0\0", b"\xff\xff"))


def _filled(body: bytes, at: int, value: bytes) -> bytes:
    return body[:at] + value + body[at + len(value) :]


def checksum(data: bytes) -> bytes:
    """Return the Internet checksum of an even number of bytes.  Source: RFC 1071."""
    # One big remainder is the ones' complement sum, as 2**16 is 1 modulo 65535.
    total = int.from_bytes(data, "big")
    rest = total % 0xFFFF
    return (0xFFFF - (rest or (0xFFFF if total else 0))).to_bytes(2, "big")


def _sctp_init(ports: bytes) -> bytes:
    """Return an SCTP packet with one INIT chunk: tag 1, window 65535, one stream each way."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
    body = ports + bytes(8) + chunk
    return _filled(body, 8, _crc32c(body).to_bytes(4, "little"))


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F6_3B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC32C = _crc32c_table()


def _crc32c(data: bytes) -> int:
    """Return the Castagnoli CRC.  Source: RFC 9260 appendix A."""
    value = 0xFFFF_FFFF
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 255]
    return value ^ 0xFFFF_FFFF
