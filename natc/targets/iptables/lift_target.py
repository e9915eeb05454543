"""What a target does to a packet, as an action of the IR."""

from natc.address import Family
from natc.ir.actions import (
    Accept,
    Action,
    Dnat,
    Drop,
    Masquerade,
    Netmap,
    PortChoice,
    Redirect,
    SetMark,
    Side,
    Snat,
    Tproxy,
    Unknown,
    Untrack,
)
from natc.ir.conditions import EVERY_BIT
from natc.ir.intervals import IntervalSet
from natc.targets.iptables.model import Jump
from natc.targets.iptables.numbers import (
    Unreadable,
    address_range,
    addresses,
    mark,
    number,
    port,
    ports,
)
from natc.targets.iptables.write import jump_text

_VERDICTS: dict[str, Action] = {
    "ACCEPT": Accept(),
    "DROP": Drop(),
    "REJECT": Drop(),
    "NOTRACK": Untrack(),
}

_THAT_GO_ON = (
    "AUDIT CHECKSUM CLASSIFY CONNSECMARK DSCP ECN HL IDLETIMER LED LOG NFLOG RATEEST SECMARK SET"
    " TCPMSS TCPOPTSTRIP TEE TOS TRACE TTL ULOG"
)
_GO_ON = frozenset(_THAT_GO_ON.split())
"""Targets after which the packet goes on, as far as translation is concerned as it was."""


def effect(jump: Jump, family: Family) -> Action | None:
    """Return what a target that is no chain does; None is nothing to translation.

    What natc does not know is `Unknown`, with the target's text.
    """
    if jump.target in _VERDICTS:
        return _VERDICTS[jump.target]
    if jump.target in _GO_ON:
        return None
    try:
        return _Target(jump, family).action()
    except Unreadable:
        return Unknown(jump_text(jump))


class _Target:
    """A target with its options by flag."""

    def __init__(self, jump: Jump, family: Family) -> None:
        self.name = jump.target
        self.family = family
        self.options = {option.flag: option.values for option in jump.options}
        if len(self.options) < len(jump.options) or any(o.negated for o in jump.options):
            raise Unreadable("an option given twice, or negated")

    def action(self) -> Action | None:
        match self.name:
            case "SNAT":
                pool, new_ports, _ = self._target("--to-source")
                return Snat(pool, new_ports, "--persistent" in self.options, self._choice())
            case "DNAT":
                return self._dnat()
            case "MASQUERADE":
                return Masquerade(self._ports("--to-ports"), self._choice())
            case "REDIRECT":
                return Redirect(self._ports("--to-ports"), self._choice())
            case "TPROXY":
                return self._tproxy()
            case "MARK":
                return self._mark()
            case "CONNMARK":
                # Only what it restores reaches the packet; what it remembers is opaque.
                if "--restore-mark" not in self.options:
                    return None
                # Source: net/netfilter/xt_connmark.c, connmark_tg_shift(), Linux 6.18: bits of
                # nfmask are cleared, then those of ctmask inverted where the connection has them.
                both = self.options.get("--mask", ("0xffffffff",))
                cleared, inverted = (
                    number(self.options.get(flag, both)[0]) for flag in ("--nfmask", "--ctmask")
                )
                return SetMark(None, cleared | inverted)
            case "CT":
                return Untrack() if "--notrack" in self.options else None
            case _:
                raise Unreadable("not known")

    def _value(self, flag: str) -> str:
        values = self.options.get(flag, ())
        if len(values) != 1:
            raise Unreadable(f"{flag} is missing")
        return values[0]

    def _ports(self, flag: str) -> IntervalSet | None:
        return ports(self._value(flag), "-") if flag in self.options else None

    def _choice(self) -> PortChoice:
        if "--random-fully" in self.options:
            return PortChoice.FULLY
        return PortChoice.RANDOM if "--random" in self.options else PortChoice.KEEP

    def _target(self, flag: str) -> tuple[IntervalSet, IntervalSet | None, int | None]:
        """Read `a`, `a-b`, with `:ports` or `:ports/base`; an IPv6 address with ports in brackets.

        No address at all is every address.
        """
        text = self._value(flag)
        if self.family is Family.IPV6 and not text.startswith("["):
            return address_range(text, self.family), None, None
        host, colon, rest = (
            text[1:].rpartition("]:") if text.startswith("[") else text.partition(":")
        )
        if text.startswith("[") and not colon:
            host = text.strip("[]")
        if not host:
            raise Unreadable("ports without an address")
        pool = address_range(host, self.family)
        if not colon:
            return pool, None, None
        range_, slash, base = rest.partition("/")
        return pool, ports(range_, "-"), port(base) if slash else None

    def _dnat(self) -> Action:
        text = self._value("--to-destination")
        if text.startswith(":") and ":" not in text[1:]:
            raise Unreadable("no address")
        pool, new_ports, base = self._target("--to-destination")
        return Dnat(pool, new_ports, base, "--persistent" in self.options, self._choice())

    def _tproxy(self) -> Action:
        on = self.options.get("--on-ip")
        listener = None if on is None else addresses(on[0], self.family).first
        value, mask = (
            mark(self._value("--tproxy-mark")) if "--tproxy-mark" in self.options else (0, 0)
        )
        return Tproxy(listener or None, port(self._value("--on-port")), value, mask)

    def _mark(self) -> Action:
        if len(self.options) != 1:
            raise Unreadable("several changes of one mark")
        ((flag, values),) = self.options.items()
        value, mask = mark(values[0])
        match flag:
            case "--set-xmark":
                return SetMark(value, mask)
            case "--set-mark":
                return SetMark(value, value | mask)
            case "--and-mark":
                return SetMark(0, value ^ EVERY_BIT)
            case "--or-mark":
                return SetMark(value, value)
            case "--xor-mark":
                return SetMark(value, 0)
        raise Unreadable(flag)


def netmap(jump: Jump, family: Family, *, source: bool) -> Action:
    """Return what NETMAP does; it maps the side that its hook translates."""
    values = [option.values for option in jump.options if option.flag == "--to"]
    try:
        network = addresses(values[0][0], family)
    except (Unreadable, IndexError):
        return Unknown(jump_text(jump))
    return Netmap(Side.SOURCE if source else Side.DESTINATION, network)
