"""The sockets of transparent proxies, which TPROXY needs to find before it takes a packet."""

import socket
from collections.abc import Iterable

from natc.address import Family, text_of
from natc.testlab.errors import LabUnavailable
from natc.testlab.oracle import FIRST_LISTENER
from natc.testlab.topology import Listener

IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # include/uapi/linux/in.h, in6.h


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
    address = "" if listener.address is None else text_of(listener.family, listener.address)
    try:
        made.bind((address, listener.port))
    except OSError as error:
        raise LabUnavailable(f"no transparent listener on {address}: {error}") from error
    if is_tcp:
        made.listen()
    return made
