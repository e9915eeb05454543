"""Policy routing for one packet at a time: how a probe leaves by the interface that it names.

Sources: include/uapi/linux/fib_rules.h; net/ipv4/fib_rules.c, Linux 6.18.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from natc.address import Family
from natc.testlab import netlink

RTM_NEWRULE, RTM_DELRULE = 32, 33
NLM_F_CREATE, NLM_F_EXCL = 0x400, 0x200
FRA_IIFNAME, FRA_PRIORITY, FRA_TABLE = 3, 6, 15
FR_ACT_TO_TBL = 1

_PRIORITY = 200
"""After the local table and the transparent listeners', before the main table."""


class Steering:
    """Rules of policy routing in this network namespace."""

    def __init__(self) -> None:
        self._kernel = netlink.connect(socket.NETLINK_ROUTE)

    @contextmanager
    def by(self, family: Family, came_by: str, table: int) -> Iterator[None]:
        """Route all packets that came by one interface by `table` meanwhile.

        The local table goes first: what is for the gateway still reaches it.

        Args:
            came_by: the interface, `lo` for the gateway's own packets.
        """
        rule = _rule(family, came_by, table)
        netlink.demand(self._kernel, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule)
        try:
            yield
        finally:
            netlink.demand(self._kernel, RTM_DELRULE, 0, rule)


def _rule(family: Family, came_by: str, table: int) -> bytes:
    domain = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    header = struct.pack("=8BI", domain, 0, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0)
    return header + b"".join(
        (
            netlink.attribute(FRA_IIFNAME, came_by.encode() + b"\0"),
            netlink.attribute(FRA_PRIORITY, struct.pack("=I", _PRIORITY)),
            netlink.attribute(FRA_TABLE, struct.pack("=I", table)),
        )
    )
