"""A table as the lines of a text make it: what iptables-restore would hold in memory."""

from natc.diagnostics import Label
from natc.record import replace
from natc.source import NOWHERE, Source, Span
from natc.targets.iptables.model import BUILT_IN, Chain, Counters, Rule, Table
from natc.targets.iptables.words import BadLine, Word

POLICIES = ("ACCEPT", "DROP")


class ChainDraft:
    """A chain as it fills.

    Attributes:
        declared: where; None for a built-in chain that is only used.
    """

    def __init__(self, name: str, declared: Span | None) -> None:
        self.name = name
        self.declared = declared
        self.policy: str | None = None
        self.counters: Counters | None = None
        self.rules: list[Rule] = []

    @property
    def says_anything(self) -> bool:
        """Whether there is more to tell of it than its rules."""
        return self.policy is not None or self.counters is not None

    def flush(self) -> None:
        """Forget the rules."""
        self.rules.clear()

    def zero(self) -> None:
        """Count from 0, where anything is counted."""
        if self.counters is not None:
            self.counters = (0, 0)
        self.rules = [
            rule if rule.counters is None else replace(rule, counters=(0, 0)) for rule in self.rules
        ]

    def chain(self) -> Chain:
        """Return what has come."""
        origin = NOWHERE if self.declared is None else self.declared
        return Chain(self.name, tuple(self.rules), self.policy, self.counters, origin)


class TableDraft:
    """A table as it fills.

    Attributes:
        opened: the `*` line.
        is_whole: it declares built-in chains, as texts do that stand for all of a table.  Others
            add to what is there, and may name chains that are.
    """

    def __init__(self, source: Source, name: str, opened: Span) -> None:
        self.source = source
        self.name = name
        self.opened = opened
        self.is_whole = False
        self.chains: dict[str, ChainDraft] = {}

    def _is_built_in(self, name: str) -> bool:
        return name in BUILT_IN[self.name]

    def declare(
        self, name: Word, policy: Word | None = None, counters: Counters | None = None
    ) -> None:
        """Add a chain; a policy of None is `-`.

        Raises:
            BadLine: NAT906 if it is there, NAT206 for a policy that cannot be.
        """
        place = name.place(self.source)
        known = self.chains.get(name.text)
        if known is not None and known.declared is not None:
            first = (Label(known.declared, "the first"),)
            raise BadLine("NAT906", f"chain `{name.text}` is declared twice", place, related=first)
        made = self.chains[name.text] = known or ChainDraft(name.text, place)
        made.declared = place
        if self._is_built_in(name.text):
            self.is_whole = True
            made.counters = counters
        elif counters is not None and any(counters):
            made.counters = counters
        if policy is not None:
            self._set_policy(made, policy)

    def own(self, place: Word) -> list[Word]:
        """Return the names of all chains that are not built in, as if they stood at `place`."""
        names = [name for name in self.chains if not self._is_built_in(name)]
        return [Word(name, place.start, place.end) for name in names]

    def set_policy(self, name: Word, policy: Word) -> None:
        """Set the policy of a chain.

        Raises:
            BadLine: NAT904, NAT206.
        """
        self.is_whole = True
        self._set_policy(self.chain(name), policy)

    def _set_policy(self, chain: ChainDraft, policy: Word) -> None:
        place = policy.place(self.source)
        if policy.text not in POLICIES:
            label = "expected `ACCEPT` or `DROP`"
            raise BadLine("NAT206", f"`{policy.text}` is no policy", place, label)
        if not self._is_built_in(chain.name):
            message = f"a policy of `{chain.name}`, which is not built in"
            raise BadLine("NAT206", message, place, help="write `-` for it")
        chain.policy = policy.text

    def chain(self, name: Word) -> ChainDraft:
        """Return a chain that is there; built-in ones always are.

        Raises:
            BadLine: NAT904, once for each chain.
        """
        known = self.chains.get(name.text)
        if known is not None:
            return known
        made = self.chains[name.text] = ChainDraft(name.text, None)
        if not self._is_built_in(name.text):
            message = f"no chain `{name.text}` in table `{self.name}`"
            help_ = f"declare it before its rules: `:{name.text} - [0:0]`"
            raise BadLine("NAT904", message, name.place(self.source), help=help_)
        return made

    def insert(self, chain: ChainDraft, rules: list[Rule], number: int, place: Span) -> None:
        """Put each of `rules` where the rule `number` stands, from 1, as iptables does.

        Raises:
            BadLine: NAT911 beyond the end.
        """
        if number > len(chain.rules) + 1:
            raise self._no_rule(chain, number, place)
        for rule in rules:
            chain.rules.insert(number - 1, rule)

    def put(self, chain: ChainDraft, rules: list[Rule], number: int, place: Span) -> None:
        """Put one rule in the place of another.

        Raises:
            BadLine: NAT911 where there is none, or several would take its place.
        """
        if number > len(chain.rules):
            raise self._no_rule(chain, number, place)
        if len(rules) > 1:
            raise BadLine("NAT911", "several rules in the place of one", place)
        chain.rules[number - 1 : number] = rules or chain.rules[number - 1 : number]

    def delete_number(self, chain: ChainDraft, number: int, place: Span) -> None:
        """Take one rule away.

        Raises:
            BadLine: NAT911 where there is none.
        """
        if number > len(chain.rules):
            raise self._no_rule(chain, number, place)
        del chain.rules[number - 1]

    def delete(self, chain: ChainDraft, rules: list[Rule], place: Span) -> None:
        """Take away the first rule like each of `rules`, whatever they counted.

        Raises:
            BadLine: NAT911 where there is none.
        """
        for rule in rules:
            found = (n for n, other in enumerate(chain.rules) if _is_same(rule, other))
            number = next(found, None)
            if number is None:
                message = f"chain `{chain.name}` has no such rule to delete"
                help_ = "natc reads what a text makes of an empty table"
                raise BadLine("NAT911", message, place, help=help_)
            del chain.rules[number]

    def _no_rule(self, chain: ChainDraft, number: int, place: Span) -> BadLine:
        count = len(chain.rules)
        message = f"chain `{chain.name}` has no rule {number}"
        return BadLine("NAT911", message, place, f"it has {count} at this point")

    def remove(self, name: Word) -> None:
        """Take a chain away.

        Raises:
            BadLine: NAT904, NAT911 for one with rules or a built-in one.
        """
        chain = self.chain(name)
        if self._is_built_in(chain.name):
            message = "a built-in chain cannot be deleted"
            raise BadLine("NAT911", message, name.place(self.source))
        if chain.rules:
            message = f"chain `{chain.name}` is deleted, but has rules"
            first = (Label(chain.rules[0].origin, "the first"),)
            raise BadLine("NAT911", message, name.place(self.source), related=first)
        del self.chains[chain.name]

    def table(self) -> Table:
        """Return what has come: built-in chains of which nothing but rules is said first."""
        used = [self.chains.get(name) for name in BUILT_IN[self.name]]
        first = [chain for chain in used if chain and chain.rules and not chain.says_anything]
        rest = [
            chain
            for chain in self.chains.values()
            if chain.says_anything or not self._is_built_in(chain.name)
        ]
        return Table(self.name, tuple([chain.chain() for chain in (*first, *rest)]))


def _is_same(one: Rule, other: Rule) -> bool:
    return one.matches == other.matches and one.jump == other.jump and one.comment == other.comment
