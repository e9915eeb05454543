"""Random rule sets that no policy stands behind: user chains, goto, RETURN, odd matches.

They load: targets stand where the kernel takes them, and chains do not call each other in circles.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from natc.address import Family, text_of
from natc.packet import PORT_PROTOCOLS, Packet
from tests.strategies import universe

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


class Dump:
    """Writes one rule set."""

    def __init__(self, random: Random, family: Family) -> None:
        self.random = random
        self.family = family

    def text(self) -> str:
        """Return the tables mangle, nat and filter; some are empty."""
        full = {
            "mangle": self.random.randrange(3) == 0,
            "nat": True,
            "filter": self.random.randrange(4) == 0,
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
            count = self.random.randrange(4) if table == "nat" else self.random.randrange(2)
            chains = [f"{letter}{index}" for index in range(count)]
            lines += [f":{chain} - [0:0]" for chain in chains]
            for base in bases:
                if table == "nat" or self.random.randrange(2):
                    rules += self._chain(letter, base, chains)
            for index, chain in enumerate(chains):
                rules += self._chain(letter, chain, chains[index + 1 :])
        for bases in _PHASES[table].values():
            lines += [f":{base} {self._policy(table)} [0:0]" for base in bases]
        return "".join(f"{line}\n" for line in [*lines, *rules, "COMMIT"])

    def _policy(self, table: str) -> str:
        return "DROP" if table != "mangle" and self.random.randrange(12) == 0 else "ACCEPT"

    def _chain(self, letter: str, chain: str, callees: list[str]) -> list[str]:
        return [
            f"-A {chain}{self._rule(letter, chain, callees)}"
            for _ in range(self.random.randrange(1, 5))
        ]

    def _rule(self, letter: str, chain: str, callees: list[str]) -> str:
        protocol = self._maybe(3, lambda: self._pick(_PROTOCOLS[self.family]))
        negated = protocol is not None and self.random.randrange(6) == 0
        words = "" if protocol is None else f"{' !' if negated else ''} -p {protocol}"
        ported = None if negated or protocol not in _PORTED else protocol
        for _ in range(self.random.randrange(3)):
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
        return " !" if self.random.randrange(4) == 0 else ""

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
        high = min(low + self.random.randrange(4), self.family.last)
        side = self._pick(("--src-range", "--dst-range"))
        texts = (text_of(self.family, value) for value in (low, high))
        return f" -m iprange{self._not()} {side} {'-'.join(texts)}"

    def _ports(self, protocol: str) -> Callable[[], str]:
        def made() -> str:
            low = self._pick(universe.PORTS)
            high = self._pick([port for port in universe.PORTS if port >= low])
            flag = self._pick(("--dport", "--dport", "--sport"))
            if self.random.randrange(3) == 0:
                listed = sorted({self._pick(universe.PORTS) for _ in range(3)})
                many = self._pick(("--dports", "--sports", "--ports"))
                return f" -m multiport{self._not()} {many} {','.join(map(str, listed))}"
            value = str(low) if self.random.randrange(2) else f"{low}:{high}"
            return f" -m {protocol}{self._not()} {flag} {value}"

        return made

    # Targets.

    def _target(self, letter: str, ported: str | None, callees: list[str]) -> str:
        roll = self.random.randrange(8)
        if callees and roll < 3:
            return (
                f" -{'g' if roll == 2 and self.random.randrange(2) else 'j'} {self._pick(callees)}"
            )
        if roll == 3:
            return " -j RETURN"
        if roll == 4:
            return " -j ACCEPT"
        if roll == 5 and self.random.randrange(3) == 0:
            return ""
        return {"D": self._dnat, "S": self._snat, "M": self._marking, "F": self._dropping}[letter](
            ported
        )

    def _dnat(self, ported: str | None) -> str:
        if self.random.randrange(4) == 0:
            to = f" --to-ports {self._pick(universe.PORTS)}" if ported else ""
            return f" -j REDIRECT{to}"
        if self.random.randrange(8) == 0:
            return f" -j NETMAP --to {self._pick(universe.blocks(self.family))}"
        return f" -j DNAT --to-destination {self._end(ported)}"

    def _snat(self, ported: str | None) -> str:
        roll = self.random.randrange(8)
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
        roll = self.random.randrange(4)
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
        return block if self.random.randrange(2) else self._host()

    def _pick(self, values: Any) -> Any:
        return values[self.random.randrange(len(values))]

    def _maybe(self, of: int, make: Callable[[], Any]) -> Any:
        return make() if self.random.randrange(of) else None


def packet_near(random: Random, text: str, family: Family) -> Packet:
    """Return a packet whose ports and protocol are likely among those of `text`."""

    def pick(values: Any) -> Any:
        return values[random.randrange(len(values))]

    def address() -> int:
        block = pick(universe.blocks(family))
        return universe.number(universe.address(block, pick((2, 2, 3, 4, 5, 9, 1))))

    named = [name for name in _PROTOCOLS[family] if f"-p {name} " in text] or ["tcp"]
    protocol = _NUMBERS[pick(named if random.randrange(4) else _PROTOCOLS[family])]
    has_ports = protocol in PORT_PROTOCOLS
    likely = [port for port in universe.PORTS if str(port) in text] or [80]
    ports = [pick(likely if random.randrange(4) else universe.PORTS) for _ in range(2)]
    arriving = pick((*universe.INTERFACES, None)) if random.randrange(2) else pick(("eth0", "eth1"))
    return Packet(
        family,
        protocol,
        address(),
        ports[0] if has_ports else None,
        address(),
        ports[1] if has_ports else None,
        arriving,
        pick((*universe.INTERFACES, *[None] * 20)),  # Steering a packet to a way out is slow.
        pick((0, 0, 1, 2, 3)),
    )
