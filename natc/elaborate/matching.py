"""The clauses of a rule to an exact set of packets."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from natc.address import Family
from natc.diagnostics import Label
from natc.dsl import ast
from natc.elaborate.conditions import ANYTHING, Alternatives, both, check_size, ipsets, marks
from natc.elaborate.names import closest
from natc.elaborate.problem import Problem
from natc.elaborate.scope import LONELY_ADDRESS, Addresses, Interfaces, Place, Scope
from natc.elaborate.services import EVERY_SERVICE, ServiceSet
from natc.ir.fields import Field
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Network
from natc.ir.space import Box, Region
from natc.packet import PROTOCOLS
from natc.record import Record, replace
from natc.source import Span

_REPEATABLE = frozenset({"set"})
_LISTED = frozenset({"from", "to", "in", "out", "sport", "mark", "user", "except"})
_CLAUSE_WORD_LIST = (
    "from to in out on sport mark user set ipv4 ipv6 persistent random random-fully shift hairpin "
    "tproxy sticky backup check ports except"
)
_CLAUSE_WORDS = tuple(_CLAUSE_WORD_LIST.split(" "))
_PORT_WORDS = (ast.Name("port"), ast.Name("dport"))
_WORDS = ((Family.IPV4, "ipv4"), (Family.IPV6, "ipv6"))
_SORTED = {
    have: tuple(sorted(have))
    for have in (frozenset({Family.IPV4}), frozenset({Family.IPV6}), frozenset(Family))
}


Reading = Callable[[Scope, Any], object]
"""Reads a value as what its place asks for."""


class Matched(Record):
    """What the matches of one rule say, before a family and a hook are chosen.

    Attributes:
        clauses: the clause behind each keyword, for places.
        words: the families asked for by name.
        source, destination, services, sport, arriving, leaving, on, user: None when not said.
        marks, sets: conditions on the mark and on ipsets.
    """

    clauses: dict[str, ast.Clause]
    words: frozenset[Family] = frozenset()
    source: Addresses | None = None
    destination: Addresses | None = None
    services: ServiceSet | None = None
    sport: IntervalSet | None = None
    arriving: Interfaces | None = None
    leaving: Interfaces | None = None
    on: Place | None = None
    user: IntervalSet | None = None
    marks: Alternatives = ANYTHING
    sets: Alternatives = ANYTHING

    @property
    def conditions(self) -> Alternatives:
        """What the mark and the ipsets must be like."""
        return both(self.marks, self.sets)

    def place_of(self, keyword: str, otherwise: Span) -> Span:
        """Return where `keyword` was said."""
        clause = self.clauses.get(keyword)
        return clause.span if clause else otherwise


def by_keyword(clauses: Collection[ast.Clause]) -> dict[str, ast.Clause]:
    """Return the clauses by their keyword.

    Raises:
        Problem: NAT012 for a keyword that stands twice.
    """
    found = {clause.keyword: clause for clause in clauses}
    if len(found) == len(clauses):
        return found
    found = {}
    for clause in clauses:
        earlier = found.get(clause.keyword)
        if earlier is not None and clause.keyword not in _REPEATABLE:
            raise (
                _two_services(earlier, clause)
                if clause.keyword == "service"
                else Problem(
                    "NAT012",
                    f"`{clause.keyword}` twice in one rule",
                    clause.span,
                    related=(Label(earlier.span, "first here"),),
                    help="write a list: `{ a, b }`"
                    if clause.keyword in _LISTED
                    else "keep one of them",
                )
            )
        found[clause.keyword] = clause
    return found


def zones_apart(clauses: tuple[ast.Clause, ...]) -> dict[str, tuple[ast.Clause, ...]]:
    """Return, by each zone that `on` lists, the clauses with that one alone; empty for no list.

    Each interface goes with the addresses of its own zone, which one set of packets cannot say.
    """
    apart: dict[str, tuple[ast.Clause, ...]] = {}
    for on in clauses:
        if on.keyword != "on" or not isinstance(on.value, ast.Braces):
            continue
        for zone in _listed(on.value):
            only = replace(on, value=zone, span=zone.span)
            apart[zone.span.text] = tuple(only if clause is on else clause for clause in clauses)
        break
    return apart


def _listed(expression: ast.SetExpr) -> Iterator[ast.SetExpr]:
    if isinstance(expression, ast.Braces):
        for item in expression.items:
            yield from _listed(item.value)
    else:
        yield expression


def _misspelt(clause: ast.Clause) -> Problem | None:
    """Return what is wrong with a word that is almost one of the language."""
    word = clause.value.text if isinstance(clause.value, ast.Name) else ""
    near = closest(word, _CLAUSE_WORDS, likeness=0.7)
    if near is None:
        return None
    if near == word:
        return Problem("NAT000", f"unexpected `{word}`", clause.span)
    help_ = f"did you mean `{near}`?"
    return Problem("NAT000", f"no such word `{word}`", clause.span, help=help_)


def _two_services(earlier: ast.Clause, later: ast.Clause) -> Problem:
    """Return what is wrong with two clauses without a word: mostly that a word is missing."""
    first, second = earlier.value, later.value
    if isinstance(first, ast.Name) and second in _PORT_WORDS:
        help_ = f"ports follow the protocol: `{first.text}/80`"
    elif (misspelt := _misspelt(earlier) or _misspelt(later)) is not None:
        return misspelt
    elif isinstance(first, ast.Name) and isinstance(second, ast.Number):
        help_ = f"write `{first.text}/{second.text}`"
    elif isinstance(second, ast.Name) and second.text not in PROTOCOLS:
        help_ = (
            "two services are a list: `{ a, b }`; a zone stands after `on`, `in` or `out`, "
            "addresses after `from` or `to`, a target after `->`"
        )
    elif (
        isinstance(first, ast.Service)
        and isinstance(second, ast.Endpoint)
        and second.text.startswith(":")
    ):
        help_ = f"write `{first.text}-{second.text[1:]}`"
    elif isinstance(second, ast.Address | ast.Endpoint):
        help_ = LONELY_ADDRESS
    else:
        help_ = "write a list: `{ a, b }`"
    return Problem(
        "NAT012",
        "two services in one rule",
        later.span,
        related=(Label(earlier.span, "first here"),),
        help=help_,
    )


def matched(clauses: tuple[ast.Clause, ...], scope: Scope) -> Matched:
    """Read the matches among `clauses`; options are left to the rule.

    Raises:
        Problem: what its values raise, and NAT203 for `sport` without a protocol that has ports.
    """
    said = by_keyword(clauses)
    values: dict[str, Any] = {}
    for keyword, clause in said.items():
        reading = READINGS.get(keyword)
        if reading is not None:
            field, read = reading
            values[field] = read(scope, clause.value)
    if "set" in said:
        values["sets"] = _in_all([clause for clause in clauses if clause.keyword == "set"])
    if "ipv4" in said or "ipv6" in said:
        values["words"] = frozenset(family for family, word in _WORDS if word in said)
    if "sport" in said and not (values.get("services") and values["services"].has_ports):
        raise Problem(
            "NAT203",
            "source ports without a protocol that has ports",
            said["sport"].span,
            help="name the protocol first: `tcp sport 1024-65535`",
        )
    return Matched(said, **values)


READINGS: dict[str, tuple[str, Reading]] = {
    "from": ("source", Scope.addresses),
    "to": ("destination", Scope.addresses),
    "service": ("services", Scope.services),
    "sport": ("sport", Scope.ports),
    "in": ("arriving", Scope.interfaces),
    "out": ("leaving", Scope.interfaces),
    "on": ("on", Scope.place),
    "user": ("user", Scope.users),
    "mark": ("marks", lambda _, value: marks(value)),
    "set": ("sets", lambda _, value: ipsets(value)),
}
"""The matches: what to read a keyword's value as, and where it goes in `Matched`."""


def families(
    matched_: Matched, target: frozenset[Family] | None, target_span: Span
) -> tuple[Family, ...]:
    """Return the families of a rule: its words, else those of what it names, else IPv4.

    Args:
        target: the families of the target's addresses; None when it has none.

    Raises:
        Problem: NAT008 when no family is left, or a word asks for one that something lacks.
    """
    named = [] if target is None else [(target, target_span)]
    for said in (matched_.destination, matched_.source):
        if said is not None and said.named:
            named.insert(0, (said.named, said.span))
    if matched_.words:
        for have, span in named:
            lacking = matched_.words - have
            if lacking:
                family = min(lacking)
                message = f"no {family} address here, in a rule for {family}"
                raise Problem("NAT008", message, span)
        return tuple(sorted(matched_.words))
    if not named:
        return (Family.IPV4,)
    common = named[0][0]
    for have, _ in named:
        if have is not common:
            common &= have
    if not common:
        (first, first_span), (_, second_span) = next(
            (one, other) for one in named for other in named if not one[0] & other[0]
        )
        raise Problem(
            "NAT008",
            "addresses of different families in one rule",
            second_span,
            related=(Label(first_span, f"only {min(first)} here"),),
        )
    return _SORTED[common]


def region(matched_: Matched, family: Family, extra: dict[Field, IntervalSet]) -> Region:
    """Return the packets of `family` that the matches mean, restricted further by `extra`.

    Args:
        extra: sets that the place of the rule adds; intersected with what the matches say.

    Raises:
        Problem: NAT006 when nothing is left, NAT008 when a set has no address of the family.
    """
    sets: dict[Field, IntervalSet] = {}
    if matched_.source is not None:
        sets[Field.SOURCE] = of_family(matched_.source, family)
    if matched_.destination is not None:
        sets[Field.DESTINATION] = of_family(matched_.destination, family)
    if matched_.sport is not None:
        sets[Field.SOURCE_PORT] = matched_.sport
    if matched_.user is not None:
        sets[Field.USER] = matched_.user
    for field, values in extra.items():
        before = sets.get(field)
        sets[field] = values if before is None else before & values
        if not sets[field]:
            raise _impossible(field, matched_)
    return Region(tuple(_boxes(matched_, sets)))


def _boxes(matched_: Matched, sets: dict[Field, IntervalSet]) -> Iterator[Box]:
    every = matched_.conditions
    if matched_.services is None:
        yield from (Box.of(sets, conditions) for conditions in every)
        return
    for protocols, ports in matched_.services.boxes():
        sets[Field.PROTOCOL] = protocols
        if ports is not None:
            sets[Field.DESTINATION_PORT] = ports
        else:
            sets.pop(Field.DESTINATION_PORT, None)
        for conditions in every:
            yield Box.of(sets, conditions)


def of_family(found: Addresses, family: Family) -> IntervalSet:
    """Return the addresses of one family.

    Raises:
        Problem: NAT008 when there are none.
    """
    values = found.addresses.of(family)
    if not values:
        help_ = None if found.named else f"add its {family} subnet to the zone"
        message = f"no {family} address here, in a rule for {family}"
        raise Problem("NAT008", message, found.span, help=help_)
    return values


def services_of(matched_: Matched) -> ServiceSet:
    """Return the services that a rule matches; all of them when it names none."""
    return EVERY_SERVICE if matched_.services is None else matched_.services


def own_addresses(place: Place, family: Family, span: Span) -> IntervalSet | None:
    """Return the gateway's static addresses at `place`, None when they are known only at run time.

    Raises:
        Problem: NAT013 when the zone declares none, NAT008 when none of the family.
    """
    if not isinstance(place, Network) and place.dynamic:
        return None
    if not place.addresses:
        kind, dynamic = ("zone", ", or `address dynamic`")
        if isinstance(place, Network):
            kind, dynamic = ("network", "")
        raise Problem(
            "NAT013",
            f"the {kind} `{place.name}` has no address that `on` could mean",
            span,
            related=(Label(place.origin, "declared here"),),
            help=f"add `address …` to it{dynamic}",
        )
    own = IntervalSet.of((value, value) for kind, value in place.addresses if kind is family)
    if not own:
        raise Problem(
            "NAT008",
            f"the gateway has no {family} address on `{place.name}`",
            span,
            related=(Label(place.origin, "declared here"),),
            help=f"add its {family} address to `address …` there",
        )
    return own


def _impossible(field: Field, matched_: Matched) -> Problem:
    keywords = {
        Field.SOURCE: "from",
        Field.DESTINATION: "to",
        Field.IN_INTERFACE: "in",
        Field.OUT_INTERFACE: "out",
        Field.USER: "user",
    }
    clause = matched_.clauses.get(keywords.get(field, ""))
    others = tuple(
        Label(other.span, "and this") for key, other in matched_.clauses.items() if key == "on"
    )
    where = clause or next(iter(matched_.clauses.values()))
    return Problem(
        "NAT006", "no packet can match both", where.span, "this excludes the rest", related=others
    )


def _in_all(clauses: list[ast.Clause]) -> Alternatives:
    """Return what holds where all of several `set` hold.

    Raises:
        Problem: NAT006 when they never do, NAT015.
    """
    found = ANYTHING
    for clause in clauses:
        if not isinstance(clause.value, ast.IpSet):
            raise AssertionError("the grammar gives `set` an ipset")
        listed = ipsets(clause.value)
        check_size(len(found) * len(listed), clause.span)
        met = both(found, listed)
        if not met:
            message = "no packet can match both"
            raise Problem("NAT006", message, clause.span, "this excludes the rest")
        found = met
    return found
