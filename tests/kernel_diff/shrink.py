"""Making a disagreement small: what is left of a dump, a policy or a packet without one thing."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar

from natc.dsl import ast
from natc.packet import Packet
from natc.record import replace


class Shrinkable(Protocol):
    """What can be made smaller."""

    def smaller(self) -> Iterator[Self]:
        """Yield values with a little less."""
        ...


S = TypeVar("S", bound=Shrinkable)

_PLAIN = {"out_interface": None, "mark": 0, "user": None}
"""What most packets do without."""

_MOST_WORDS = 4
"""Words of a match: `-m mark --mark 0x1`."""


def smallest(found: S, fails: Callable[[S], bool]) -> S:
    """Return a value of which nothing can be taken away, if it is still to fail."""
    changed = True
    while changed:
        changed, position = False, 0
        candidates = [*found.smaller()]
        while position < len(candidates):
            if fails(candidates[position]):
                found, changed = candidates[position], True
                candidates = [*found.smaller()]
            else:
                position += 1
    return found


def packets(given: Sequence[Packet]) -> Iterator[Packet]:
    """Yield simpler packets than the only one, if there is only one."""
    if len(given) == 1:
        (packet,) = given
        for field, plain in _PLAIN.items():
            if getattr(packet, field) != plain:
                yield replace(packet, **{field: plain})


def dump(text: str) -> Iterator[str]:
    """Yield the text of rules without one rule or own chain, or without a few words of a rule."""
    lines = text.splitlines()

    def joined(index: int, *instead: str) -> str:
        return "".join(f"{line}\n" for line in (*lines[:index], *instead, *lines[index + 1 :]))

    for index, line in enumerate(lines):
        if line.startswith("-A") or " - [" in line:
            yield joined(index)
        if not line.startswith("-A"):
            continue
        words = line.split()
        for first in range(2, len(words)):
            for last in range(first + 1, min(first + _MOST_WORDS, len(words)) + 1):
                yield joined(index, " ".join([*words[:first], *words[last:]]))


def tree(node: Any) -> Iterator[Any]:
    """Yield syntax trees like `node` without one of its parts, and with a part for the whole."""
    match node:
        case ast.Except(part, _) | ast.Not(part) | ast.Braces((ast.Item(part),)):
            yield part
        case ast.Rule(name=ast.Name()) | ast.Static(name=ast.Name()):
            yield replace(node, name=None)
    for field in node.FIELDS:
        value = getattr(node, field)
        if isinstance(value, ast.Node):
            yield from (
                replace(node, **{field: less}) for less in tree(value) if _takes(node, field, less)
            )
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from (replace(node, **{field: less}) for less in _parts(value))


def _takes(node: ast.Node, field: str, value: ast.Node) -> bool:
    """Say whether the grammar lets `value` stand there: some places take braces alone."""
    is_balance = isinstance(node, ast.Rule) and node.verb == "balance" and field == "target"
    return isinstance(value, ast.Braces) or not (isinstance(node, ast.PortList) or is_balance)


def _parts(values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the values without one of its values, then with one made smaller."""
    for index in range(len(values)):
        yield (*values[:index], *values[index + 1 :])
    for index, value in enumerate(values):
        if isinstance(value, ast.Node):
            for less in tree(value):
                yield (*values[:index], less, *values[index + 1 :])
