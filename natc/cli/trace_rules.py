"""What `natc trace` is given: rules, packets, and what is known of the gateway."""

from collections.abc import Iterable, Mapping, Sequence

from natc import pipeline
from natc.address import Family, parse
from natc.cli.errors import Unable
from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.elaborate.context import Context
from natc.elaborate.packet_text import read_packets
from natc.elaborate.scope import Scope
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Policy
from natc.packet import PROTOCOLS, Packet
from natc.reading import Includes, read_text
from natc.record import Record, replace
from natc.simulate.layout import Chain, Layout, Place
from natc.simulate.site import Site, site_of
from natc.source import NOWHERE, Source, Span
from natc.targets.iptables.lift import TooManyJumps, lift
from natc.targets.iptables.model import BUILT_IN, Rule, Ruleset
from natc.targets.iptables.opening import opening
from natc.targets.iptables.read import read
from natc.targets.iptables.write import rule_text

_TAKEN_FOR = {
    PROTOCOLS["tcp"]: "taken for a SYN, as tcp connections begin",
    PROTOCOLS["icmp"]: "taken for an echo request",
    PROTOCOLS["icmpv6"]: "taken for an echo request",
}


class Traced(Record):
    """Packets and the rules that they meet.

    Attributes:
        site, layout: None for a policy, which says both itself.
        notes: on packets, by protocol.
    """

    policy: Policy
    packets: tuple[Packet, ...]
    site: Site | None = None
    layout: Layout | None = None
    notes: Mapping[int, str] = {}


def places(packets: Iterable[str], file: str | None) -> list[Span]:
    """Return where each packet stands: in a text of its own, or in a line of a file.

    Raises:
        Unable: the file cannot be read.
        PolicyError: NAT014, NAT015.
    """
    found = [_whole(Source("<packet>", text)) for text in packets]
    if file is None:
        return found
    try:
        source = Source(file, read_text(file))
    except OSError as error:
        raise Unable(f"cannot read {file}: {error.strerror or error}") from None
    start = 0
    for line in source.text.split("\n"):
        text = line.split("#", maxsplit=1)[0].strip()
        if text:
            begin = start + line.index(text)
            found.append(Span(source, begin, begin + len(text)))
        start += len(line) + 1
    return found


def _whole(source: Source) -> Span:
    return Span(source, 0, len(source.text))


def of_policy(
    source: Source, path: str, node: str, settings: Mapping[str, str], packets: Iterable[Span]
) -> Traced:
    """Read a policy, and packets that may use its names.

    Raises:
        PolicyError: either is wrong.
    """
    policy, read_ = pipeline.understand_packets(source, Includes(path), node, settings, packets)
    pipeline.rulesets(policy)  # What iptables cannot say becomes of no packet.
    return Traced(policy, tuple(read_))


def of_rules(
    source: Source, family: Family | None, own: Sequence[str], packets: Sequence[Span]
) -> Traced:
    """Read what iptables-save printed, and packets.

    Args:
        own: addresses of the gateway; none is nothing known.

    Raises:
        PolicyError: the rules are wrong, or a packet, or a packet is of another family.
        Unable: there are too many jumps to follow.
    """
    read_ = read_packets(packets, Context(Scope({}), "", NOWHERE, ()))
    ruleset = _ruleset(source, family, read_[0].family)
    for packet, place in zip(read_, packets, strict=True):
        if packet.family is not ruleset.family:
            message = f"a packet of {packet.family}, for rules of {ruleset.family}"
            raise PolicyError([Diagnostic("NAT008", message, Label(place))])
    opened = opening(ruleset)
    try:
        policy = lift(source.name, opened, every_jump=True)
    except TooManyJumps:
        raise Unable(f"chains of {source.name} jump to chains too often to follow") from None
    return Traced(
        policy,
        tuple(read_),
        _site(own, ruleset.family),
        _layout(ruleset),
        _TAKEN_FOR if opened is not ruleset else {},
    )


def _ruleset(source: Source, family: Family | None, wanted: Family) -> Ruleset:
    """Read rules; those that name no address are the packet's family's."""
    ruleset = read(source, family)
    if family is None and ruleset.family is not wanted:
        try:
            return read(source, wanted)
        except PolicyError:
            return ruleset
    return ruleset


def _site(own: Iterable[str], family: Family) -> Site:
    known = [value for kind, value in map(parse, own) if kind is family]
    if not known:
        return Site()
    loopback = site_of(Policy("", ()), family).own or IntervalSet()
    return Site(loopback | IntervalSet.of((value, value) for value in known))


def _layout(ruleset: Ruleset) -> Layout:
    chains: dict[tuple[str, str], Chain] = {}
    places_: dict[tuple[str, str], Place] = {}
    for table in ruleset.tables:
        names = {chain.name for chain in table.chains}
        for chain in table.chains:
            policy = chain.policy or "ACCEPT" if chain.name in BUILT_IN[table.name] else None
            chains[table.name, chain.name] = Chain(len(chain.rules), policy)
            for number, rule in enumerate(chain.rules, 1):
                if isinstance(rule, Rule):
                    name = f"{chain.name}:{number}"  # As `lift` names it.
                    places_[table.name, name] = _place(chain.name, rule, names)
    tables = frozenset(table.name for table in ruleset.tables)
    return Layout("rules", tables, chains, places_)


def _place(chain: str, rule: Rule, names: set[str]) -> Place:
    text, comment = rule_text(replace(rule, comment=None)).strip(), rule.comment or ""
    if rule.jump is None or rule.jump.target not in names:
        return Place(chain, text, comment)
    return Place(chain, text, comment, rule.jump.target, rule.jump.goto)
