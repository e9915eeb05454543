"""`masquerade … ports`: what takes two rules in the kernel, with ports and without."""

from natc.elaborate.services import EVERY_SERVICE, ServiceSet, of_protocol
from natc.importers.sentences import Line, Sentence
from natc.ir.actions import Masquerade
from natc.packet import PROTOCOLS
from natc.record import replace

_WITH_PORTS = of_protocol(PROTOCOLS["tcp"]) | of_protocol(PROTOCOLS["udp"])


def with_ports(upper: Line, lower: Line) -> Sentence | None:
    """Return the statement that gives ports to tcp and udp, and masquerades the rest without.

    None where the two are not the two halves of one.
    """
    if not isinstance(upper, Sentence) or not isinstance(lower, Sentence):
        return None
    one, other = upper.does, lower.does
    if not isinstance(one, Masquerade) or not isinstance(other, Masquerade):
        return None
    if one.ports is None or other.ports is not None or one.port_choice != other.port_choice:
        return None
    if upper.label != lower.label or upper.phrase.services is None:
        return None
    if replace(upper.phrase, services=lower.phrase.services) != lower.phrase:
        return None
    whole = lower.phrase.services or EVERY_SERVICE
    if whole.has_ports or _intersection(whole, _WITH_PORTS) != upper.phrase.services:
        return None
    links = tuple(dict.fromkeys((*upper.links, *lower.links)))
    return replace(lower, parts=(*upper.parts, *lower.parts), does=one, links=links)


def _intersection(one: ServiceSet, other: ServiceSet) -> ServiceSet:
    return one - (one - other)
