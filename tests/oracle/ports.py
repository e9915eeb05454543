"""The ports that the kernel is left to choose from."""

from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.answers import Ports
from tests.oracle.words import clause_of

ANY_PORT = range(1, 65536)


def new_port(rule: ast.Rule, own: int | None, ports: range) -> Ports:
    """Return the destination ports that a target's ports leave possible, without `shift`.

    The kernel keeps a port that is in the range and else takes the first; with `random`, any.
    """
    if own is None:
        return None
    if clause_of(rule, "random"):
        return ports
    return frozenset({own if own in ports else ports[0]})


def source_ports(rule: ast.Rule | None, packet: Packet, ports: range | None) -> Ports:
    """Return the source ports that remain possible.

    The kernel keeps the packet's own port where it is in range (and free), else takes any of the
    range; random options take any at once.
    """
    own = packet.source_port
    if own is None:
        return None
    if rule is not None and (clause_of(rule, "random") or clause_of(rule, "random-fully")):
        return ports or ANY_PORT
    if ports is not None and own not in ports:
        return ports
    return frozenset({own})
