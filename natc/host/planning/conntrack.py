"""The connections that the kernel tracks: all of them as values, and the end of single ones.

Sources: include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h and
nf_conntrack_tcp.h, net/netfilter/nf_conntrack_netlink.c, Linux 6.18.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator

from natc.address import Family, text_of
from natc.host.errors import HostError
from natc.packet import PROTOCOL_NAMES, endpoint
from natc.record import Record
from natc.testlab import netlink
from natc.testlab.errors import LabError

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x101, 0x102
_NLM_F_DUMP = 0x300
_NLMSG_DONE = 3
_NLA_F_NESTED = 0x8000

_TUPLE_ORIG, _TUPLE_REPLY, _STATUS, _PROTOINFO, _ID, _ZONE = 1, 2, 3, 4, 12, 18
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_IP = {Family.IPV4: (1, 2), Family.IPV6: (3, 4)}
_PROTO_NUM, _PROTO_SRC_PORT, _PROTO_DST_PORT = 1, 2, 3
_ICMP = {Family.IPV4: (4, 5, 6), Family.IPV6: (7, 8, 9)}
"""The attributes of an echo's number, type and code."""
_PROTOINFO_TCP, _PROTOINFO_TCP_STATE = 1, 1

_EXPECTED = 1
"""The bit of a connection that a helper expected, such as the data of ftp: IPS_EXPECTED."""

_OVER = frozenset({7, 8})
"""States of tcp in which the next SYN begins anew: TIME_WAIT and CLOSE."""

_FAMILIES = {int(socket.AF_INET): Family.IPV4, int(socket.AF_INET6): Family.IPV6}
_NUMBERS = {family: number for number, family in _FAMILIES.items()}

_TCP, _GRE = 6, 47
_WITH_PORTS = frozenset({6, 17, 33, 132, 136})
"""Protocols whose ports `conntrack` takes as `--sport` and `--dport`."""

_ROOM = 1 << 20


class Side(Record):
    """One direction of a connection.

    Attributes:
        source_port, destination_port: None for protocols without.
        echo: number, type and code of an icmp query, 0..65535 and 0..255; None for others.
    """

    protocol: int
    source: int
    source_port: int | None
    destination: int
    destination_port: int | None
    echo: tuple[int, int, int] | None = None


class Name(Record):
    """What tells one entry of the kernel's table from others, later ones with its ends among them.

    Attributes:
        key, reply: the two directions in the kernel's own bytes.
        number: the kernel's own, which a later entry seldom has again: it is a hash of addresses.
            Source: net/netfilter/nf_conntrack_core.c, nf_ct_get_id(), Linux 6.18.
        zone: of connection tracking, 0 unless rules say otherwise.
    """

    family: Family
    key: bytes
    reply: bytes
    number: bytes
    zone: int


class Connection(Record):
    """One entry of the kernel's table.

    Attributes:
        original: the first packet, as it came.
        reply: how an answer to it looks, which tells the translation.
        is_expected: whether a helper foresaw it: it is translated as the connection it belongs to.
        is_over: whether the next packet that begins a connection would take its place.
    """

    family: Family
    original: Side
    reply: Side
    name: Name
    is_expected: bool = False
    is_over: bool = False

    @property
    def translation(self) -> tuple[str, str]:
        """The new destination and the new source, each empty where it stayed."""
        to, from_ = "", ""
        first, answer = self.original, self.reply
        if (answer.source, answer.source_port) != (first.destination, first.destination_port):
            to = endpoint(self.family, answer.source, answer.source_port)
        if (answer.destination, answer.destination_port) != (first.source, first.source_port):
            from_ = endpoint(self.family, answer.destination, answer.destination_port)
        return to, from_

    def __str__(self) -> str:
        first = self.original
        protocol = PROTOCOL_NAMES.get(first.protocol, str(first.protocol))
        source = endpoint(self.family, first.source, first.source_port)
        return f"{protocol} {source} > " + endpoint(
            self.family, first.destination, first.destination_port
        )


def connections() -> list[Connection]:
    """Return all connections of this network namespace.

    Raises:
        HostError: the kernel does not tell them.
    """
    with _kernel() as kernel:
        content = netlink.NETFILTER_HEADER.pack(int(socket.AF_UNSPEC), 0, 0)
        kernel.send(netlink.request(_CT_GET, _NLM_F_DUMP, content))
        return list(_told(kernel))


def _told(kernel: socket.socket) -> Iterator[Connection]:
    while True:
        for kind, content in netlink.messages(kernel.recv(_ROOM)):
            if kind == _NLMSG_DONE:
                return
            if kind == netlink.NLMSG_ERROR:
                (code,) = struct.unpack_from("=i", content)
                raise _error("look at connections", -code)
            if content[0] in _FAMILIES:
                yield _connection(content)


def delete(names: Iterable[Name]) -> int:
    """Delete these connections and no others; return how many were still there.

    The kernel looks at key, number and zone.

    Raises:
        HostError: the kernel does not let it.
    """
    gone = 0
    with _kernel() as kernel:
        for name in names:
            header = netlink.NETFILTER_HEADER.pack(_NUMBERS[name.family], 0, 0)
            named = netlink.attribute(_TUPLE_ORIG | _NLA_F_NESTED, name.key)
            named += netlink.attribute(_ID, name.number)
            if name.zone:
                named += netlink.attribute(_ZONE, name.zone.to_bytes(2, "big"))
            try:
                code = netlink.ask(kernel, _CT_DELETE, 0, header + named)
            except LabError as error:
                raise HostError(str(error)) from None
            if code not in {0, errno.ENOENT}:
                raise _error("delete a connection", code)
            gone += code == 0
    return gone


def deleting(connection: Connection) -> str:
    """Return the line of `conntrack` that deletes this connection alone."""
    family, first = connection.family, connection.original
    words = ["conntrack -D"]
    words += ["-f ipv6"] if family is Family.IPV6 else []
    protocol = PROTOCOL_NAMES.get(first.protocol)
    known = first.protocol in _WITH_PORTS or first.echo is not None or first.protocol == _GRE
    words.append(f"-p {protocol if known and protocol else first.protocol}")
    words.append(f"-s {text_of(family, first.source)} -d {text_of(family, first.destination)}")
    if first.echo is not None:
        number, kind, code = first.echo
        name = "icmp" if family is Family.IPV4 else "icmpv6"
        words.append(f"--{name}-type {kind} --{name}-code {code} --{name}-id {number}")
    elif first.source_port is not None:
        ends = ("--srckey", "--dstkey") if first.protocol == _GRE else ("--sport", "--dport")
        words.append(f"{ends[0]} {first.source_port} {ends[1]} {first.destination_port}")
    words.append(f"-w {connection.name.zone}")  # Without it those of all zones would go.
    return " ".join(words)


def _kernel() -> socket.socket:
    try:
        kernel = netlink.connect(_NETLINK_NETFILTER)
    except OSError as error:
        raise _error("look at connections", error.errno or 0) from None
    kernel.setblocking(True)
    return kernel


def _error(what: str, code: int) -> HostError:
    help_ = "the kernel may lack nf_conntrack_netlink"
    if code in {errno.EPERM, errno.EACCES}:
        help_ = "run natc as root"
    return HostError(f"cannot {what}: {os.strerror(code)}", help_)


def _connection(content: bytes) -> Connection:
    family = _FAMILIES[content[0]]
    found = netlink.attributes(content, netlink.NETFILTER_HEADER.size)
    key = found[_TUPLE_ORIG]
    original = _side(family, key)
    state = None
    if original.protocol == _TCP and _PROTOINFO in found:
        tcp = netlink.attributes(found[_PROTOINFO]).get(_PROTOINFO_TCP, b"")
        state = netlink.attributes(tcp).get(_PROTOINFO_TCP_STATE, b"\0")[0]
    return Connection(
        family,
        original,
        _side(family, found[_TUPLE_REPLY]),
        Name(
            family,
            key,
            found[_TUPLE_REPLY],
            found[_ID],
            int.from_bytes(found.get(_ZONE, b""), "big"),
        ),
        bool(int.from_bytes(found[_STATUS], "big") & _EXPECTED),
        state in _OVER,
    )


def _side(family: Family, content: bytes) -> Side:
    parts = netlink.attributes(content)
    addresses = netlink.attributes(parts[_TUPLE_IP])
    protocol = netlink.attributes(parts[_TUPLE_PROTO])
    source, destination = (int.from_bytes(addresses[kind], "big") for kind in _IP[family])
    numbers = [protocol.get(kind) for kind in _ICMP[family]]
    number, kind, code = (None if each is None else int.from_bytes(each, "big") for each in numbers)
    echo = None if number is None or kind is None or code is None else (number, kind, code)
    return Side(
        protocol[_PROTO_NUM][0],
        source,
        _port(protocol.get(_PROTO_SRC_PORT)),
        destination,
        _port(protocol.get(_PROTO_DST_PORT)),
        echo,
    )


def _port(content: bytes | None) -> int | None:
    return None if content is None else int.from_bytes(content, "big")
