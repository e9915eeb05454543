"""What a running gateway says of itself, as plain values: all that the host findings look at.

Values only, so that a finding is a function of them and of the policy.  `gather` makes them.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from natc.address import Family
from natc.flavours import PROGRAMS, Flavour
from natc.ir.intervals import IntervalSet
from natc.record import Record
from natc.source import Source
from natc.targets.iptables.model import Place

SYSCTLS = "/proc/sys/net"

Bridged = Literal["iptables", "ip6tables"]


class Link(Record):
    """A network interface.

    Attributes:
        addresses: the gateway's own on it, in the kernel's order.
        is_bridge: whether frames pass between its ports.
        calls: the programs whose rules a bridge's frames meet, whatever the sysctls say.
    """

    name: str
    addresses: tuple[tuple[Family, int], ...] = ()
    is_bridge: bool = False
    calls: frozenset[Bridged] = frozenset()


class Dump(Record):
    """What the save program of one flavour prints for one family: empty where it has no table."""

    flavour: Flavour
    family: Family
    text: str

    @property
    def program(self) -> str:
        """The program, such as `ip6tables-legacy`."""
        return f"{PROGRAMS[self.family]}-{self.flavour}"

    @property
    def source(self) -> Source:
        """The text with the name of what printed it."""
        return Source(f"{self.program}-save", self.text)


class RoutingRule(Record):
    """A line of `ip rule`.

    Attributes:
        mark, mask: of packets that it is about; a mask of 0 is all of them.
        is_plain: whether it asks for nothing but a mark.
    """

    family: Family
    priority: int
    table: str
    mark: int = 0
    mask: int = 0
    is_plain: bool = True


class Route(Record):
    """A line of `ip route`.

    Attributes:
        kind: `unicast`, `local`, `blackhole` and so on.
        devices: the interfaces of its next hops.
    """

    family: Family
    table: str
    kind: str
    destination: IntervalSet
    devices: tuple[str, ...] = ()


class Loading(Record):
    """A command that loads a saved file at boot, or whenever its service is started.

    Attributes:
        path: of the saved file; `text` is what it holds.
        by: the unit or script that does it.
        keeps: whether it leaves other rules in place (`--noflush`).
    """

    family: Family
    path: str
    text: str
    by: str
    keeps: bool

    @property
    def source(self) -> Source:
        """The saved file."""
        return Source(self.path, self.text)


class Current(Record):
    """What natc has put in place, as the kernel printed it afterwards.

    Attributes:
        policy: the policy's file; empty for none.
        saved: natc's part; a family of which that is not known is not in it.
        folder: where natc keeps it.
    """

    policy: str
    backend: str
    place: Place
    saved: Mapping[Family, str]
    folder: str


class Facts(Record):
    """What a gateway is like.

    Attributes:
        flavour: what the plain names of the iptables programs mean; None: it has none.
        version: what `iptables-restore --version` says.
        settings: sysctls by their path under /proc/sys, those that exist.
        dumps: none of those that could not be had.
        rules: in their order, as are the routes of a table.
        helpers: connection tracking helpers that nftables knows of, such as `ftp`.
        backend: what is to hand rules to the kernel now, where that is asked.
        undecided: what could not be looked at, and why, in words.
    """

    flavour: Flavour | None = None
    version: str = ""
    settings: Mapping[str, str] = {}
    links: tuple[Link, ...] = ()
    dumps: tuple[Dump, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    routes: tuple[Route, ...] = ()
    loadings: tuple[Loading, ...] = ()
    helpers: frozenset[str] = frozenset()
    current: Current | None = None
    backend: str | None = None
    undecided: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all could be looked at."""
        return not (self.settings or self.links or self.dumps)

    def setting(self, path: str) -> int | None:
        """Return the number that a sysctl below /proc/sys/net holds; None: there is none."""
        text = self.settings.get(f"{SYSCTLS}/{path}", "")
        return int(text) if text.isdecimal() else None

    def place(self, path: str) -> Source:
        """Return a sysctl below /proc/sys/net as a text to point at."""
        name = f"{SYSCTLS}/{path}"
        return Source(name, self.settings[name] + "\n")

    def link(self, name: str) -> Link | None:
        """Return an interface, None if it is not there."""
        return next((link for link in self.links if link.name == name), None)

    def named(self, pattern: str) -> Iterator[Link]:
        """Yield the interfaces that a name, or `prefix+`, means."""
        for link in self.links:
            if link.name == pattern or (
                pattern.endswith("+") and link.name.startswith(pattern[:-1])
            ):
                yield link

    def dump(self, family: Family, flavour: Flavour | None = None) -> Dump | None:
        """Return what a flavour, the host's unless told, holds; None: it is not known."""
        wanted = flavour or self.flavour
        found = (d for d in self.dumps if (d.family, d.flavour) == (family, wanted))
        return next(found, None)

    def own(self, family: Family) -> IntervalSet:
        """Return the gateway's addresses."""
        return IntervalSet.of(
            (value, value)
            for link in self.links
            for kind, value in link.addresses
            if kind is family
        )
