"""What the oracle is asked about, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from natc.address import Family
from natc.dsl import ast

Ports = range | frozenset[int] | None
Kind = Literal["unchanged", "translated", "gateway", "listener", "masquerade"]


@dataclass(frozen=True)
class World:
    """What a policy does not say and the packet does not hold.

    Attributes:
        local: the gateway's own addresses, for "destination is local".
        dynamic: the addresses of zones with `address dynamic`, by zone.
        ipsets: the members of the kernel's sets of single addresses.
        node: the gateway's name, for `node` blocks.
        settings: values that win over all definitions.
    """

    local: frozenset[tuple[Family, int]] = frozenset()
    dynamic: Mapping[str, Mapping[Family, int]] = field(default_factory=dict)
    ipsets: Mapping[str, frozenset[tuple[Family, int]]] = field(default_factory=dict)
    node: str | None = None
    settings: Mapping[str, ast.SetExpr] = field(default_factory=dict)


EMPTY = World()
"""A world of which nothing is known."""


@dataclass(frozen=True)
class Choice:
    """Where one side of a packet may end up: any of the addresses with any of the ports.

    Attributes:
        ports: None for protocols without ports.
    """

    addresses: frozenset[int]
    ports: Ports

    def __contains__(self, side: tuple[int, int | None]) -> bool:
        address, port = side
        return address in self.addresses and (self.ports is None or port in self.ports)


@dataclass(frozen=True)
class Verdict:
    """What one phase makes of a packet.

    Attributes:
        kind: `gateway` is a redirect to the gateway itself, `listener` a transparent proxy.
        choices: for `translated`, what may come out; one a backend.
        ports: for `gateway`, `listener` and `masquerade`.
        listener: where the transparent proxy is bound.
        place: index of the deciding statement; None when no statement matched.
    """

    kind: Kind
    choices: tuple[Choice, ...] = ()
    ports: Ports = None
    listener: int | None = None
    place: int | None = None


@dataclass(frozen=True)
class Arrival:
    """The packet's destination after the destination phase.

    Attributes:
        here: it goes to the gateway itself.
        place: index of the statement that translated it; None when none did.
    """

    destination: int
    port: int | None
    here: bool = False
    place: int | None = None
