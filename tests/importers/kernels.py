"""Random rule sets as people and programs write them: chains, RETURN, goto, and odd matches."""

from collections.abc import Sequence

from hypothesis import strategies as st

from natc.address import Family
from natc.targets.iptables.model import Chain, Jump, Match, Option, Rule, Ruleset, Table

_OWN = ("WEB", "LAN", "LAST")

_ADDRESSES = {
    Family.IPV4: ("10.0.0.0/8", "10.0.0.4", "10.0.0.0/30", "203.0.113.1", "192.168.3.0/24"),
    Family.IPV6: ("fd00::/16", "fd00::4", "fd00::4/126", "2001:db8::1", "::/0"),
}
_TARGETS = {
    Family.IPV4: ("10.0.0.5", "10.0.0.5-10.0.0.6"),
    Family.IPV6: ("[fd00::5]", "[fd00::5-fd00::6]"),
}
_LOOPBACK = {Family.IPV4: "127.0.0.0/8", Family.IPV6: "::1/128"}


def _option(flag: str, *values: str) -> st.SearchStrategy[Option]:
    return st.builds(Option, st.just(flag), st.just(values), st.sampled_from((False, False, True)))


def _match(module: str, flag: str, *values: str) -> st.SearchStrategy[Match]:
    return _option(flag, *values).map(lambda option: Match(module, (option,)))


def _one_of(module: str, flag: str, values: Sequence[str]) -> st.SearchStrategy[Match]:
    return st.sampled_from(values).flatmap(lambda value: _match(module, flag, value))


_PORTED = st.sampled_from(("tcp", "udp")).flatmap(
    lambda name: st.tuples(
        st.just(Match("", (Option("-p", (name,)),))),
        st.one_of(
            _one_of(name, "--dport", ("80", "443", "8000:8010", "0:1023")),
            _one_of(name, "--sport", ("1024:65535", "53")),
            _one_of("multiport", "--dports", ("80,443", "80,8000:8003")),
            _one_of("multiport", "--ports", ("80",)),
        ),
    )
)
_PROTOCOL = _one_of("", "-p", ("tcp", "udp", "icmp", "47", "99")).map(lambda match: (match,))
_HALF = (Option("--probability", ("0.50000000000",)),)
_ODD = st.one_of(
    _one_of("mark", "--mark", ("0x1", "0x1/0x1", "0x2/0x3", "0x3/0x1", "0x4/0x6")),
    _match("set", "--match-set", "friends", "src"),
    _match("set", "--match-set", "blocked", "src,dst"),
    _match("addrtype", "--dst-type", "LOCAL"),
    _match("limit", "--limit", "1/sec"),
    st.just(Match("statistic", (Option("--mode", ("random",)), *_HALF))),
    _one_of("conntrack", "--ctstate", ("NEW", "RELATED,ESTABLISHED", "DNAT")),
    _match("conntrack", "--ctorigdstport", "80"),
    _one_of("owner", "--uid-owner", ("0", "13", "0-99")),
)


_SIDES = {
    "PREROUTING": ("-i", ("eth0", "eth1", "eth+", "docker0")),
    "OUTPUT": ("-o", ("lo", "eth0")),
    "POSTROUTING": ("-o", ("eth0", "ppp+", "eth1")),
}
"""What a chain may ask of interfaces; in OUTPUT natc has no words for it."""


@st.composite
def _matches(draw: st.DrawFn, family: Family, hook: str) -> tuple[Match, ...]:
    """Return matches, mostly few and plain."""
    found: list[Match] = []
    few = st.integers(0, 3).map(lambda number: number == 0)
    asks = hook != "OUTPUT" or draw(few)
    for flag, values in (
        ("-s", _ADDRESSES[family]),
        ("-d", (*_ADDRESSES[family], _LOOPBACK[family])),
        *((_SIDES[hook],) if asks else ()),
    ):
        if draw(few):
            found.append(draw(_one_of("", flag, values)))
    if draw(st.booleans()):
        found += draw(st.one_of(_PORTED, _PORTED, _PROTOCOL))
    if draw(few) and draw(few):
        found.append(draw(_ODD))
    return tuple(sorted(found, key=lambda match: match.module != ""))


def _destinations(family: Family, *, ported: bool) -> st.SearchStrategy[Jump]:
    pool = st.sampled_from(_TARGETS[family])
    plain = pool.map(lambda to: Jump("DNAT", (Option("--to-destination", (to,)),)))
    if not ported:
        return plain
    first = _TARGETS[family][0]
    ends = st.sampled_from(("", "-8083", "-8083/80", "-8083/8000", "-8090/8000"))
    words = st.sampled_from((("3128",), ("80-82",), ()))
    return st.one_of(
        plain,
        ends.map(lambda end: Jump("DNAT", (Option("--to-destination", (f"{first}:8080{end}",)),))),
        words.map(lambda w: Jump("REDIRECT", (Option("--to-ports", w),) if w else ())),
    )


def _sources(family: Family, *, ported: bool) -> st.SearchStrategy[Jump]:
    pool = st.sampled_from(_TARGETS[family])
    plain = pool.map(lambda to: Jump("SNAT", (Option("--to-source", (to,)),)))
    ports = (Option("--to-ports", ("1024-2048",)),) if ported else ()
    return st.one_of(plain, st.just(Jump("MASQUERADE")), st.just(Jump("MASQUERADE", ports)))


@st.composite
def _rules(draw: st.DrawFn, family: Family, hook: str, targets: Sequence[str]) -> Rule:
    matches = draw(_matches(family, hook))
    ported = any(m.module in ("tcp", "udp", "multiport") for m in matches)
    translates = _sources if hook == "POSTROUTING" else _destinations
    jump = draw(
        st.one_of(
            translates(family, ported=ported),
            translates(family, ported=ported),
            st.sampled_from((Jump("RETURN"), Jump("RETURN"), Jump("ACCEPT"))),
            st.builds(Jump, st.sampled_from(targets), st.just(()), st.booleans())
            if targets
            else st.just(Jump("RETURN")),
            st.sampled_from((*_ODD_JUMPS, Jump("NETMAP", (Option("--to", _MAPPED[family]),)))),
        )
    )
    comment = draw(st.sampled_from((None, None, None, "web", "a web server", "tcp", "rule-1")))
    return Rule(matches, jump, comment)


_MAPPED = {Family.IPV4: ("10.0.0.0/30",), Family.IPV6: ("fd00::4/126",)}
_ODD_JUMPS = (
    Jump("LOG"),
    Jump("MARK", (Option("--set-xmark", ("0x1/0x1",)),)),
    Jump("ACCEPT"),
    None,
)


@st.composite
def kernels(draw: st.DrawFn) -> Ruleset:
    """Return a nat table of one family.  A chain of its own serves one hook."""
    family = draw(st.sampled_from(Family))
    chains: list[Chain] = []
    for hook in ("PREROUTING", "OUTPUT", "POSTROUTING"):
        own = [
            f"{hook[:4]}-{name}"
            for name in draw(st.lists(st.sampled_from(_OWN), max_size=3, unique=True))
        ]
        for index, name in enumerate([hook, *own]):
            later = own[index:]
            rules = draw(st.lists(_rules(family, hook, later), max_size=4))
            policy = draw(st.sampled_from((*["ACCEPT"] * 19, "DROP")))
            chains.append(Chain(name, tuple(rules), policy if name == hook else None))
    return Ruleset(family, (Table("nat", tuple(chains)),))
