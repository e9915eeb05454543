"""Connection tracking as the lab sees it: new entries as they appear, and their removal.

Sources: include/uapi/linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c.
"""

import errno
import os
import socket

from natc.address import Family
from natc.record import Record
from natc.testlab import netlink
from natc.testlab.errors import LabError

NETLINK_NETFILTER = 12
NFNLGRP_CONNTRACK_NEW = 1
CT_NEW, CT_GET, CT_DELETE = 0x100, 0x101, 0x102
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_MARK = 1, 2, 8
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST = 1, 2, 3, 4
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
NLA_F_NESTED = 0x8000

_FAMILIES = {int(socket.AF_INET): Family.IPV4, int(socket.AF_INET6): Family.IPV6}


class Tuple(Record):
    """One direction of a connection; ports are None for protocols without."""

    protocol: int
    source: int
    source_port: int | None
    destination: int
    destination_port: int | None


class Entry(Record):
    """A new connection.

    Attributes:
        original: the packet as it came.
        reply: how the other side's answer will look, which tells the translation.
        mark: the connection's, 0..2**32-1.
        key: the original tuple in the kernel's own bytes.
    """

    family: Family
    original: Tuple
    reply: Tuple
    mark: int
    key: bytes


class Table:
    """The connections of this network namespace."""

    def __init__(self) -> None:
        self._events = netlink.connect(NETLINK_NETFILTER, NFNLGRP_CONNTRACK_NEW)
        self._requests = netlink.connect(NETLINK_NETFILTER)

    def new(self) -> Entry | None:
        """Return the oldest new entry not yet returned, None if there is none."""
        try:
            data = self._events.recv(netlink.ROOM)
        except BlockingIOError:
            return None
        ((_, content),) = netlink.messages(data)
        return _entry(content)

    def mark(self, entry: Entry) -> int:
        """Return what the mark of a connection is by now."""
        self._requests.send(netlink.request(CT_GET, 0, _named(entry)))
        ((kind, content),) = netlink.messages(self._requests.recv(netlink.ROOM))
        if kind == netlink.NLMSG_ERROR:
            raise LabError("a connection was gone before the lab could look at it")
        return _entry(content).mark

    def delete(self, entry: Entry) -> None:
        """Remove one connection; it may be gone already."""
        code = netlink.ask(self._requests, CT_DELETE, 0, _named(entry))
        if code not in {0, errno.ENOENT}:
            raise LabError(f"cannot delete a connection: {os.strerror(code)}")


def _named(entry: Entry) -> bytes:
    """Return what names a connection in a request."""
    header = netlink.NETFILTER_HEADER.pack(_number(entry.family), 0, 0)
    return header + netlink.attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, entry.key)


def _number(family: Family) -> int:
    return int(socket.AF_INET if family is Family.IPV4 else socket.AF_INET6)


def _entry(content: bytes) -> Entry:
    family = _FAMILIES[content[0]]
    found = netlink.attributes(content, netlink.NETFILTER_HEADER.size)
    mark = found.get(CTA_MARK)
    key = found[CTA_TUPLE_ORIG]
    return Entry(
        family,
        _tuple(family, key),
        _tuple(family, found[CTA_TUPLE_REPLY]),
        int.from_bytes(mark, "big") if mark else 0,
        key,
    )


def _tuple(family: Family, content: bytes) -> Tuple:
    parts = netlink.attributes(content)
    addresses = netlink.attributes(parts[CTA_TUPLE_IP])
    protocol = netlink.attributes(parts[CTA_TUPLE_PROTO])
    ipv4 = family is Family.IPV4
    return Tuple(
        protocol[CTA_PROTO_NUM][0],
        int.from_bytes(addresses[CTA_IP_V4_SRC if ipv4 else CTA_IP_V6_SRC], "big"),
        _port(protocol.get(CTA_PROTO_SRC_PORT)),
        int.from_bytes(addresses[CTA_IP_V4_DST if ipv4 else CTA_IP_V6_DST], "big"),
        _port(protocol.get(CTA_PROTO_DST_PORT)),
    )


def _port(content: bytes | None) -> int | None:
    return None if content is None else int.from_bytes(content, "big")
