"""Which words a rule may hold, and where else they belong."""

from natc.dsl import ast
from natc.elaborate.matching import by_keyword
from natc.elaborate.problem import Problem

_COMMON = frozenset({"ipv4", "ipv6", "service", "sport", "from", "to", "mark", "user", "set"})
_ARRIVING = _COMMON | {"in", "on"}
_LEAVING = _COMMON | {"out", "on"}

MATCHES = {
    "exempt": _COMMON | {"in", "out"},
    "snat": _LEAVING,
    "masquerade": _LEAVING,
    "dnat": _ARRIVING,
    "port-forward": _ARRIVING,
    "transparent-proxy": _ARRIVING,
    "balance": _ARRIVING,
    "static": frozenset({"on", "ipv4", "ipv6"}),
}

OPTIONS = {
    "exempt": frozenset[str](),
    "snat": frozenset({"persistent", "random", "random-fully"}),
    "masquerade": frozenset({"ports", "random", "random-fully"}),
    "dnat": frozenset({"shift", "hairpin", "persistent", "random"}),
    "port-forward": frozenset({"shift", "hairpin", "persistent", "random"}),
    "transparent-proxy": frozenset({"tproxy", "mark", "except", "random"}),
    "balance": frozenset({"sticky", "backup", "check", "hairpin"}),
}

_MATCH_WORDS = _COMMON | {"in", "out", "on"}

_WHY = {
    "in": (
        "NAT202",
        "the kernel chooses the source as the packet leaves, and no longer knows where it came in",
        "match the addresses with `from`; a zone's name stands for its subnet",
    ),
    "out": (
        "NAT202",
        "the kernel chooses the destination on arrival, before it knows the packet's way out",
        "match the destination with `to`",
    ),
}


def matches_of(rule: ast.Rule) -> tuple[ast.Clause, ...]:
    """Return the matches of a rule.

    Raises:
        Problem: NAT011, NAT202 for a match that the verb does not have.
    """
    allowed = MATCHES[rule.verb]
    for clause in rule.clauses:
        if clause.keyword not in allowed:
            break
    else:
        return rule.clauses
    matches = tuple(clause for clause in rule.clauses if clause.keyword in _MATCH_WORDS)
    for clause in matches:
        if clause.keyword not in allowed:
            raise _misplaced(rule.verb, clause, MATCHES)
    return matches


def options_of(rule: ast.Rule) -> dict[str, ast.Clause]:
    """Return the options of a rule by their word.

    Raises:
        Problem: NAT011 for one that the verb does not have, NAT012 for one that stands twice.
    """
    before = [clause for clause in rule.clauses if clause.keyword not in _MATCH_WORDS]
    if not before and not rule.options:
        return {}
    options = by_keyword((*before, *rule.options))
    for clause in options.values():
        if clause.keyword not in OPTIONS[rule.verb]:
            raise _misplaced(rule.verb, clause, OPTIONS)
    if len(options) > 1 and "random" in options and "random-fully" in options:
        raise Problem(
            "NAT011",
            "`random` and `random-fully` in one rule",
            options["random"].span,
            help="keep one of them",
        )
    return options


def _misplaced(verb: str, clause: ast.Clause, table: dict[str, frozenset[str]]) -> Problem:
    word = clause.keyword
    if word in _WHY:
        code, why, help_ = _WHY[word]
        return Problem(
            code, f"`{word}` has no meaning in `{verb}`", clause.span, notes=(why,), help=help_
        )
    homes = [f"`{home}`" for home, words in table.items() if word in words]
    return Problem(
        "NAT011",
        f"`{word}` has no meaning in `{verb}`",
        clause.span,
        help=f"it belongs to {', '.join(homes)}",
    )
