"""Random rule sets that no policy stands behind: user chains, goto, RETURN, odd matches.

They load: targets stand where the kernel takes them, and chains do not call each other in circles.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from natc.address import Family, text_of
from natc.packet import PORT_PROTOCOLS, Packet
from tests.strategies import universe
from tests.strategies.chance import Chance, one_of

_PROTOCOLS = {
    Family.IPV4: ("tcp", "udp", "sctp", "icmp", "47"),
    Family.IPV6: ("tcp", "udp", "sctp", "ipv6-icmp", "47"),
}
_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "ipv6-icmp": 58, "47": 47}
_PORTED = ("tcp", "udp", "sctp")

_PHASES = {
    "nat": {"D": ("PREROUTING", "OUTPUT"), "S": ("POSTROUTING", "INPUT")},
    "mangle": {"M": ("PREROUTING", "OUTPUT", "POSTROUTING", "FORWARD", "INPUT")},
    "filter": {"F": ("FORWARD", "INPUT", "OUTPUT")},
}
"""Table to the chains that a user chain of one letter is called from."""

_ADDRESSES = {
    family: tuple(
        universe.number(universe.address(block, index))
        for block in universe.blocks(family)
        for index in (2, 2, 3, 4, 5, 9, 1)
    )
    for family in Family
}
_WAYS_OUT = (*universe.INTERFACES, *[None] * 20)  # Steering a packet to a way out is slow.

T = TypeVar("T")


class Dump:
    """Writes one rule set."""

    def __init__(self, chance: Chance, family: Family) -> None:
        self.chance = chance
        self.family = family

    def text(self) -> str:
        """Return the tables mangle, nat and filter; some are empty."""
        full = {
            "mangle": self._below(3) == 0,
            "nat": True,
            "filter": self._below(4) == 0,
        }
        return "".join(self._table(table, is_full=is_full) for table, is_full in full.items())

    def _table(self, table: str, *, is_full: bool) -> str:
        lines = [f"*{table}"]
        rules: list[str] = []
        if not is_full:
            bases = (base for chains in _PHASES[table].values() for base in chains)
            return "".join(
                f"{line}\n"
                for line in [*lines, *(f":{base} ACCEPT [0:0]" for base in bases), "COMMIT"]
            )
        for letter, bases in _PHASES[table].items():
            count = self._below(4) if table == "nat" else self._below(2)
            chains = [f"{letter}{index}" for index in range(count)]
            lines += [f":{chain} - [0:0]" for chain in chains]
            for base in bases:
                if table == "nat" or self._below(2):
                    rules += self._chain(letter, base, chains)
            for index, chain in enumerate(chains):
                rules += self._chain(letter, chain, chains[index + 1 :])
        for bases in _PHASES[table].values():
            lines += [f":{base} {self._policy(table)} [0:0]" for base in bases]
        return "".join(f"{line}\n" for line in [*lines, *rules, "COMMIT"])

    def _policy(self, table: str) -> str:
        return "DROP" if table != "mangle" and self._below(12) == 0 else "ACCEPT"

    def _chain(self, letter: str, chain: str, callees: list[str]) -> list[str]:
        return [
            f"-A {chain}{self._rule(letter, chain, callees)}"
            for _ in range(self.chance.integer(1, 4))
        ]

    def _rule(self, letter: str, chain: str, callees: list[str]) -> str:
        protocol = self._maybe(3, lambda: self._pick(_PROTOCOLS[self.family]))
        negated = protocol is not None and self._below(6) == 0
        words = "" if protocol is None else f"{' !' if negated else ''} -p {protocol}"
        ported = None if negated or protocol not in _PORTED else protocol
        for _ in range(self._below(3)):
            words += self._match(letter, chain, ported, words)
        return words + self._target(letter, ported, callees)

    # Matches.

    def _match(self, letter: str, chain: str, ported: str | None, before: str) -> str:
        makers = [self._source, self._destination, self._mark, self._state, self._iprange]
        if chain not in ("OUTPUT", "POSTROUTING"):
            makers += [self._arriving, self._arriving]
        if chain not in ("PREROUTING", "INPUT") and letter != "D" and chain != "OUTPUT":
            makers += [self._leaving, self._leaving]
        if ported is not None:
            makers += [self._ports(ported)] * 3
        if letter == "D":
            makers += [self._local]
        made: str = self._pick(makers)()
        flag = made.removeprefix(" !").split()[0]
        module = made.split()[1] if made.startswith(" -m") else flag
        return "" if f" {module}" in before or flag in before.split() else made

    def _not(self) -> str:
        return " !" if self._below(4) == 0 else ""

    def _source(self) -> str:
        return f"{self._not()} -s {self._network()}"

    def _destination(self) -> str:
        return f"{self._not()} -d {self._network()}"

    def _arriving(self) -> str:
        return f"{self._not()} -i {self._pick((*universe.INTERFACES, 'eth+', 'virbr+'))}"

    def _leaving(self) -> str:
        return f"{self._not()} -o {self._pick((*universe.INTERFACES, 'eth+', 'virbr+'))}"

    def _mark(self) -> str:
        return f" -m mark{self._not()} --mark {self._pick(('0x1', '0x0/0x1', '0x2/0x3', '0x0'))}"

    def _state(self) -> str:
        states = self._pick(("NEW", "DNAT", "ESTABLISHED", "NEW,RELATED", "INVALID", "DNAT,NEW"))
        return f" -m conntrack{self._not()} --ctstate {states}"

    def _local(self) -> str:
        return f" -m addrtype{self._not()} --dst-type LOCAL"

    def _iprange(self) -> str:
        low = self._address()
        high = min(low + self._below(4), self.family.last)
        side = self._pick(("--src-range", "--dst-range"))
        texts = (text_of(self.family, value) for value in (low, high))
        return f" -m iprange{self._not()} {side} {'-'.join(texts)}"

    def _ports(self, protocol: str) -> Callable[[], str]:
        def made() -> str:
            low = self._pick(universe.PORTS)
            high = self._pick([port for port in universe.PORTS if port >= low])
            flag = self._pick(("--dport", "--dport", "--sport"))
            if self._below(3) == 0:
                listed = sorted({self._pick(universe.PORTS) for _ in range(3)})
                many = self._pick(("--dports", "--sports", "--ports"))
                return f" -m multiport{self._not()} {many} {','.join(map(str, listed))}"
            value = str(low) if self._below(2) else f"{low}:{high}"
            return f" -m {protocol}{self._not()} {flag} {value}"

        return made

    # Targets.

    def _target(self, letter: str, ported: str | None, callees: list[str]) -> str:
        roll = self._below(8)
        if callees and roll < 3:
            return f" -{'g' if roll == 2 and self._below(2) else 'j'} {self._pick(callees)}"
        if roll == 3:
            return " -j RETURN"
        if roll == 4:
            return " -j ACCEPT"
        if roll == 5 and self._below(3) == 0:
            return ""
        return {"D": self._dnat, "S": self._snat, "M": self._marking, "F": self._dropping}[letter](
            ported
        )

    def _dnat(self, ported: str | None) -> str:
        if self._below(4) == 0:
            to = f" --to-ports {self._pick(universe.PORTS)}" if ported else ""
            return f" -j REDIRECT{to}"
        if self._below(8) == 0:
            return f" -j NETMAP --to {self._pick(universe.blocks(self.family))}"
        return f" -j DNAT --to-destination {self._end(ported)}"

    def _snat(self, ported: str | None) -> str:
        roll = self._below(8)
        if roll < 2:
            return " -j SNAT --to-source " + self._end(ported)
        if roll == 2:
            return f" -j NETMAP --to {self._pick(universe.blocks(self.family))}"
        if roll == 3:
            return " -j SNAT --to-source " + self._pool()
        return " -j SNAT --to-source " + self._host()

    def _marking(self, _: str | None) -> str:
        option = self._pick(("--set-xmark", "--set-mark", "--or-mark", "--and-mark", "--xor-mark"))
        value = self._pick(("0x1", "0x2", "0x3"))
        mask = "/0x3" if option in ("--set-xmark", "--set-mark") else ""
        return f" -j MARK {option} {value}{mask}"

    def _dropping(self, _: str | None) -> str:
        return " -j DROP"

    def _end(self, ported: str | None) -> str:
        roll = self._below(4)
        if ported is None or roll == 0:
            return self._pool() if roll == 1 else self._host()
        host = self._host()
        if self.family is Family.IPV6:
            host = f"[{host}]"
        low = self._pick((80, 443, 1024, 8000, 7000))
        return f"{host}:{low}" if roll < 3 else f"{host}:{low}-{low + 10}"

    # Values.

    def _host(self) -> str:
        block = self._pick(universe.blocks(self.family))
        return universe.address(block, self._pick((2, 3, 5, 9)))

    def _pool(self) -> str:
        block = self._pick(universe.blocks(self.family))
        low = self._pick((2, 5))
        return f"{universe.address(block, low)}-{universe.address(block, low + self._pick((1, 3)))}"

    def _address(self) -> int:
        return universe.number(self._host())

    def _network(self) -> str:
        block: str = self._pick(universe.blocks(self.family))
        return block if self._below(2) else self._host()

    def _pick(self, values: Any) -> Any:
        return one_of(self.chance, values)

    def _below(self, end: int) -> int:
        return self.chance.integer(0, end - 1)

    def _maybe(self, of: int, make: Callable[[], Any]) -> Any:
        return make() if self._below(of) else None


class Near:
    """Packets whose ports and protocol are likely among those of a rule set."""

    def __init__(self, text: str, family: Family) -> None:
        self._family = family
        named = (name for name in _PROTOCOLS[family] if f"-p {name} " in text)
        self._protocols = [*named] or ["tcp"]
        self._ports = [port for port in universe.PORTS if str(port) in text] or [80]

    def packet(self, chance: Chance) -> Packet:
        """Return one of them."""

        def mostly(likely: Sequence[T], possible: Sequence[T]) -> T:
            return one_of(chance, likely if chance.integer(0, 3) else possible)

        protocol = _NUMBERS[mostly(self._protocols, _PROTOCOLS[self._family])]
        has_ports = protocol in PORT_PROTOCOLS
        ports = [mostly(self._ports, universe.PORTS) if has_ports else None for _ in range(2)]
        ends = [one_of(chance, _ADDRESSES[self._family]) for _ in range(2)]
        arriving = one_of(
            chance, (*universe.INTERFACES, None) if chance.integer(0, 1) else ("eth0", "eth1")
        )
        return Packet(
            self._family,
            protocol,
            ends[0],
            ports[0],
            ends[1],
            ports[1],
            arriving,
            one_of(chance, _WAYS_OUT),
            one_of(chance, (0, 0, 1, 2, 3)),
        )
