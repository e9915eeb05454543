"""The lab's own nftables table, which tells what became of a packet, and nothing else.

It writes the packet's end on its connection: the interface that it left by (POSTROUTING), that it
was delivered (INPUT), or the transparent listener that took it.  The connection's mark then
arrives with the event that announces the connection.  natc's rules never touch this mark.
"""

import socket
from collections.abc import Iterable

from natc.testlab import netlink, programs
from natc.testlab.topology import Topology

LOOPBACK = 1
"""Connection mark of what left by `lo`, until INPUT has it."""

DELIVERED = 2
FIRST_INTERFACE = 0x1000
"""Connection mark of what left by the topology's first interface."""

FIRST_LISTENER = 0x2000_0000
"""Socket mark, and so connection mark, of the topology's first listener."""

NFPROTO_INET = 1  # include/uapi/linux/netfilter.h
NFT_MSG_GETTABLE = 10 << 8 | 1  # include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h
NFTA_TABLE_NAME = 1

PROBE_PRIORITY = 0x7_0009
"""Socket priority that tells probes from the host's own answers; nftables writes it 7:9."""

_TABLE = """\
table inet natc_lab
delete table inet natc_lab
table inet natc_lab {{
    chain output {{
        # A RST or an ICMP error of the host's own would end the connection under test.
        type filter hook output priority -400; policy accept;
        meta priority != 7:9 drop
    }}
    chain prerouting {{
        # The kernel tracks nothing in a namespace until some rule asks for it.
        type filter hook prerouting priority 0; policy accept;
        ct state new counter
    }}
    chain input {{
        type filter hook input priority 400; policy accept;
        ct mark set {delivered}
        socket transparent 1 ct mark set socket mark
    }}
    chain postrouting {{
        type filter hook postrouting priority 400; policy accept;
        ct mark set oifname map {{ {interfaces} }}
    }}
}}
"""


def install(topology: Topology) -> None:
    """Put the table in place, or back in place."""
    programs.must(("nft", "-f", "-"), table([i.name for i in topology.interfaces]))


def is_installed(kernel: socket.socket) -> bool:
    """Say whether the table is in place; a tenth of the time that `install` takes.

    Args:
        kernel: a connection to NETLINK_NETFILTER.
    """
    header = netlink.NETFILTER_HEADER.pack(NFPROTO_INET, 0, 0)
    name = netlink.attribute(NFTA_TABLE_NAME, b"natc_lab\0")
    kernel.send(netlink.request(NFT_MSG_GETTABLE, 0, header + name))
    ((answer, _),) = netlink.messages(kernel.recv(netlink.ROOM))
    return answer != netlink.NLMSG_ERROR


def table(interfaces: Iterable[str]) -> str:
    """Return the table as text."""
    marks = [("lo", LOOPBACK), *((name, i) for i, name in enumerate(interfaces, FIRST_INTERFACE))]
    return _TABLE.format(
        delivered=DELIVERED, interfaces=", ".join(f'"{name}" : {mark}' for name, mark in marks)
    )
