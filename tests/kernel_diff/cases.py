"""Rules and packets whose fate in the kernel can be judged: what the fuzzer and the tests try.

A dump is any rule set, and natc's model of what it reads must agree with the kernel.  A policy has
two more witnesses: the direct reading of its tree, and the model of what natc's compiler made of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Protocol, Self

from natc.address import Family
from natc.dsl import ast
from natc.dsl.format import format as write_policy
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.ir.actions import Tproxy
from natc.ir.policy import Policy
from natc.packet import Packet
from natc.pipeline import rulesets
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.model import Ruleset, Table
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from natc.testlab import Observation
from tests.kernel_diff import bench, shrink
from tests.kernel_diff.witnesses import Model
from tests.oracle import Oracle

_TABLES = ("mangle", "nat", "filter")
"""All that any case fills."""


class Case(Protocol):
    """Rules and packets.  What it is asked for may raise PolicyError, where there are no rules.

    Attributes:
        SUFFIX: of a file that holds the rules.
        name: where the case comes from.
        text: the rules as people read them.
        texts: whole tables for the kernel.
        has_listeners: whether the gateway runs transparent proxies.
    """

    SUFFIX: ClassVar[str]
    name: str
    text: str
    texts: Mapping[Family, str]
    packets: Sequence[Packet]
    has_listeners: bool

    def complaint(self, packet: Packet, seen: Observation) -> str | None:
        """Return what the kernel did and a witness does not allow, None when there is nothing."""
        ...

    def about(self, packet: Packet) -> Self:
        """Return the same rules with one packet."""
        ...

    def smaller(self) -> Iterator[Self]:
        """Yield cases with a little less."""
        ...


class Dump:
    """A rule set that no policy stands behind.  See `Case`."""

    SUFFIX = "rules"
    has_listeners = False

    def __init__(self, name: str, text: str, family: Family, packets: Sequence[Packet]) -> None:
        self.name = name
        self.text = text
        self.family = family
        self.packets = packets

    @property
    def texts(self) -> Mapping[Family, str]:
        return {self.family: self.text}

    @cached_property
    def _model(self) -> Model:
        return Model(lift("dump", read(Source("dump", self.text), self.family)))

    def complaint(self, packet: Packet, seen: Observation) -> str | None:
        return self._model.complaint(packet, seen)

    def about(self, packet: Packet) -> "Dump":
        return Dump(self.name, self.text, self.family, [packet])

    def smaller(self) -> Iterator["Dump"]:
        for text in shrink.dump(self.text):
            yield Dump(self.name, text, self.family, self.packets)
        for packet in shrink.packets(self.packets):
            yield self.about(packet)


class Written:
    """A policy.  See `Case`."""

    SUFFIX = "nat"

    def __init__(self, name: str, policy: ast.Policy, packets: Sequence[Packet]) -> None:
        self.name = name
        self.policy = policy
        self.packets = packets

    @cached_property
    def text(self) -> str:
        return write_policy(self.policy)

    @cached_property
    def _meaning(self) -> Policy:
        return lower(parse(Source("kernel.nat", self.text)))

    @cached_property
    def rules(self) -> Mapping[Family, Ruleset]:
        """What natc compiles it to."""
        return rulesets(self._meaning)

    @cached_property
    def texts(self) -> Mapping[Family, str]:
        return {family: _whole(family, self.rules.get(family)) for family in Family}

    @property
    def has_listeners(self) -> bool:
        return any(isinstance(rule.action, Tproxy) for rule in self._meaning.rules)

    @cached_property
    def _oracle(self) -> Oracle:
        return Oracle(self.policy, bench.WORLD, "original")

    @cached_property
    def _models(self) -> Mapping[str, Model]:
        dumps = (read(Source("dump", text), family) for family, text in self.texts.items())
        return {"IR": Model(self._meaning), "text read back": Model(lift("dump", *dumps))}

    def complaint(self, packet: Packet, seen: Observation) -> str | None:
        wrong = bench.complaint(self._oracle, packet, seen)
        if wrong is not None:
            return f"by the tree: {wrong}"
        for name, model in self._models.items():
            wrong = model.complaint(packet, seen)
            if wrong is not None:
                return f"by the {name}: {wrong}"
        return None

    def about(self, packet: Packet) -> "Written":
        return Written(self.name, self.policy, [packet])

    def smaller(self) -> Iterator["Written"]:
        for policy in shrink.tree(self.policy):
            yield Written(self.name, policy, self.packets)
        for packet in shrink.packets(self.packets):
            yield self.about(packet)


def _whole(family: Family, rules: Ruleset | None) -> str:
    """Return text that leaves nothing but `rules` in any table that a case fills."""
    tables = rules.tables if rules is not None else ()
    named = {table.name for table in tables}
    empty = (Table(name, ()) for name in _TABLES if name not in named)
    return write(Ruleset(family, (*tables, *empty)), Form.STANDALONE)
