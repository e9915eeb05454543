"""Immutable value types, cheap to define and to make.  A leaf: knows nothing of natc.

`@dataclass(frozen=True, slots=True)` says the same, but costs half a millisecond a class at
start-up; a compiler that runs on every boot and every commit has some eighty of them.  A
`Record` costs a tenth of that to define and half to make.  See docs/decisions/0001-records.md.
"""

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
            "_COMPARED": tuple(field for field in fields if field not in ignored),
            "_DEFAULTS": defaults,
        }
        made = super().__new__(cls, name, bases, namespace)
        if own and "__init__" not in namespace:
            made.__init__ = _first(made, fields, defaults)  # type: ignore[misc]
        return made


def _first(made: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Return an `__init__` that makes the real one when it is first needed: most never are."""

    def first(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _initialiser(made, fields, defaults)  # type: ignore[misc]
        made.__init__(self, *values, **named)  # type: ignore[misc]

    return first


def _initialiser(made: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Return `__init__` that fills the slots directly, past the frozen `__setattr__`."""
    scope: dict[str, Any] = {f"_default_{field}": value for field, value in defaults.items()}
    scope |= {f"_set_{field}": getattr(made, field).__set__ for field in fields}
    parameters = [f"{field}=_default_{field}" if field in defaults else field for field in fields]
    body = [f" _set_{field}(self, {field})" for field in fields]
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    exec("\n".join([f"def __init__(self, {', '.join(parameters)}):", *body]), scope)  # noqa: S102
    return scope["__init__"]


class Record(metaclass=_RecordType):
    """An immutable value: equal when of one type and equal in every compared field.

    A subclass lists its fields as annotations.  Fields named in `IGNORED` (such as a span) take
    no part in `==` and `hash`.
    """

    FIELDS: ClassVar[tuple[str, ...]]
    IGNORED: ClassVar[frozenset[str]] = frozenset()
    _COMPARED: ClassVar[tuple[str, ...]]
    _DEFAULTS: ClassVar[dict[str, Any]]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self._COMPARED)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, field) for field in self._COMPARED)))

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
