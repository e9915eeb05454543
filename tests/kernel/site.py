"""One small gateway for most kernel tests, in either family, and short ways to use it."""

import re
from collections.abc import Iterable

import pytest

from natc.address import Family, parse, text_of
from natc.packet import PROTOCOLS, Packet
from natc.record import Record, replace
from natc.testlab import (
    Address,
    Completed,
    Flavour,
    Interface,
    Lab,
    LoadError,
    Observation,
    Route,
    Topology,
    frames,
)
from tests.kernel import raw

ipv4_only = pytest.mark.parametrize("family", [Family.IPV4], ids=str)
ipv6_only = pytest.mark.parametrize("family", [Family.IPV6], ids=str)

HOOKS = (("PREROUTING", "PRE"), ("INPUT", "IN"), ("OUTPUT", "OUT"), ("POSTROUTING", "POST"))


class Names(Record):
    """The same parties in both families: `wan`, `lan`, `guest` are the gateway's own addresses."""

    wan: str
    lan: str
    guest: str
    lan_net: str
    guest_net: str
    server: str
    inside: str
    visitor: str
    remote: str
    other: str
    any: str


NAMES = {
    Family.IPV4: Names(
        wan="203.0.113.1",
        lan="192.168.3.1",
        guest="192.168.50.1",
        lan_net="192.168.3.0/24",
        guest_net="192.168.50.0/24",
        server="192.168.3.10",
        inside="192.168.3.77",
        visitor="192.168.50.9",
        remote="198.51.100.7",
        other="198.51.100.8",
        any="0.0.0.0/0",
    ),
    Family.IPV6: Names(
        wan="2001:db8:113::1",
        lan="fd00:3::1",
        guest="fd00:50::1",
        lan_net="fd00:3::/64",
        guest_net="fd00:50::/64",
        server="fd00:3::10",
        inside="fd00:3::77",
        visitor="fd00:50::9",
        remote="2001:db8:100::7",
        other="2001:db8:100::8",
        any="::/0",
    ),
}


def route(network: str, interface: str) -> Route:
    """Return the route of a prefix."""
    text, length = network.split("/")
    family, value = parse(text)
    return Route(family, value, int(length), interface)


def interface(name: str, *addresses: str, is_bridge: bool = False) -> Interface:
    """Return an interface with addresses such as `192.168.3.1/24`."""
    pairs = [address.split("/") for address in addresses]
    return Interface(
        name, tuple(Address(*parse(text), int(length)) for text, length in pairs), is_bridge
    )


def topology(*, has_bridge: bool = True, **changes: object) -> Topology:
    """Return a gateway between eth0 (outside), eth1 (lan) and br0 (guests).

    Args:
        has_bridge: whether br0 is a real bridge, which doubles the time to make it and to end it.
    """
    four, six = NAMES[Family.IPV4], NAMES[Family.IPV6]
    parts: dict[str, object] = {
        "families": (Family.IPV4, Family.IPV6),
        "interfaces": (
            interface("eth0", f"{four.wan}/32", f"{six.wan}/128"),
            interface("eth1", f"{four.lan}/24", f"{six.lan}/64"),
            interface("br0", f"{four.guest}/24", f"{six.guest}/64", is_bridge=has_bridge),
        ),
        "routes": tuple(
            route(network, name)
            for names in (four, six)
            for network, name in (
                (names.lan_net, "eth1"),
                (names.guest_net, "br0"),
                (names.any, "eth0"),
            )
        ),
    }
    return Topology(**(parts | changes))  # type: ignore[arg-type]


def packet(family: Family, text: str) -> Packet:
    """Read `PROTOCOL SOURCE SPORT DESTINATION DPORT IN [OUT]`; `-` is no port, `local` no IN."""
    protocol, source, source_port, destination, destination_port, came_by, *out = text.split()
    return Packet(
        family,
        PROTOCOLS.get(protocol) or int(protocol),
        parse(source)[1],
        None if source_port == "-" else int(source_port),
        parse(destination)[1],
        None if destination_port == "-" else int(destination_port),
        None if came_by == "local" else came_by,
        out[0] if out else None,
    )


def restore_text(*rules: str, table: str = "nat") -> str:
    """Return rules in natc's chain layout; a rule begins with `PRE`, `IN`, `OUT` or `POST`."""
    hooks = HOOKS if table == "nat" else (HOOKS[0],)
    lines = [f"*{table}"]
    lines += [f":NATC-{short} - [0:0]" for _, short in hooks]
    lines += [f'-I {hook} 1 -m comment --comment "natc" -j NATC-{short}' for hook, short in hooks]
    lines += [f"-A NATC-{rule}" for rule in rules]
    return "\n".join([*lines, "COMMIT", ""])


class Site:
    """A lab of one flavour, looked at in one family."""

    def __init__(self, lab: Lab, family: Family, flavour: Flavour) -> None:
        self.lab = lab
        self.family = family
        self.flavour = flavour
        self.names = NAMES[family]
        self.iptables = "iptables" if family is Family.IPV4 else "ip6tables"
        self.icmp = "icmp" if family is Family.IPV4 else "icmpv6"

    @property
    def is_nft(self) -> bool:
        """Whether the programs are those over nf_tables."""
        return self.flavour is Flavour.NFT

    @property
    def is_ipv4(self) -> bool:
        """Which of the two families."""
        return self.family is Family.IPV4

    def either(self, ipv4: str, ipv6: str) -> str:
        """Return the text of the site's family."""
        return ipv4 if self.is_ipv4 else ipv6

    def load(self, *rules: str, table: str = "nat") -> None:
        """Load rules in natc's layout; `{lan}` and its like stand for the family's names."""
        names = {name: getattr(self.names, name) for name in self.names.FIELDS}
        text = restore_text(*(rule.format(**names) for rule in rules), table=table)
        self.lab.load(text, self.family)

    def restore(self, *lines: str, table: str = "nat") -> None:
        """Load lines into a table whose other chains and rules stay."""
        self.lab.load("\n".join([f"*{table}", *lines, "COMMIT", ""]), self.family)

    def refusal(self, *lines: str, table: str = "nat") -> LoadError:
        """Return the error that keeps lines from loading."""
        with pytest.raises(LoadError) as caught:
            self.restore(*lines, table=table)
        return caught.value

    def run(self, script: str) -> Completed:
        """Run a script in which `iptables` and its kin mean those of the family."""
        if not self.is_ipv4:
            script = re.sub(r"\biptables\b", "ip6tables", script)
        return self.lab.run(script)

    def must(self, script: str) -> str:
        """Run a script that has no reason to fail and return its output."""
        done = self.run(f"set -e\n{script}")
        assert done.status == 0, done.output
        return done.output

    def restored(self, text: str, options: str = "--noflush") -> Completed:
        """Give a whole text to `iptables-restore` and return how that ended."""
        return self.run(f"iptables-restore {options} <<'END'\n{text}\nEND")

    def hits(self, *tables: str) -> dict[str, int]:
        """Return the packets that rules with a comment counted, by comment; without zeros."""
        hits: dict[str, int] = {}
        saved = self.must("; ".join(f"iptables-save -c -t {table}" for table in tables or ("nat",)))
        rules = re.findall(r'^\[(\d+):\d+\] -A .*--comment "?([\w.]+)', saved, re.MULTILINE)
        for count, comment in rules:
            hits[comment] = hits.get(comment, 0) + int(count)
        return {comment: count for comment, count in hits.items() if count}

    def packet(self, text: str) -> Packet:
        """Return a packet; each word may be one of the family's names."""
        words = [getattr(self.names, word, word) for word in text.split()]
        return packet(self.family, " ".join(words))

    def neighbours(self, text: str, count: int) -> list[Packet]:
        """Return a packet of each of `count` hosts, the first one's as in `text`."""
        first = self.packet(text)
        return [replace(first, source=first.source + host) for host in range(count)]

    def send(self, *texts: str, keep: bool = False) -> list[Observation]:
        """Send packets and return what became of them."""
        return self.lab.probe([self.packet(text) for text in texts], keep=keep)

    def end(self, text: str, *, keep: bool = False) -> str:
        """Send one packet and return its end: `VERDICT SOURCE SPORT DESTINATION DPORT [OUT]`."""
        (observation,) = self.send(text, keep=keep)
        return self.told(observation)

    def out(self, text: str, make: raw.Maker = frames.datagram) -> str:
        """Put a raw packet on the wire; return what left, `SOURCE SPORT DESTINATION DPORT OUT`."""
        packet = self.packet(text)
        return self.outs(packet.in_interface or "", [make(packet)])

    def outs(self, came_by: str, packets: Iterable[bytes]) -> str:
        """Put raw packets on the wire and return what left after the last."""
        *_, last = self.lab.exchange((came_by, packet) for packet in packets)
        return ", ".join(f"{self.read(data)} {interface}" for interface, data in last)

    def read(self, data: bytes) -> str:
        """Write the ends of a raw packet with the family's names."""
        _, source, source_port, destination, destination_port = raw.ends(data)
        ends = ((source, source_port), (destination, destination_port))
        return " ".join(f"{self.name(address)} {port or '-'}" for address, port in ends)

    def told(self, observation: Observation) -> str:
        """Write an observation with the family's names."""
        parts = [
            observation.verdict,
            self.name(observation.source),
            observation.source_port or "-",
            self.name(observation.destination),
            observation.destination_port or "-",
            observation.out_interface,
        ]
        return " ".join(str(part) for part in parts if part is not None)

    def name(self, value: int) -> str:
        """Return the name of an address, or its number where it has none."""
        for field in self.names.FIELDS:
            text = getattr(self.names, field)
            if "/" not in text and parse(text)[1] == value:
                return field
        return hex(value)

    def address(self, value: int) -> str:
        """Write an address."""
        return text_of(self.family, value)

    def at(self, name: str, ports: str | int) -> str:
        """Return a target: address and port, in brackets where the family needs them."""
        text = getattr(self.names, name, name)
        return f"[{text}]:{ports}" if self.family is Family.IPV6 else f"{text}:{ports}"
