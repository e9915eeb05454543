"""Packets at the edges of what a policy speaks of, most of them aimed at one of its rules."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from natc.address import Family
from natc.dsl import ast
from natc.packet import PORT_PROTOCOLS, Packet
from tests.strategies import universe
from tests.strategies.chance import Chance, Drawn, one_of
from tests.strategies.edges import Edges

_PROTOCOLS = {
    Family.IPV4: (6, 6, 6, 17, 17, 132, 1, 47),
    Family.IPV6: (6, 6, 6, 17, 17, 132, 58, 47),
}
_MARKS = (0, 0, 0, 1, 2, 3, 0x10, 0x14)
_MULTICAST = {
    Family.IPV4: tuple(
        map(universe.number, ("224.0.0.0", "224.0.0.255", "224.0.1.0", "255.255.255.255"))
    ),
    Family.IPV6: tuple(map(universe.number, ("ff02::", "ff02::fb", "ff01::1", "ff03::"))),
}
_Senders = tuple[tuple[int, ...], tuple[str, ...], bool]
"""Marks and users that packets have, and whether some go to many receivers."""


def packets(
    policy: ast.Policy,
    *,
    families: tuple[Family, ...] = tuple(Family),
    logins: bool = True,
    marks: bool = True,
    multicast: bool = True,
) -> st.SearchStrategy[Packet]:
    """Return packets at the edges of what `policy` speaks of, that leave by some interface.

    Args:
        families: of the packets.
        logins: whether the gateway's own packets may be from users by name.
        marks: whether packets may have a mark.
        multicast: whether some go to multicast and broadcast addresses.
    """
    return _packets(Range(policy, families, logins=logins, marks=marks, multicast=multicast))


@st.composite
def _packets(draw: Callable[..., Any], shooting: "Range") -> Packet:
    return shooting.packet(Drawn(draw))


class Range:
    """A policy as a target: what packets are aimed at.  See `packets`."""

    def __init__(
        self,
        policy: ast.Policy,
        families: tuple[Family, ...] = tuple(Family),
        *,
        logins: bool = True,
        marks: bool = True,
        multicast: bool = True,
    ) -> None:
        self._edges = Edges(policy)
        self._families = families
        self._rules: list[tuple[Any, list[Family]]] = [
            (statement, _likely_families(statement, families))
            for statement in policy.statements
            if isinstance(statement, ast.Rule | ast.Static)
            or (isinstance(statement, ast.Block) and statement.kind == "network")
        ]
        users = (*universe.USERS, *(universe.LOGINS if logins else ()))
        self._senders: _Senders = (_MARKS if marks else (0,), users, multicast)

    def packet(self, chance: Chance) -> Packet:
        """Return one packet."""
        rule, likely = one_of(chance, self._rules) if self._rules else (None, [])
        if chance.integer(0, 3) == 0:
            likely = []
        family = one_of(chance, likely or self._families)
        return _Shot(chance, self._edges, family, self._senders).at(rule)


def _likely_families(rule: Any, families: tuple[Family, ...]) -> list[Family]:
    """Return the families that a rule names in words or addresses."""
    text = repr(rule)
    speaks_of_ipv6 = "::" in text or "'ipv6'" in text
    return [family for family in families if speaks_of_ipv6 == (family is Family.IPV6)]


class _Shot:
    """Draws one packet."""

    def __init__(self, chance: Chance, edges: Edges, family: Family, senders: _Senders) -> None:
        self.chance = chance
        self.marks, self.users, self.multicast = senders
        self.edges = edges
        self.family = family
        self.is_aimed = chance.integer(0, 3) < 3

    def pick(self, likely: Sequence[Any], possible: Sequence[Any]) -> Any:
        """Return one of `likely`; in a packet that is not aimed, now and then one of `possible`."""
        wild = not likely or (not self.is_aimed and self.chance.integer(0, 2) == 2)
        values = possible if wild else likely
        return one_of(self.chance, values)

    def coin(self) -> bool:
        """Return True half of the time; shrinks to False."""
        return bool(self.chance.integer(0, 1))

    def at(self, rule: Any) -> Packet:
        """Return a packet that `rule` likely matches."""
        wanted = self._wanted(rule)
        protocol, dport = self._service(wanted.get("service"))
        sport = None
        if protocol in PORT_PROTOCOLS:
            sport = self.pick(self.edges.of_ports(wanted.get("sport")), self.edges.ports)
            dport = dport or self.pick((), self.edges.ports)
        addresses = self.edges.addresses[self.family]
        source = self.pick(self.edges.of_addresses(wanted.get("from"), self.family), addresses)
        destination = self._destination(rule, wanted)
        arriving = self._arriving(wanted)
        leaving = self.pick(
            self.edges.of_interfaces(wanted.get("out") or wanted.get("on")), universe.INTERFACES
        )
        if self._turns_back(rule, wanted):
            (server, port), home = self._server(rule.target)
            near = [value for value in addresses if self.edges.home(self.family, value) == home]
            source, leaving = self.pick(near, [source]), home
            arriving = self.pick((), [home, home, None])
            if server is not None and self.chance.integer(0, 3) == 0:
                # Straight to the server: not the rule's business.
                destination, dport = server, self.pick((), [port, dport])
        return Packet(
            self.family,
            protocol,
            source,
            sport,
            destination,
            dport if protocol in PORT_PROTOCOLS else None,
            arriving,
            leaving,
            self.pick((), self.marks),
            self.pick((), self.users) if arriving is None else None,
        )

    def _turns_back(self, rule: Any, wanted: dict[str, Any]) -> bool:
        """Decide whether the packet is from beside the server of a rule that has one."""
        if not isinstance(rule, ast.Rule) or rule.verb not in ("dnat", "port-forward", "balance"):
            return False
        return bool(self.chance.integer(0, 3) < (2 if "hairpin" in wanted else 1))

    def _wanted(self, rule: Any) -> dict[str, Any]:
        """Return what a rule matches, by keyword."""
        if isinstance(rule, ast.Static):
            inward = self.coin()
            side = {"to": rule.outside} if inward else {"from": rule.inside}
            return side | {clause.keyword: clause.value for clause in rule.clauses}
        if isinstance(rule, ast.Block):
            return {"from": rule.name}
        if isinstance(rule, ast.Rule):
            return {clause.keyword: clause.value for clause in rule.clauses + rule.options}
        return {}

    def _service(self, expression: object) -> tuple[int, int | None]:
        if expression is None:
            return self.pick((), _PROTOCOLS[self.family]), None
        service: tuple[int, int | None] = self.pick(
            self.edges.of_services(expression), [(6, None), (17, 53)]
        )
        return service

    def _destination(self, rule: Any, wanted: dict[str, Any]) -> int:
        likely = self.edges.of_addresses(wanted.get("to"), self.family)
        arrives = isinstance(rule, ast.Rule) and rule.verb not in ("snat", "masquerade")
        if arrives and "on" in wanted:
            likely = self.edges.of_own_addresses(wanted["on"], self.family)
        if isinstance(rule, ast.Block) and self.multicast and self.chance.integer(0, 3) == 0:
            likely = [*_MULTICAST[self.family]]
        chosen: int = self.pick(likely, self.edges.addresses[self.family])
        return chosen

    def _arriving(self, wanted: dict[str, Any]) -> str | None:
        everywhere: list[str | None] = [*universe.INTERFACES, None]
        if ("user" in wanted or "except" in wanted) and (self.is_aimed or self.coin()):
            return None
        if not self.is_aimed and self.coin():
            likely: list[str | None] = everywhere
        else:
            likely = self.edges.of_interfaces(wanted.get("in") or wanted.get("on"))
        chosen: str | None = self.pick(likely, everywhere)
        return chosen

    def _server(self, target: Any) -> tuple[tuple[int | None, int], str]:
        """Return a server's address and port, and an interface of its zone."""
        servers = self.edges.of_addresses(target, self.family)
        ports = self.edges.of_ports(target) or self.edges.ports
        home = self.edges.home(self.family, servers[0]) if servers else None
        return (servers[0] if servers else None, ports[0]), home or "eth1"
