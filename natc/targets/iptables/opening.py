"""Rules as packets meet them that begin a connection in the ordinary way.

natc's packets have no flags and no type of icmp.  Where somebody asks about one packet, it is a
tcp SYN or an echo request; then rules that ask for other flags and types are out of the question.
(The kernel also takes other packets for first ones, such as an ACK from the middle of a
connection that it does not know.)
"""

from collections.abc import Callable

from natc.record import replace
from natc.targets.iptables.model import Chain, Match, Option, Rule, Ruleset, Table

_FLAGS = frozenset({"FIN", "SYN", "RST", "PSH", "ACK", "URG"})
_SYN = frozenset({"SYN"})
_ECHO_REQUEST = frozenset({"echo-request", "ping"})

_NOTHING = Match("", (Option("-p", ("all",), negated=True),))
"""No packet has another protocol than all."""


def opening(ruleset: Ruleset) -> Ruleset:
    """Return `ruleset` for a SYN and an echo request; the same object where nothing asks."""
    tables = tuple(
        Table(table.name, tuple(_chain(chain) for chain in table.chains))
        for table in ruleset.tables
    )
    return ruleset if tables == ruleset.tables else replace(ruleset, tables=tables)


def _chain(chain: Chain) -> Chain:
    rules = [rule if isinstance(rule, str) else _rule(rule) for rule in chain.rules]
    return replace(chain, rules=tuple(rules))


def _rule(rule: Rule) -> Rule:
    matches = []
    for match in rule.matches:
        asks = _ASKING.get(match.module)
        if asks is None:
            matches.append(match)
            continue
        left = []
        for option in match.options:
            answer = asks(option)
            if answer is None:
                left.append(option)
            elif answer is option.negated:
                return replace(rule, matches=(*rule.matches, _NOTHING))
        matches.append(replace(match, options=tuple(left)))
    return replace(rule, matches=tuple(matches))


def _tcp(option: Option) -> bool | None:
    """Return whether a SYN has the flags; None for what asks for something else."""
    if option.flag == "--syn":
        return True
    if option.flag != "--tcp-flags" or len(option.values) != 2:
        return None
    looked_at, wanted = map(_flags, option.values)
    return None if looked_at is None or wanted is None else _SYN & looked_at == wanted


def _flags(text: str) -> frozenset[str] | None:
    names = frozenset(text.upper().split(","))
    if names == {"ALL"}:
        return _FLAGS
    if names == {"NONE"}:
        return frozenset()
    return names if names <= _FLAGS else None


def _icmp(number: str) -> Callable[[Option], bool | None]:
    def asks(option: Option) -> bool | None:
        if option.flag not in ("--icmp-type", "--icmpv6-type") or option.values == ("any",):
            return None
        return option.values[0] in {number, f"{number}/0", *_ECHO_REQUEST}

    return asks


_ASKING = {"tcp": _tcp, "icmp": _icmp("8"), "icmp6": _icmp("128")}
"""Modules that ask about flags and types."""
