"""One packet into the gateway, and what the kernel made of it."""

import errno
import pwd
import socket
import struct
from collections.abc import Sequence
from typing import Literal

from natc.address import Family, text_of
from natc.packet import PORT_PROTOCOLS, PROTOCOL_NAMES, Packet
from natc.record import Record
from natc.testlab import conntrack, frames, oracle
from natc.testlab.errors import LabError
from natc.testlab.links import STEERING_TABLE, Ports
from natc.testlab.listeners import listen
from natc.testlab.netns import Acting
from natc.testlab.steering import Steering
from natc.testlab.topology import Listener, Topology

_REFUSED = frozenset(
    (errno.EPERM, errno.EINVAL, errno.EACCES, errno.ENETUNREACH, errno.EHOSTUNREACH)
)
"""How the kernel answers a local sender whose packet it drops: netfilter does with EPERM, a
destination that has no route after translation with one of the others."""


class Observation(Record):
    """What the kernel did with one probe.

    Attributes:
        verdict: `delivered` is to the gateway itself; a `dropped` packet keeps its own addresses.
        source, source_port, destination, destination_port: after translation; ports are None for
            protocols without.
        out_interface: where it left, for `forwarded`, which the gateway's own packets are too.
        listener: the transparent listener that took it.
    """

    verdict: Literal["forwarded", "delivered", "dropped"]
    source: int
    source_port: int | None
    destination: int
    destination_port: int | None
    out_interface: str | None = None
    listener: Listener | None = None

    @property
    def proxied(self) -> bool:
        """Whether a transparent listener took it."""
        return self.listener is not None


def obstacle(packet: Packet, topology: Topology, uids: Sequence[tuple[int, int]]) -> str | None:
    """Say why a lab cannot make `packet`, None when it can.

    Args:
        uids: the closed ranges of uids that the lab's processes can take.
    """
    for name in (packet.in_interface, packet.out_interface):
        if name is not None and topology.find(name) is None:
            return f"the lab has no interface `{name}`"
    return _untracked(packet) or _foreign_user(packet, uids)


def _untracked(packet: Packet) -> str | None:
    """Say why connection tracking would not take `packet` for a connection's first."""
    name = PROTOCOL_NAMES.get(packet.protocol, f"protocol {packet.protocol}")
    if packet.protocol in PORT_PROTOCOLS and None in (packet.source_port, packet.destination_port):
        return f"{name} needs both ports"
    ipv6 = packet.family is Family.IPV6
    if ipv6 and packet.protocol in frames.EXTENSION_HEADERS:
        return f"{name} is an extension header in IPv6"
    if packet.protocol == (frames.ICMP if ipv6 else frames.ICMPV6):
        return f"{name} is no protocol of {packet.family}"
    if packet.protocol == frames.UDPLITE and packet.in_interface is not None:
        # Source: net/netfilter/nf_conntrack_proto_udp.c udplite_error(), Linux 6.18.
        return "connection tracking checks udplite by the checksum of udp and finds it invalid"
    return None


def _foreign_user(packet: Packet, uids: Sequence[tuple[int, int]]) -> str | None:
    """Say why no process of the lab can be the packet's user."""
    if packet.user is None:
        return None
    uid = _uid(packet.user)
    if uid is None:
        return f"there is no user `{packet.user}` on this machine"
    if not any(first <= uid <= last for first, last in uids):
        return f"user `{packet.user}` needs a lab that root makes"
    return None


def _uid(user: str) -> int | None:
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


class Prober:
    """Sends probes and reads the kernel's verdicts, in the worker.

    A packet's translation and end come with the event of its new connection.  No event means that
    the kernel dropped it: sending is synchronous, and where it may not be, `Ports.fence` tells.
    """

    def __init__(self, topology: Topology, ports: Ports, uids: Sequence[tuple[int, int]]) -> None:
        self._topology = topology
        self._ports = ports
        self._connections = conntrack.Table()
        # Packets without a user must not match a rule for any: nobody has the last uid.
        self._nobody = uids[-1][1]
        self._senders: dict[tuple[Family, int], socket.socket] = {}
        self._marks: dict[tuple[Family, int], int] = {}
        self._steering = Steering()
        self._listening = listen(topology.listeners)

    def probe(self, packet: Packet, *, keep: bool = False) -> Observation:
        """Send one packet; `keep` leaves its connection in place, for later ones to meet."""
        while self._connections.new():
            continue
        self._send_by(packet)
        entry = self._connections.new()
        if entry is None:
            self._ports.fence()
            entry = self._connections.new()
        if entry is None:
            return _dropped(packet)
        if not _is_of(entry, packet):
            raise LabError(f"a connection that no probe made: {entry}")
        mark = self._looped(entry) if entry.mark == oracle.LOOPBACK else entry.mark
        if not keep:
            self._connections.delete(entry)
        return self._observation(packet, entry, mark)

    def _looped(self, entry: conntrack.Entry) -> int:
        """Return the mark of what left by lo, once it has come back in.

        Such a connection is announced as its packet leaves; INPUT marks it afterwards, or drops it.
        """
        mark = self._connections.mark(entry)
        if mark == oracle.LOOPBACK:
            self._ports.fence()
            mark = self._connections.mark(entry)
        return mark

    def _send_by(self, packet: Packet) -> None:
        """Send by way of `packet.out_interface`, or by routing where it names none."""
        came_by = self._index(packet.in_interface)
        out = self._index(packet.out_interface)
        if out is None:
            self._send(packet, came_by)
            return
        name = "lo" if came_by is None else self._topology.interfaces[came_by].name
        with self._steering.by(packet.family, name, STEERING_TABLE + out):
            self._send(packet, came_by)

    def _send(self, packet: Packet, came_by: int | None) -> None:
        if came_by is None:
            self._send_locally(packet)
        else:
            name = self._topology.interfaces[came_by].name
            self._ports.inject(name, frames.frame(packet), packet.mark)

    def _index(self, name: str | None) -> int | None:
        if name is None:
            return None
        interface = self._topology.find(name)
        if interface is None:
            raise LabError(f"no interface {name}")
        return self._topology.interfaces.index(interface)

    def _send_locally(self, packet: Packet) -> None:
        uid = None if packet.user is None else _uid(packet.user)
        key = packet.family, self._nobody if uid is None else uid
        sender = self._senders.get(key)
        if sender is None:
            sender = self._senders[key] = _raw(*key)
        if self._marks.get(key, 0) != packet.mark:
            mark = struct.pack("=I", packet.mark)  # setsockopt takes no integer from 2**31 on
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            self._marks[key] = packet.mark
        try:
            sender.sendto(frames.datagram(packet), (text_of(packet.family, packet.destination), 0))
        except OSError as error:
            if error.errno not in _REFUSED:
                raise

    def _observation(self, packet: Packet, entry: conntrack.Entry, mark: int) -> Observation:
        if mark == oracle.LOOPBACK:  # It never came to the end of INPUT.
            return _dropped(packet)
        has_ports = packet.destination_port is not None
        reply = entry.reply
        verdict: Literal["forwarded", "delivered"] = "delivered"
        out_interface = listener = None
        if mark >= oracle.FIRST_LISTENER:
            listener = self._topology.listeners[mark - oracle.FIRST_LISTENER]
        elif mark >= oracle.FIRST_INTERFACE:
            verdict = "forwarded"
            out_interface = self._topology.interfaces[mark - oracle.FIRST_INTERFACE].name
        elif mark != oracle.DELIVERED:
            raise LabError(f"{packet} ended where the lab has no interface")
        return Observation(
            verdict,
            reply.destination,
            reply.destination_port if has_ports else None,
            reply.source,
            reply.source_port if has_ports else None,
            out_interface,
            listener,
        )


def _dropped(packet: Packet) -> Observation:
    return Observation(
        "dropped",
        packet.source,
        packet.source_port,
        packet.destination,
        packet.destination_port,
    )


def _is_of(entry: conntrack.Entry, packet: Packet) -> bool:
    original = entry.original
    return (
        original.source == packet.source
        and original.destination == packet.destination
        and original.protocol == packet.protocol
    )


def _raw(family: Family, uid: int) -> socket.socket:
    """Return a socket of `uid` that sends whole IP packets, which IPPROTO_RAW implies."""
    domain = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    with Acting(uid):
        made = socket.socket(domain, socket.SOCK_RAW, socket.IPPROTO_RAW)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, oracle.PROBE_PRIORITY)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return made
