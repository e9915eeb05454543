"""The small world that random policies and packets live in.

Blocks of sixteen addresses, few ports, few interfaces: so that two random rules have something to
do with each other.
"""

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

from natc.address import Family

INTERFACES = ("eth0", "eth1", "eth2", "ppp0", "br1", "virbr1", "virbr2")
"""Every interface of the gateway."""

PATTERNS = ("eth0", "eth1", "ppp0", "ppp+", "br1", "eth+", "virbr1")
"""Bare names that rules use."""

PORTS = (80, 81, 443, 53, 8000, 8005, 8010, 1, 65535, 1024, 7000, 7010)
PORT_RANGES = ("8000-8010", "7000-7010", "80-81", "1024-65535", "1-1023", "8005-8005")
USERS = ("0", "13", "1000")
LOGINS = ("proxy", "nobody")
MARKS = ("0x1", "0x1/0x1", "0x2/0x3", "0x10/0xf0", "1")
SETS = ("blocked", "friends")


@dataclass(frozen=True)
class Side:
    """A zone or network of the world.

    Attributes:
        subnets, gateway: for each family.
    """

    name: str
    interfaces: tuple[str, ...]
    subnets: dict[Family, str]
    gateway: dict[Family, str]
    dynamic: bool = False


V4, V6 = Family.IPV4, Family.IPV6

WAN = Side(
    "wan",
    ("eth0",),
    {V4: "203.0.113.0/28", V6: "2001:db8:f::/124"},
    {V4: "203.0.113.1", V6: "2001:db8:f::1"},
)
PPP = Side("ppp", ("ppp+",), {}, {}, dynamic=True)
LAN = Side(
    "lan",
    ("eth1",),
    {V4: "192.168.3.0/28", V6: "fd00:3::/124"},
    {V4: "192.168.3.1", V6: "fd00:3::1"},
)
DMZ = Side(
    "dmz",
    ("br1", "eth2"),
    {V4: "10.0.0.0/28", V6: "fd00:10::/124"},
    {V4: "10.0.0.1", V6: "fd00:10::1"},
)
VIRT = Side(
    "virt",
    ("virbr1",),
    {V4: "192.168.132.0/28", V6: "fd00:132::/124"},
    {V4: "192.168.132.1", V6: "fd00:132::1"},
)
GUESTS = Side(
    "guests",
    ("virbr2",),
    {V4: "192.168.50.0/28", V6: "fd00:50::/124"},
    {V4: "192.168.50.1", V6: "fd00:50::1"},
)

SIDES = (WAN, PPP, LAN, DMZ, VIRT, GUESTS)
OUTSIDE = {V4: "198.51.100.0/28", V6: "2001:db8:51::/124"}
LOOPBACK = {V4: int(ip_address("127.0.0.1")), V6: 1}
PUBLIC = {V4: "203.0.113.32/28", V6: "2001:db8:f:1::/124"}
"""Public addresses that no interface has: pools and the outer side of 1:1."""


@cache
def blocks(family: Family) -> tuple[str, ...]:
    """Return every block of sixteen addresses that policies speak of."""
    inside = tuple(side.subnets[family] for side in SIDES if family in side.subnets)
    return (*inside, OUTSIDE[family], PUBLIC[family])


@cache
def address(block: str, index: int) -> str:
    """Return the address number `index` of a block, as text."""
    return str(ip_network(block)[index])


@cache
def number(text: str) -> int:
    """Return an address as an integer."""
    return int(ip_address(text))


def contains(block: str, address_or_range: str) -> bool:
    """Say whether `address_or_range` lies in `block`."""
    network = ip_network(block)
    return all(
        (ip := ip_address(part)).version == network.version and ip in network
        for part in address_or_range.split("-")
    )


LISTED = {
    name: frozenset(
        (family, number(address(block, index)))
        for family in Family
        for block in blocks(family)
        for index in indices
    )
    for name, indices in zip(SETS, ((2, 9), range(4)), strict=True)
}
"""What the kernel's sets hold; a policy does not say it."""
