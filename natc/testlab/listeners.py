"""The sockets of transparent proxies, which TPROXY needs to find before it takes a packet."""

import ctypes
import socket
import struct
from collections.abc import Iterable

from natc.address import Family, text_of
from natc.testlab.errors import LabUnavailable
from natc.testlab.oracle import FIRST_LISTENER
from natc.testlab.topology import Listener

IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # include/uapi/linux/in.h, in6.h
SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h

_REFUSAL = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
"""A socket filter of one instruction, that lets nothing in: BPF_RET | BPF_K, 0 bytes.

A listener is found, and the packet delivered, before its filter is asked.  Were a connection begun,
TPROXY would give the next packet of the same addresses and ports to that, whatever the rules say.

Source: include/uapi/linux/filter.h; net/ipv4/tcp_ipv4.c, tcp_v4_rcv(); nf_tproxy_ipv4.c.
"""


def listen(listeners: Iterable[Listener]) -> list[socket.socket]:
    """Open each place once; the socket's mark tells the oracle which listener it is.

    Raises:
        LabUnavailable: the address cannot be bound.
    """
    places = set()
    opened = []
    for index, listener in enumerate(listeners):
        place = listener.family, listener.protocol, listener.address, listener.port
        if place not in places:
            places.add(place)
            opened.append(_open(listener, FIRST_LISTENER + index))
    return opened


def _open(listener: Listener, mark: int) -> socket.socket:
    ipv4 = listener.family is Family.IPV4
    is_tcp = listener.protocol == socket.IPPROTO_TCP
    made = socket.socket(
        socket.AF_INET if ipv4 else socket.AF_INET6,
        socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM,
    )
    if ipv4:
        made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    program = struct.pack("@HP", 1, ctypes.addressof(_REFUSAL))
    made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    address = "" if listener.address is None else text_of(listener.family, listener.address)
    try:
        made.bind((address, listener.port))
    except OSError as error:
        raise LabUnavailable(f"no transparent listener on {address}: {error}") from error
    if is_tcp:
        made.listen()
    return made
