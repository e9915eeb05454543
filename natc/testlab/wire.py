"""What leaves the gateway, as its neighbours see it.

Source: packet(7).
"""

import socket
from collections.abc import Iterator

from natc.testlab import frames, links
from natc.testlab.topology import Topology

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD  # include/uapi/linux/if_ether.h
_ROOM = 1 << 16


class Wire:
    """Raw IP packets in, raw IP packets out."""

    def __init__(self, topology: Topology, ports: links.Ports) -> None:
        self._ports = ports
        self._names = {
            links.peer(index): interface.name for index, interface in enumerate(topology.interfaces)
        }
        self._seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._seen.setblocking(False)

    def exchange(self, interface: str, packet: bytes) -> list[tuple[str, bytes]]:
        """Have `interface` receive `packet` and return what then left, and by which interface."""
        list(self._left())
        self._ports.inject(interface, frames.framed(packet), 0)
        self._ports.fence()
        return list(self._left())

    def _left(self) -> Iterator[tuple[str, bytes]]:
        while True:
            try:
                packet, (peer, protocol, kind, *_) = self._seen.recvfrom(_ROOM)
            except BlockingIOError:
                return
            is_arriving = kind != socket.PACKET_OUTGOING
            if peer in self._names and is_arriving and protocol in {ETH_P_IP, ETH_P_IPV6}:
                yield self._names[peer], packet
