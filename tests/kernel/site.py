"""One small gateway for most kernel tests, in either family, and short ways to use it."""

from natc.address import Family, parse
from natc.packet import PROTOCOLS, Packet
from natc.record import Record
from natc.testlab import Address, Flavour, Interface, Lab, Observation, Route, Topology

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


def topology(**changes: object) -> Topology:
    """Return a gateway between eth0 (outside), eth1 (lan) and the bridge br0 (guests)."""
    four, six = NAMES[Family.IPV4], NAMES[Family.IPV6]
    parts: dict[str, object] = {
        "families": (Family.IPV4, Family.IPV6),
        "interfaces": (
            interface("eth0", f"{four.wan}/32", f"{six.wan}/128"),
            interface("eth1", f"{four.lan}/24", f"{six.lan}/64"),
            interface("br0", f"{four.guest}/24", f"{six.guest}/64", is_bridge=True),
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

    def load(self, *rules: str, table: str = "nat") -> None:
        """Load rules in natc's layout; `{lan}` and its like stand for the family's names."""
        names = {name: getattr(self.names, name) for name in self.names.FIELDS}
        text = restore_text(*(rule.format(**names) for rule in rules), table=table)
        self.lab.load(text, self.family)

    def packet(self, text: str) -> Packet:
        """Return a packet; each word may be one of the family's names."""
        words = [getattr(self.names, word, word) for word in text.split()]
        return packet(self.family, " ".join(words))

    def send(self, *texts: str, keep: bool = False) -> list[Observation]:
        """Send packets and return what became of them."""
        return self.lab.probe([self.packet(text) for text in texts], keep=keep)

    def end(self, text: str, *, keep: bool = False) -> str:
        """Send one packet and return its end: `VERDICT SOURCE SPORT DESTINATION DPORT [OUT]`."""
        (observation,) = self.send(text, keep=keep)
        return self.told(observation)

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

    def at(self, name: str, ports: str | int) -> str:
        """Return a target: address and port, in brackets where the family needs them."""
        text = getattr(self.names, name, name)
        return f"[{text}]:{ports}" if self.family is Family.IPV6 else f"{text}:{ports}"
