"""What becomes of packets, as it stands after the arrow."""

from collections.abc import Iterator

from natc.address import Family
from natc.dsl import ast
from natc.importers import sets
from natc.importers.remarks import Unsayable
from natc.ir.actions import (
    Action,
    Balance,
    Dnat,
    Masquerade,
    PortChoice,
    Redirect,
    Snat,
    Tproxy,
)
from natc.ir.intervals import IntervalSet, point


def target(action: Action, family: Family) -> ast.SetExpr:
    """Return where packets are sent to, or come from.

    Raises:
        Unsayable: no target says it.
    """
    match action:
        case Snat(pool, ports):
            return _end(pool, ports, family)
        case Dnat(pool, ports, shift):
            first = ports if ports is None or shift is None else point(ports.first)
            return _end(pool, first, family)
        case Redirect(ports) if ports is not None and ports.size == 1:
            return ast.Endpoint(f":{ports.first}")
        case Redirect():
            raise Unsayable("REDIRECT without one port of its own")
        case Tproxy(address, port):
            if address is None:
                return ast.Endpoint(f":{port}")
            return _end(point(address), point(port), family)
        case Balance(backends):
            return ast.Braces(
                tuple(
                    ast.Item(
                        target(backend.action, family),
                        ast.Number(str(backend.weight)) if backend.weight > 1 else None,
                    )
                    for backend in backends
                )
            )
        case _:
            raise Unsayable("what becomes of the packets is no target")


def _end(pool: IntervalSet, ports: IntervalSet | None, family: Family) -> ast.SetExpr:
    if len(pool.ranges) != 1:
        raise Unsayable("several ranges of addresses in one target")
    text = (sets.range_text if pool.size == 1 else sets.bounds_text)(pool, family)
    if ports is None:
        ends_like_port = family is Family.IPV6 and text.rpartition(":")[2].isdecimal()
        return ast.Address(f"[{text}]" if ends_like_port else text)
    numbers = sets.number_text(*ports.ranges[0])
    return ast.Endpoint(f"[{text}]:{numbers}" if family is Family.IPV6 else f"{text}:{numbers}")


def options(action: Action) -> Iterator[ast.Clause]:
    """Yield the words that say how it is done.

    Raises:
        Unsayable: there is no word for it.
    """
    match action:
        case Snat(_, _, persistent, choice):
            yield from _persistent(is_persistent=persistent)
            yield from _choice(choice)
        case Masquerade(ports, choice):
            if ports is not None:
                yield ast.Clause("ports", ast.Number(sets.number_text(*ports.ranges[0])))
            yield from _choice(choice)
        case Dnat(_, _, shift, persistent, choice):
            if shift is not None:
                yield ast.Clause("shift")
            yield from _persistent(is_persistent=persistent)
            yield from _random(choice)
        case Redirect(_, choice):
            yield from _random(choice)
        case Tproxy(_, _, mark, mask):
            yield ast.Clause("tproxy")
            yield ast.Clause("mark", ast.Mark(f"{mark:#x}/{mask:#x}"))
        case Balance(_, sticky) if sticky is not None:
            yield ast.Clause("sticky", ast.Duration(_duration(sticky)))


def _persistent(*, is_persistent: bool) -> Iterator[ast.Clause]:
    if is_persistent:
        yield ast.Clause("persistent")


def _choice(choice: PortChoice) -> Iterator[ast.Clause]:
    if choice is not PortChoice.KEEP:
        yield ast.Clause(str(choice))


def _random(choice: PortChoice) -> Iterator[ast.Clause]:
    if choice is PortChoice.FULLY:
        raise Unsayable("a destination port drawn `--random-fully`")
    yield from _choice(choice)


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if not seconds % size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
