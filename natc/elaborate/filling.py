"""The rules of a long policy by their shape: values written into rules that were worked out once.

The long way through `lower` costs 25 µs a statement.  The rules of a shape that has come often
become a function of the values (`shaped`), which makes equal rules in a fifth of the time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from natc.address import parse_ipv4
from natc.elaborate.blanks import SIGN, Blank
from natc.elaborate.lower import Elaboration
from natc.elaborate.shaped import NAME, NoForm, Shaped
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.record import Record
from natc.source import Span

_LAST_PORT = 65535

_Fill = tuple[tuple[Callable[[str], int], ...], Callable[..., tuple[Rule, ...]]]
"""What reads each value, and what makes rules of their place, their name and the numbers."""


def rules_of_policy(elaboration: Elaboration) -> tuple[Rule, ...]:
    """Return the rules of a policy in file order; see `Elaboration.rules`."""
    found: list[Rule] = []

    def use(fill: _Fill, place: Span, name: str, values: Sequence[str]) -> None:
        readers, make = fill
        numbers = [read(text) for read, text in zip(readers, values, strict=False)]
        found.extend(make(place, name, *numbers))

    shaped = Shaped(elaboration, _made, use)
    for rule in elaboration.rules(shaped.dealt_with):
        found.append(rule)  # noqa: PERF402 - `use` adds others between them
    return tuple(found)


def _made(rules: Iterator[Rule], place: Span, blanks: Sequence[Blank]) -> _Fill:
    readers = tuple(int if blank.high <= _LAST_PORT else parse_ipv4 for blank in blanks)
    return readers, _Writer(place, blanks).function(rules)


class _Writer:
    """Writes the function that makes rules like some that hold blanks."""

    def __init__(self, origin: Span, blanks: Iterable[Blank]) -> None:
        self._origin = origin
        self._blanks = {id(blank): f"v{index}" for index, blank in enumerate(blanks)}
        self._known: dict[str, object] = {}
        self._sets: dict[int, tuple[str, str]] = {}

    def function(self, rules: Iterable[Rule]) -> Callable[..., tuple[Rule, ...]]:
        """Return the function.

        Raises:
            NoForm: a value went into a text.
        """
        made = "".join(f"{self._expression(rule)}, " for rule in rules)
        values = "".join(f", {name}" for name in self._blanks.values())
        lines = [f"def fill(span, name{values}):"]
        lines += [f" {name} = {expression}" for name, expression in self._sets.values()]
        lines.append(f" return ({made})")
        exec("\n".join(lines), self._known)  # noqa: S102 - of names and numbers made here
        return cast(Callable[..., tuple[Rule, ...]], self._known["fill"])

    def _expression(self, value: object) -> str:
        match value:
            case Blank():
                return self._blanks[id(value)]
            case Span() if value == self._origin:
                return "span"
            case str() if value.startswith(NAME):
                return f"name + {value.removeprefix(NAME)!r}"
            case str() if SIGN in value:
                raise NoForm
            case IntervalSet() if _is_open(value):
                if id(value) not in self._sets:
                    name = f"s{len(self._sets)}"
                    self._sets[id(value)] = name, self._record(value)
                return self._sets[id(value)][0]
            case tuple() if _is_open(value):
                return "(" + "".join(f"{self._expression(each)}, " for each in value) + ")"
            case Record() if _is_open(value) or isinstance(value, Rule):
                return self._record(value)
        return self._constant(value)

    def _record(self, value: Record) -> str:
        fields = ", ".join(self._expression(getattr(value, field)) for field in value.FIELDS)
        return f"{self._constant(type(value))}({fields})"

    def _constant(self, value: object) -> str:
        name = f"c{len(self._known)}"
        self._known[name] = value
        return name


def _is_open(value: object) -> bool:
    """Whether a blank, or a text that one was written into, is anywhere in a value."""
    if isinstance(value, Record):
        return any(_is_open(getattr(value, field)) for field in value.FIELDS)
    if isinstance(value, tuple | list | set | frozenset):
        return any(_is_open(each) for each in cast(Iterable[Any], value))
    return isinstance(value, Blank) or (isinstance(value, str) and SIGN in value)
