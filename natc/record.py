"""Immutable value types, cheap to define and to make.  A leaf: knows nothing of natc.

The type checker refuses assignments to their fields; nothing at run time does, for speed.

`@dataclass(frozen=True, slots=True)` says the same, but costs half a millisecond a class at
start-up; a compiler that runs on every boot and every commit has some eighty of them.  A
`Record` costs a tenth of that to define and half to make.  See docs/decisions/0001-records.md.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform


@dataclass_transform(frozen_default=True)
class _RecordType(type):
    """Turns annotations into slots and one generated `__init__`."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        inherited = tuple(field for base in bases for field in getattr(base, "FIELDS", ()))
        own = tuple(
            field
            for field, annotation in namespace.get("__annotations__", {}).items()
            if "ClassVar" not in str(annotation)
        )
        defaults = {
            key: value for base in bases for key, value in getattr(base, "_DEFAULTS", {}).items()
        }
        defaults |= {field: namespace.pop(field) for field in own if field in namespace}
        fields = inherited + own
        ignored: frozenset[str] = namespace.get("IGNORED") or next(
            (base.IGNORED for base in bases if hasattr(base, "IGNORED")), frozenset()
        )
        namespace |= {
            "__slots__": own,
            "__match_args__": fields,
            "FIELDS": fields,
            "VALUES": _values(*(field for field in fields if field not in ignored)),
            "_DEFAULTS": defaults,
        }
        made = super().__new__(cls, name, bases, namespace)
        if own and "__init__" not in namespace:
            made.__init__ = _first(made, fields, defaults)  # type: ignore[misc]
        return made


def _values(*fields: str) -> Callable[[object], object]:
    """Return a function that gives the values of `fields`, to compare them."""
    return attrgetter(*fields) if fields else bool


def _first(made: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Return an `__init__` that makes the real one when it is first needed: most never are."""

    def first(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _initialiser(made, fields, defaults)  # type: ignore[misc]
        made.__init__(self, *values, **named)  # type: ignore[misc]

    return first


def _initialiser(made: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Return the `__init__` that fills the slots.

    Compiled once for each number of fields, then given their names: a third of the time.
    """
    then = ("__post_init__",) if hasattr(made, "__post_init__") else ()
    code = _filler(len(fields), len(then)).replace(
        co_varnames=("self", *fields), co_names=(*fields, *then)
    )
    last = tuple(defaults[field] for field in fields if field in defaults)
    return FunctionType(code, {}, "__init__", last)


@cache
def _filler(fields: int, calls: int) -> CodeType:
    """Return code that takes `fields` values, sets as many attributes, and calls a method."""
    names = [f"f{index}" for index in range(fields)]
    body = [f" self.{name} = {name}" for name in names] + [" self.then()"] * calls
    scope: dict[str, Any] = {}
    exec("\n".join([f"def filler(self, {', '.join(names)}):", *body]), scope)  # noqa: S102
    code: CodeType = scope["filler"].__code__
    return code


class Record(metaclass=_RecordType):
    """An immutable value: equal when of one type and equal in every compared field.

    A subclass lists its fields as annotations.  Fields named in `IGNORED` (such as a span) take
    no part in `==` and `hash`.
    """

    FIELDS: ClassVar[tuple[str, ...]]
    IGNORED: ClassVar[frozenset[str]] = frozenset()
    VALUES: ClassVar[Callable[[object], object]]
    _DEFAULTS: ClassVar[dict[str, Any]]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        values = type(self).VALUES
        return values(self) == values(other)

    def __hash__(self) -> int:
        return hash((type(self), type(self).VALUES(self)))

    def __repr__(self) -> str:
        values = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.FIELDS)
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        return type(self), tuple(getattr(self, field) for field in self.FIELDS)


_R = TypeVar("_R", bound=Record)


def replace(record: _R, **changes: object) -> _R:
    """Return a copy of `record` with `changes`."""
    values = {field: getattr(record, field) for field in record.FIELDS}
    return type(record)(**(values | changes))
