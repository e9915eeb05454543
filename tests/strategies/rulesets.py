"""Random rule sets such as a dump may hold, in the form in which natc reads them."""

import string

from hypothesis import strategies as st

from natc.address import Family
from natc.targets.iptables.model import (
    BUILT_IN,
    Chain,
    Jump,
    Match,
    Option,
    Rule,
    Ruleset,
    Table,
)

_OWN = ("WEB", "~log0", "ufw-user-input", "a.b/c", "it's", "tcp", "COMMITTED", "été")
_COUNTS = st.tuples(st.integers(0, 2**64), st.integers(0, 2**64))

# Anything but control characters and what some programs hide; with what needs quotes often.
_TEXTS = st.text(
    st.one_of(
        st.sampled_from("\"\\' \t!-#{}$<>"),
        st.characters(exclude_categories=("C", "Z"), include_characters=" \t"),
    ),
    max_size=12,
)
_WORDS = st.text(st.sampled_from(string.ascii_letters + string.digits + "._-+/"), min_size=1)
_NAMES = st.sampled_from(("geoip", "condition", "x_9", "MATCH"))
_FLAGS = st.sampled_from(("--odd", "--very-odd", "--odd2", "--O"))

_MATCHES = st.sampled_from(
    (
        Match("tcp", (Option("--dport", ("80",)), Option("--tcp-flags", ("SYN,ACK", "SYN"), True))),
        Match("tcp", ()),
        Match("multiport", (Option("--dports", ("80,443",)),)),
        Match("set", (Option("--match-set", ("friends", "src"), True),)),
        Match("recent", (Option("--set"), Option("--name", ("x",)), Option("--rsource"))),
        Match("comment", (Option("--comment", ("between",)),)),
        Match("owner", (Option("--uid-owner", ("0",), True), Option("--socket-exists"))),
    )
)
_ADDRESSES = {
    Family.IPV4: st.sampled_from(("10.0.0.1", "10.0.0.0/255.0.255.0", "0/0", "gw.example.org")),
    Family.IPV6: st.sampled_from(("fd00::1", "::/0", "fe80::/10", "gw.example.org")),
}
_TARGETS = {
    Family.IPV4: (
        Jump("DNAT", (Option("--to-destination", ("10.0.0.5:80-90",)), Option("--persistent"))),
        Jump("SNAT", (Option("--to-source", (":1024-2048",)), Option("--random-fully"))),
    ),
    Family.IPV6: (Jump("DNAT", (Option("--to-destination", ("[fd00::5]:80",)),)),),
}


def _opaque_options() -> st.SearchStrategy[tuple[Option, ...]]:
    """Options that natc does not know: those without values last, or they would take others'."""
    options = st.builds(
        Option, _FLAGS, st.lists(_TEXTS, min_size=1, max_size=3).map(tuple), st.booleans()
    )
    return st.lists(options, max_size=2).map(tuple)


@st.composite
def rules(draw: st.DrawFn, family: Family, targets: tuple[str, ...]) -> Rule:
    """Return a rule that may jump to `targets`."""
    built_in = [
        Match("", (Option(flag, (draw(values),), draw(st.booleans())),))
        for flag, values in (
            ("-s", _ADDRESSES[family]),
            ("-d", _ADDRESSES[family]),
            ("-i", _TEXTS),
            ("-o", _TEXTS),
            ("-p", st.sampled_from(("tcp", "udp", "47", "all"))),
        )
        if draw(st.booleans())
    ]
    if draw(st.booleans()):
        built_in.append(Match("", (Option("-f", (), draw(st.booleans())),)))
    modules = draw(
        st.lists(st.one_of(_MATCHES, st.builds(Match, _NAMES, _opaque_options())), max_size=3)
    )
    comment = draw(st.none() | _TEXTS)
    while comment is None and modules and modules[-1].module == "comment":
        modules.pop()  # The last match of a rule, if it is a comment, is the rule's comment.
    jump = draw(
        st.one_of(
            st.none(),
            st.builds(Jump, st.sampled_from(("ACCEPT", "RETURN", *targets))),
            st.sampled_from(_TARGETS[family]),
            st.just(Jump("LOG", (Option("--log-prefix", ("a \"b' ",)),))),
            st.builds(Jump, st.just("TARPIT"), _opaque_options()),
        )
    )
    if jump is not None and jump.target in targets:
        jump = Jump(jump.target, (), draw(st.booleans()))
    return Rule((*built_in, *modules), jump, comment, counters=draw(st.none() | _COUNTS))


@st.composite
def tables(draw: st.DrawFn, name: str, family: Family) -> Table:
    """Return a table whose chains jump to later ones only."""
    own = draw(st.lists(st.sampled_from(_OWN), unique=True, max_size=3))
    used, said = [], []
    for chain in BUILT_IN[name]:
        many = tuple(draw(st.lists(rules(family, tuple(own)), max_size=2)))
        policy = draw(st.none() | st.sampled_from(("ACCEPT", "DROP")))
        counters = draw(st.none() | _COUNTS)
        if policy is not None or counters is not None:
            said.append(Chain(chain, many, policy, counters))
        elif many:
            used.append(Chain(chain, many))
    for index, chain in enumerate(own):
        later = tuple(own[index + 1 :])
        said.append(Chain(chain, tuple(draw(st.lists(rules(family, later), max_size=3)))))
    return Table(name, (*used, *draw(st.permutations(said))))


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Return what a dump of one family may hold."""
    family = draw(st.sampled_from(Family))
    names = draw(st.lists(st.sampled_from(list(BUILT_IN)), unique=True, max_size=3))
    return Ruleset(family, tuple(draw(tables(name, family)) for name in names))
