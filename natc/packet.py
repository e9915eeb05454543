"""The concrete packet: a linter's witness, a simulator's input and a lab's probe.  A leaf."""

from enum import StrEnum

from natc import address
from natc.address import Family
from natc.record import Record

PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ospf": 89,
    "vrrp": 112,
    "sctp": 132,
    "udplite": 136,
}
"""Protocol names that natc knows and their IANA numbers."""

PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}

PORT_PROTOCOLS = frozenset({6, 17, 132})
"""Protocols whose ports the kernel matches and translates: tcp, udp, sctp.

DCCP has no connection tracking any more, so the port part of a rule is silently not applied;
udplite takes no port in a target.  Source: Linux 6.18, net/netfilter/nf_conntrack_proto.c.
"""


class Origin(StrEnum):
    """Where a packet comes from."""

    WIRE = "wire"
    LOCAL = "local"


class Packet(Record):
    """The first packet of a connection.

    Prints as `tcp 198.51.100.7:40000 > 203.0.113.10:443 in eth0`, the form that a policy's
    `test` block and `natc trace --packet` take.

    Attributes:
        protocol: IANA number, 0..255.
        source: as an integer of the family, as is `destination`.
        source_port: 1..65535, None for protocols without ports; likewise `destination_port`.
        in_interface: kernel name; None for a packet that the gateway made itself.
        out_interface: kernel name of the interface it leaves by; None leaves that to routing.
        mark: 0..2**32-1, as set before natc's rules see the packet.
        user: the uid or login name of the sending process, for packets of the gateway itself.
    """

    family: Family
    protocol: int
    source: int
    source_port: int | None
    destination: int
    destination_port: int | None
    in_interface: str | None = None
    out_interface: str | None = None
    mark: int = 0
    user: str | None = None

    @property
    def origin(self) -> Origin:
        """LOCAL when the gateway made it."""
        return Origin.LOCAL if self.in_interface is None else Origin.WIRE

    def __str__(self) -> str:
        protocol = PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
        parts = [
            protocol,
            endpoint(self.family, self.source, self.source_port),
            ">",
            endpoint(self.family, self.destination, self.destination_port),
            f"in {self.in_interface or 'local'}",
        ]
        if self.out_interface:
            parts.append(f"out {self.out_interface}")
        if self.mark:
            parts.append(f"mark {self.mark:#x}")
        if self.user is not None:
            parts.append(f"user {self.user}")
        return " ".join(parts)


def endpoint(family: Family, value: int, port: int | None) -> str:
    """Write an address with an optional port, IPv6 in brackets where a port follows."""
    text = address.text_of(family, value)
    if port is None:
        return text
    return f"[{text}]:{port}" if family is Family.IPV6 else f"{text}:{port}"
