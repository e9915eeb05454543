"""Netlink: messages as bytes.  A leaf.

Sources: include/uapi/linux/netlink.h, include/uapi/linux/netfilter/nfnetlink.h.
"""

import socket
import struct
from collections.abc import Iterator

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # length with these four bytes, type
NETFILTER_HEADER = struct.Struct("!BBH")  # family, version, resource
NLMSG_ERROR = 2
NETLINK_NETFILTER = 12
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLA_TYPE_MASK = 0x3FFF
ROOM = 1 << 16
"""More than any one message takes."""


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each message in a datagram."""
    start = 0
    while start + HEADER.size <= len(data):
        length, kind, _, _, _ = HEADER.unpack_from(data, start)
        yield kind, data[start + HEADER.size : start + length]
        start += length + 3 & ~3


def attributes(data: bytes, start: int = 0) -> dict[int, bytes]:
    """Return the contents of the attributes from `start`, by type."""
    found = {}
    while start + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, start)
        found[kind & NLA_TYPE_MASK] = data[start + ATTRIBUTE.size : start + length]
        start += length + 3 & ~3
    return found


def attribute(kind: int, content: bytes) -> bytes:
    """Return one attribute, padded."""
    length = ATTRIBUTE.size + len(content)
    return ATTRIBUTE.pack(length, kind) + content + bytes(-length % 4)


def request(kind: int, flags: int, content: bytes) -> bytes:
    """Return one request."""
    header = HEADER.pack(HEADER.size + len(content), kind, flags | NLM_F_REQUEST, 1, 0)
    return header + content


def connect(protocol: int, groups: int = 0) -> socket.socket:
    """Return a non-blocking socket of `protocol` that hears the multicast `groups` (bits)."""
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    made.bind((0, groups))
    made.setblocking(False)
    return made
