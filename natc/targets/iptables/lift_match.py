"""What the matches of a kernel rule hold, as boxes."""

from collections.abc import Callable, Iterable, Iterator

from natc.address import Family
from natc.ir.conditions import SHARES, Condition, Draw, InSet, Mark, Noted, Opaque
from natc.ir.fields import LAST_UID, NO_USER, Field, interface, universe, user_number
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.space import EVERYTHING, Box
from natc.packet import PROTOCOLS
from natc.targets.iptables.model import Match, Option, Rule
from natc.targets.iptables.numbers import (
    Unreadable,
    address_range,
    addresses,
    mark,
    number,
    ports,
)
from natc.targets.iptables.write import match_text

UNTRACKED = "untracked"

_FICKLE = frozenset({"connlimit", "hashlimit", "limit", "nfacct", "quota", "recent", "statistic"})
"""Matches whose answer changes from packet to packet: two of one text may answer differently."""

_MULTICAST = {
    Family.IPV4: interval(224 << 24, (240 << 24) - 1),
    Family.IPV6: interval(0xFF << 120, Family.IPV6.last),
}

Part = tuple[Field, IntervalSet] | Condition
"""One thing that a match asks."""


class Matches:
    """Reads the matches of the rules of one family."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._seen: dict[str, int] = {}

    def boxes(self, rule: Rule, name: str, table: str) -> list[Box]:
        """Return disjoint boxes that hold what `rule` matches; none is nothing.

        Args:
            name: unique among the rules; draws are named after it.
        """
        found = [EVERYTHING]
        for match in rule.matches:
            parts = self._alternatives(match, f"{table} {name}")
            found = [
                both
                for box in found
                for alternative in parts
                if (both := box & alternative) is not None
            ]
        return found

    def _alternatives(self, match: Match, name: str) -> list[Box]:
        """Return disjoint boxes for one match; opaque when natc cannot read it."""
        read = _MODULES.get(match.module)
        try:
            if read is None:
                raise Unreadable("not known")
            return list(read(match, self.family, name))
        except Unreadable:
            return [Box((EVERYTHING.sets), (self._opaque(match),))]

    def _opaque(self, match: Match) -> Condition:
        negated = len(match.options) == 1 and match.options[0].negated
        plain = match
        if negated:
            option = match.options[0]
            plain = Match(match.module, (Option(option.flag, option.values),))
        text = match_text(plain).strip().removeprefix("-m ")
        occurrence = 0
        if match.module in _FICKLE:
            occurrence = self._seen[text] = self._seen.get(text, 0) + 1
        return Opaque(text, negated, occurrence)


Reading = Callable[[Match, Family, str], Iterable[Box]]


def _where(field: Field, values: IntervalSet, family: Family, *, negated: bool) -> list[Box]:
    held = universe(field, family) - values if negated else values
    return [Box.of({field: held})] if held else []


def _one(match: Match) -> Option:
    if len(match.options) != 1:
        raise Unreadable("several options")
    return match.options[0]


def _all(match: Match, read: Callable[[Option], list[Box]]) -> list[Box]:
    """Return where every option holds."""
    found = [EVERYTHING]
    for option in match.options:
        found = [both for box in found for part in read(option) if (both := box & part)]
    return found


# Modules.


def _built_in(match: Match, family: Family, _: str) -> list[Box]:
    option = _one(match)
    text = option.values[0] if option.values else ""
    negated = option.negated
    match option.flag:
        case "-s":
            return _where(Field.SOURCE, addresses(text, family), family, negated=negated)
        case "-d":
            return _where(Field.DESTINATION, addresses(text, family), family, negated=negated)
        case "-i" | "-o":
            if text == "+":  # Not even asked; negated, never true.
                return [] if negated else [EVERYTHING]
            field = Field.IN_INTERFACE if option.flag == "-i" else Field.OUT_INTERFACE
            try:
                names = interface(text)
            except ValueError:
                raise Unreadable(text) from None
            return _where(field, names, family, negated=negated)
        case "-p":
            if text in ("all", "0"):
                return [] if negated else [EVERYTHING]
            return _where(Field.PROTOCOL, point(_protocol(text)), family, negated=negated)
        case _:
            raise Unreadable(option.flag)


def _protocol(text: str) -> int:
    name = text.lower()
    known = {"ipv6-icmp": 58, "ipencap": 4, "udp-lite": 136} | PROTOCOLS
    value = known[name] if name in known else number(text)
    if value > 255:
        raise Unreadable(text)
    return value


def _ported(match: Match, family: Family, _: str) -> list[Box]:
    def read(option: Option) -> list[Box]:
        if option.flag in ("--syn", "--tcp-flags"):
            return _opaque(f"tcp --tcp-flags {_flags(option)}", negated=option.negated)
        fields = {"--sport": Field.SOURCE_PORT, "--dport": Field.DESTINATION_PORT}
        if option.flag not in fields:
            raise Unreadable(option.flag)
        return _where(fields[option.flag], ports(option.values[0]), family, negated=option.negated)

    return _all(match, read)


_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def _flags(option: Option) -> str:
    """Return the flags looked at and those that are to be set, in one order."""
    looked_at, wanted = ("FIN,SYN,RST,ACK", "SYN") if option.flag == "--syn" else option.values
    texts = []
    for text in (looked_at, wanted):
        named = set(text.upper().split(","))
        if "ALL" in named:
            named = set(_FLAGS)
        texts.append(",".join(flag for flag in _FLAGS if flag in named) or "NONE")
    return " ".join(texts)


def _opaque(text: str, *, negated: bool) -> list[Box]:
    return [Box(EVERYTHING.sets, (Opaque(text, negated),))]


def _multiport(match: Match, family: Family, _: str) -> list[Box]:
    option = _one(match)
    listed = IntervalSet.of(r for text in option.values[0].split(",") for r in ports(text).ranges)
    match option.flag:
        case "--sports":
            return _where(Field.SOURCE_PORT, listed, family, negated=option.negated)
        case "--dports":
            return _where(Field.DESTINATION_PORT, listed, family, negated=option.negated)
        case "--ports":
            others = universe(Field.SOURCE_PORT, family) - listed
            if option.negated:
                both = {Field.SOURCE_PORT: others, Field.DESTINATION_PORT: others}
                return [Box.of(both)] if others else []
            found = _where(Field.SOURCE_PORT, listed, family, negated=False)
            if others:
                found.append(Box.of({Field.SOURCE_PORT: others, Field.DESTINATION_PORT: listed}))
            return found
        case _:
            raise Unreadable(option.flag)


def _iprange(match: Match, family: Family, _: str) -> list[Box]:
    def read(option: Option) -> list[Box]:
        field = Field.SOURCE if option.flag == "--src-range" else Field.DESTINATION
        held = address_range(option.values[0], family)
        return _where(field, held, family, negated=option.negated)

    return _all(match, read)


def _mark(match: Match, _: Family, __: str) -> Iterator[Box]:
    option = _one(match)
    value, mask = mark(option.values[0])
    if value & ~mask:  # The kernel compares what the mask leaves with the whole value.
        if option.negated:
            yield EVERYTHING
        return
    found = EVERYTHING.under(Mark(value, mask, option.negated))
    if found is not None:
        yield found


def _connmark(match: Match, _: Family, __: str) -> list[Box]:
    """Return where connection tracking remembers a mark, which natc does not follow."""
    option = _one(match)
    value, mask = mark(option.values[0])
    return _opaque(f"connmark --mark {value:#x}/{mask:#x}", negated=option.negated)


def _set(match: Match, _: Family, __: str) -> Iterator[Box]:
    option = _one(match)
    name, flags = option.values
    found = EVERYTHING.under(InSet(name, tuple(flags.split(",")), option.negated))
    if found is not None:
        yield found


def _statistic(match: Match, _: Family, name: str) -> Iterator[Box]:
    options = {option.flag: option for option in match.options}
    if options["--mode"].values != ("random",) or "--probability" not in options:
        raise Unreadable("counts packets")
    option = options["--probability"]
    try:
        share = round(float(option.values[0]) * SHARES)
    except ValueError:
        raise Unreadable(option.values[0]) from None
    if not 0 <= share <= SHARES:
        raise Unreadable("not a probability")
    yield Box(EVERYTHING.sets, (Draw(name, share, option.negated),))


def _states(option: Option, _: Family) -> list[Box]:
    """Return where the state of a connection's first packet is listed: it is new.

    DNAT is a state of its own.  INVALID, ESTABLISHED and RELATED packets begin nothing.
    """
    states = set(option.values[0].upper().split(","))
    if states - {"NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "SNAT", "DNAT"}:
        raise Unreadable(option.values[0])
    tracked = [Box((EVERYTHING.sets), (Noted(UNTRACKED, negated=True),))]
    untracked = [Box((EVERYTHING.sets), (Noted(UNTRACKED),))]
    parts: list[tuple[bool, list[Box]]] = [("UNTRACKED" in states, untracked)]
    if "NEW" in states:
        parts.append((True, tracked))
    else:
        for translated in (0, 1):
            held = Box.of({Field.TRANSLATED: point(translated)}, tracked[0].conditions)
            parts.append((bool(translated) and "DNAT" in states, [held]))
    return [box for is_listed, boxes in parts if is_listed is not option.negated for box in boxes]


def _state(match: Match, family: Family, _: str) -> list[Box]:
    return _states(_one(match), family)


def _conntrack(match: Match, family: Family, _: str) -> list[Box]:
    def read(option: Option) -> list[Box]:
        text, negated = option.values[0], option.negated
        match option.flag:
            case "--ctstate":
                return _states(option, family)
            case "--ctproto":
                return _where(Field.PROTOCOL, point(_protocol(text)), family, negated=negated)
            case "--ctorigdst":
                held = addresses(text, family)
                return _where(Field.ORIGINAL_DESTINATION, held, family, negated=negated)
            case "--ctorigdstport":
                return _where(Field.ORIGINAL_PORT, ports(text), family, negated=negated)
            case "--ctdir":
                return [EVERYTHING] if (text.upper() == "ORIGINAL") is not negated else []
            case _:
                raise Unreadable(option.flag)

    return _all(match, read)


def _addrtype(match: Match, family: Family, _: str) -> list[Box]:
    option = _one(match)
    types = set(option.values[0].upper().split(","))
    if option.flag != "--dst-type":
        raise Unreadable(option.flag)
    if types == {"LOCAL"}:
        return _where(Field.LOCAL_DESTINATION, point(1), family, negated=option.negated)
    if types == {"MULTICAST"}:
        return _where(Field.DESTINATION, _MULTICAST[family], family, negated=option.negated)
    raise Unreadable(option.values[0])


def _owner(match: Match, family: Family, _: str) -> list[Box]:
    def read(option: Option) -> list[Box]:
        if option.flag == "--socket-exists":
            return _where(Field.USER, point(NO_USER), family, negated=not option.negated)
        if option.flag != "--uid-owner":
            raise Unreadable(option.flag)
        return _where(Field.USER, _users(option.values[0]), family, negated=option.negated)

    return _all(match, read)


def _users(text: str) -> IntervalSet:
    if not text[:1].isdecimal():
        return point(user_number(text))
    low, dash, high = text.partition("-")
    first = number(low)
    last = number(high) if dash else first
    if not first <= last < LAST_UID:
        raise Unreadable(text)
    return interval(first + 1, last + 1)


_TYPES = {
    Family.IPV4: {
        "echo-reply": "0",
        "pong": "0",
        "destination-unreachable": "3",
        "network-unreachable": "3/0",
        "host-unreachable": "3/1",
        "protocol-unreachable": "3/2",
        "port-unreachable": "3/3",
        "fragmentation-needed": "3/4",
        "source-quench": "4",
        "redirect": "5",
        "echo-request": "8",
        "ping": "8",
        "router-advertisement": "9",
        "router-solicitation": "10",
        "time-exceeded": "11",
        "ttl-exceeded": "11",
        "ttl-zero-during-transit": "11/0",
        "ttl-zero-during-reassembly": "11/1",
        "parameter-problem": "12",
        "timestamp-request": "13",
        "timestamp-reply": "14",
        "address-mask-request": "17",
        "address-mask-reply": "18",
    },
    Family.IPV6: {
        "destination-unreachable": "1",
        "no-route": "1/0",
        "communication-prohibited": "1/1",
        "address-unreachable": "1/3",
        "port-unreachable": "1/4",
        "packet-too-big": "2",
        "time-exceeded": "3",
        "ttl-exceeded": "3",
        "ttl-zero-during-transit": "3/0",
        "ttl-zero-during-reassembly": "3/1",
        "parameter-problem": "4",
        "bad-header": "4/0",
        "unknown-header-type": "4/1",
        "unknown-option": "4/2",
        "echo-request": "128",
        "ping": "128",
        "echo-reply": "129",
        "pong": "129",
        "router-solicitation": "133",
        "router-advertisement": "134",
        "neighbour-solicitation": "135",
        "neighbor-solicitation": "135",
        "neighbour-advertisement": "136",
        "neighbor-advertisement": "136",
        "redirect": "137",
    },
}
"""Types of icmp by name.  Source: iptables-extensions(8), `iptables -p icmp -h`, 1.8.9."""


def _icmp(match: Match, family: Family, _: str) -> list[Box]:
    """Return where the type is right, which natc's packets do not tell: opaque, in one form."""
    if not match.options:
        return [EVERYTHING]
    option = _one(match)
    named = option.values[0].lower()
    if named == "any":
        return [] if option.negated else [EVERYTHING]
    type_ = _TYPES[family].get(named, named)
    return _opaque(f"{match.module} type {type_}", negated=option.negated)


def _recent(match: Match, _: Family, __: str) -> list[Box]:
    """Return where `--set` holds: always.  Source: net/netfilter/xt_recent.c, recent_mt()."""
    for option in match.options:
        if option.flag == "--set":
            return [] if option.negated else [EVERYTHING]
    raise Unreadable("remembers packets")


def _nothing(_: Match, __: Family, ___: str) -> list[Box]:
    return [EVERYTHING]


_MODULES: dict[str, Reading] = {
    "": _built_in,
    "tcp": _ported,
    "udp": _ported,
    "sctp": _ported,
    "multiport": _multiport,
    "iprange": _iprange,
    "mark": _mark,
    "connmark": _connmark,
    "set": _set,
    "statistic": _statistic,
    "state": _state,
    "conntrack": _conntrack,
    "addrtype": _addrtype,
    "owner": _owner,
    "recent": _recent,
    "icmp": _icmp,
    "icmp6": _icmp,
    "comment": _nothing,
}
"""Modules that natc reads; all others are opaque."""
