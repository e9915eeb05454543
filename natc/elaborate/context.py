"""What every kind of rule needs to know of the statement that it comes from."""

from natc.address import Family
from natc.elaborate.scope import Place, Scope
from natc.ir.actions import Action, Hook
from natc.ir.policy import Rule
from natc.ir.space import Region
from natc.record import Record
from natc.source import Span


class Context(Record):
    """A rule statement's surroundings.

    Attributes:
        name: the rule's, given or made.
        places: zones and networks in the order of the policy.
        part: stands after the name, for one of several parts of the statement.
    """

    scope: Scope
    name: str
    span: Span
    places: tuple[Place, ...]
    part: str = ""

    def rule(
        self, family: Family, hook: Hook, match: Region, action: Action, suffix: str = ""
    ) -> Rule:
        """Return an IR rule of this statement; `suffix` tells it from the statement's others."""
        return Rule(f"{self.name}{self.part}{suffix}", family, hook, match, action, self.span)
