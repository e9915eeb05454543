"""How many times the rules of nf_tables have changed in this network namespace, whoever did it.

The kernel counts its transactions, so two equal numbers mean that nothing has changed in between,
and the number after some of natc's own tells whether there were others.  Legacy rules have none.

Source: net/netfilter/nf_tables_api.c, nf_tables_commit() and nf_tables_getgen(), Linux 6.18;
include/uapi/linux/netfilter/nf_tables.h.
"""

import select
from contextlib import suppress

from natc import netlink

_NFT_MSG_GETGEN = 0xA10
_NFTA_GEN_ID = 1


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
