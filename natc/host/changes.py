"""How many times the rules of nf_tables have changed in this network namespace, whoever did it.

The kernel counts its transactions, so two equal numbers mean that nothing has changed in between,
and the number after some of natc's own tells whether there were others.  Legacy rules have none.

Source: net/netfilter/nf_tables_api.c, nf_tables_commit() and nf_tables_getgen(), Linux 6.18;
include/uapi/linux/netfilter/nf_tables.h.
"""

import select
import socket
from contextlib import suppress
from pathlib import Path

from natc import netlink

_NFT_MSG_GETGEN = 0xA10
_NFTA_GEN_ID = 1

_SO_NETNS_COOKIE = 71
"""Source: include/uapi/asm-generic/socket.h; since Linux 5.14."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def changes() -> int | None:
    """Return the number, 1..2**32-1; None where the kernel does not tell."""
    with suppress(OSError), netlink.connect(netlink.NETLINK_NETFILTER) as kernel:
        content = netlink.NETFILTER_HEADER.pack(0, 0, 0)
        kernel.send(netlink.request(_NFT_MSG_GETGEN, 0, content))
        if not select.select([kernel], [], [], 1)[0]:
            return None
        for kind, answer in netlink.messages(kernel.recv(netlink.ROOM)):
            if kind == netlink.NLMSG_ERROR:
                return None
            found = netlink.attributes(answer, netlink.NETFILTER_HEADER.size)
            if _NFTA_GEN_ID in found:
                return int.from_bytes(found[_NFTA_GEN_ID], "big")
    return None


def where() -> str | None:
    """Return what tells this network namespace from all others, those of earlier boots as well.

    None where the kernel does not tell.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        cookie = any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
        return f"{_BOOT_ID.read_text().strip()}-{cookie.hex()}"
    return None
