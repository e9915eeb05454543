"""Building a lab's interfaces in the worker's own namespace, and putting frames on them.

Each interface is one end of a veth pair whose other end lies in the same namespace without an
address: what is written there, the interface receives.  With ARP off every neighbour resolves,
and what leaves the interface is for a foreign machine at the other end, which ignores it.
A bridge has such a pair on a port, and a tap besides, as a virtual machine's host has, where
/dev/net/tun may be opened.
"""

import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from natc.address import Family
from natc.testlab import programs
from natc.testlab.errors import LabUnavailable
from natc.testlab.frames import GATEWAY_MAC, OUTSIDE_MAC
from natc.testlab.topology import Listener, Route, Topology

STEERING_TABLE = 1000
"""Routing table 1000 + i sends everything out by the topology's interface i."""

LISTENER_TABLE = 999
FENCE = ("natc-fence0", "natc-fence1")
FENCE_PROTOCOL = 0x88B5
"""Local experimental EtherType.  Source: IEEE 802, RFC 9542 §3."""

_TUNSETIFF = 0x4004_54CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000

_SETTINGS = (
    ("ipv4/ip_forward", 1),
    ("ipv4/conf/{}/rp_filter", 0),
    ("ipv4/conf/{}/send_redirects", 0),
    ("ipv6/conf/{}/forwarding", 1),
    ("ipv6/conf/{}/accept_dad", 0),
    ("ipv6/conf/{}/accept_ra", 0),
    ("bridge/bridge-nf-call-iptables", 0),
    ("bridge/bridge-nf-call-ip6tables", 0),
    ("bridge/bridge-nf-call-arptables", 0),
)
"""Written before any interface exists: those made later start from `default`."""


class Ports:
    """Where to put a frame so that an interface receives it."""

    def __init__(self, topology: Topology, taps: dict[str, int]) -> None:
        self._taps = taps
        self._peers = {
            interface.name: peer(index) for index, interface in enumerate(topology.interfaces)
        }
        # One socket for all: the kernel takes ten milliseconds to close each one.
        self._wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._wire.bind((FENCE[0], FENCE_PROTOCOL))
        self._wire.settimeout(10)
        self._mark = 0

    def inject(self, interface: str, frame: bytes, mark: int) -> None:
        """Have `interface` receive `frame` as a packet that already carries `mark`.

        The mark survives the veth pair since both ends are in one namespace; a tap has none to
        give.  Source: net/core/skbuff.c skb_scrub_packet(), Linux 6.18.
        """
        if not mark and interface in self._taps:
            os.write(self._taps[interface], frame)
            return
        if self._mark != mark:
            self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
            self._mark = mark
        self._wire.sendto(frame, (self._peers[interface], 0))

    def fence(self) -> None:
        """Return when every packet injected before has been dealt with.

        The worker stays on one CPU, whose queue of received packets is first in, first out.
        """
        header = GATEWAY_MAC + OUTSIDE_MAC + FENCE_PROTOCOL.to_bytes(2, "big")
        self._wire.sendto(header, (FENCE[1], 0))
        self._wire.recv(64)


def build(topology: Topology) -> Ports:
    """Make everything that `topology` lists.

    Raises:
        LabUnavailable: the system has no IPv6 and the topology needs it, or /proc/sys is read-only.
    """
    if Family.IPV6 in topology.families and not Path("/proc/sys/net/ipv6").exists():
        raise LabUnavailable("this kernel has no IPv6, which the policy uses")
    _settle(topology)
    taps = dict(_taps(topology))
    programs.must(("ip", "-batch", "-"), "\n".join(_commands(topology, taps)))
    for family in sorted({listener.family for listener in topology.listeners}):
        programs.must(
            ("ip", f"-{family:d}", "-batch", "-"),
            "\n".join(_diversions(family, topology.listeners)),
        )
    return Ports(topology, {bridge: file for bridge, (_, file) in taps.items()})


def _settle(topology: Topology) -> None:
    for pattern, value in (
        *_SETTINGS,
        ("ipv4/conf/{}/route_localnet", int(topology.has_loopback_target)),
        ("ipv6/conf/{}/disable_ipv6", int(Family.IPV6 not in topology.families)),
    ):
        for scope in ("all", "default", "lo") if "{}" in pattern else ("",):
            try:
                Path("/proc/sys/net", pattern.format(scope)).write_text(str(value))
            except FileNotFoundError:
                continue  # no IPv6, or no bridge module: nothing to switch off
            except OSError as error:
                raise LabUnavailable(f"cannot set a sysctl in a namespace: {error}") from error


def _taps(topology: Topology) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield each bridge's tap, name and open file; nothing where the system does not let us."""
    used = {interface.name for interface in topology.interfaces}
    free = (f"vnet{number}" for number in range(len(used) * 2 + 1))
    names = (name for name in free if name not in used)
    for bridge in topology.interfaces:
        if not bridge.is_bridge:
            continue
        try:
            file = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return
        name = next(names)
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
        yield bridge.name, (name, file)


def _commands(topology: Topology, taps: dict[str, tuple[str, int]]) -> Iterator[str]:
    """Yield the lines of one `ip -batch`."""
    yield _pair(*FENCE)
    links = ["lo", *FENCE]
    for index, interface in enumerate(topology.interfaces):
        outside = peer(index)
        links += [interface.name, outside]
        if interface.is_bridge:
            ports = [f"natc-port{index}"]
            if interface.name in taps:
                ports.append(taps[interface.name][0])
            links += ports
            yield _pair(ports[0], outside)
            yield _link(interface.name, "bridge mcast_snooping 0")
            yield from (f"link set {port} master {interface.name}" for port in ports)
        else:
            yield _pair(interface.name, outside)
    if Family.IPV6 in topology.families:
        yield from (f"link set {link} addrgenmode none" for link in links if link != "lo")
    yield from (f"link set {interface.name} arp off" for interface in topology.interfaces)
    yield from (f"link set {link} up" for link in links)
    yield from _addressing(topology)


def _addressing(topology: Topology) -> Iterator[str]:
    for index, interface in enumerate(topology.interfaces):
        for address in interface.addresses:
            flags = "nodad noprefixroute" if address.family is Family.IPV6 else "noprefixroute"
            yield f"addr add {address} dev {interface.name} {flags}"
        for family in topology.families:
            yield _route(Route(family, 0, 0, interface.name), STEERING_TABLE + index)
    yield from (_route(route) for route in topology.routes)


def _pair(near: str, far: str) -> str:
    return _link(near, f"veth peer name {far} address {OUTSIDE_MAC.hex(':')}")


def _link(name: str, kind: str) -> str:
    return f"link add name {name} address {GATEWAY_MAC.hex(':')} type {kind}"


def _route(route: Route, table: int | None = None) -> str:
    into = f" table {table}" if table is not None else ""
    return f"route add {route}{into}"


def _diversions(family: Family, listeners: Iterable[Listener]) -> Iterator[str]:
    """Yield policy routing that delivers marked packets to this host, whatever their address."""
    marks = {(one.mark, one.mask) for one in listeners if one.family is family}
    for mark, mask in sorted(marks):
        yield f"rule add pref 100 fwmark {mark:#x}/{mask:#x} lookup {LISTENER_TABLE}"
    yield f"route add local default dev lo table {LISTENER_TABLE}"


def peer(index: int) -> str:
    """Return the name of the outside end of the topology's interface `index`."""
    return f"natc-peer{index}"
