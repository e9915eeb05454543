"""What names mean: definitions, and the zones and networks."""

from dataclasses import dataclass

from natc.dsl import ast
from tests.oracle.answers import World
from tests.oracle.words import text_of


@dataclass(frozen=True)
class Place:
    """A zone or network."""

    interfaces: tuple[str, ...]
    addresses: tuple[ast.SetExpr, ...]
    dynamic: bool
    subnets: tuple[ast.SetExpr, ...]


class Scope:
    """What names mean in one policy, and the world around it.

    Attributes:
        widths: how many ports services have by protocol, as far as that was counted.
    """

    def __init__(self, policy: ast.Policy, world: World) -> None:
        self.world = world
        self.definitions: dict[str, ast.SetExpr] = {}
        self.places: dict[str, Place] = {}
        self.widths: dict[tuple[object, int], int] = {}
        for statement in policy.statements:
            if isinstance(statement, ast.Definition):
                self.definitions[statement.name.text] = statement.value
            elif isinstance(statement, ast.Block):
                self.places[statement.name.text] = read_place(statement)
        for statement in policy.statements:
            if isinstance(statement, ast.Host) and statement.name.text == world.node:
                for definition in statement.definitions:
                    self.definitions[definition.name.text] = definition.value
        self.definitions.update(world.settings)


def read_place(block: ast.Block) -> Place:
    """Read a zone or network block."""

    def values(*keywords: str) -> tuple[ast.SetExpr, ...]:
        return tuple(entry.value for entry in block.entries if entry.keyword in keywords)

    interfaces: list[str] = []
    for value in values("interface", "bridge"):
        written = [item.value for item in value.items] if isinstance(value, ast.Braces) else [value]
        interfaces += [text_of(name) for name in written]
    addresses = values("address")
    dynamic = any(value == ast.Name("dynamic") for value in addresses)
    return Place(tuple(interfaces), () if dynamic else addresses, dynamic, values("subnet"))
