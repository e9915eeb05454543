"""What translation does to packets: a way in, the ways that the kernel may choose out.

They assume that no other connection holds the address and port that the kernel would keep.

Sources: Linux 6.18, net/netfilter/nf_nat_core.c, xt_nat.c, xt_NETMAP.c, nf_nat_masquerade.c,
nf_nat_redirect.c; measured by tests/kernel.
"""

from collections.abc import Iterator

from natc.ir.actions import (
    Action,
    Balance,
    Dnat,
    Hook,
    Masquerade,
    Netmap,
    PortChoice,
    Redirect,
    Snat,
)
from natc.ir.conditions import Draw
from natc.ir.fields import Field, universe
from natc.ir.intervals import IntervalSet, interval, point
from natc.packet import PORT_PROTOCOLS
from natc.record import replace
from natc.simulate.site import LOOPBACK
from natc.simulate.way import Choice, Moved, Way

_PORTED = IntervalSet.of((number, number) for number in PORT_PROTOCOLS)

_MOST_WINDOWS = 256
"""Parts that one mapping cuts packets into before it counts as any value of its range."""

_CLASSES = (interval(0, 511), interval(512, 1023), interval(1024, 65535))
_DRAWN_FROM = (interval(1, 511), interval(600, 1023), interval(1024, 65535))
"""Source ports by class, and what the kernel draws from for each.

Source: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple().
"""


def destination(way: Way, action: Action, hook: Hook, rule: str) -> Iterator[Way]:
    """Yield `way` with its destination rewritten; `rule` names the draws of `balance`."""
    match action:
        case Dnat(addresses, ports, _, persistent, choice):
            for part, port in _dnat_ports(way, action):
                yield from _to(part, _pool(addresses, is_persistent=persistent), port)
        case Balance(backends, sticky):
            left: Way | None = way if sticky is None else replace(way, is_choice=True)
            for index, (share, backend) in enumerate(zip(action.draws(), backends, strict=True)):
                if left is None:
                    return
                drawn: Way | None = left
                if share is not None:
                    drawn, left = left.under(Draw(f"{rule}/{index}", share))
                if drawn is not None:
                    yield from destination(drawn, backend.action, hook, rule)
        case Redirect(ports, choice):
            if hook is Hook.OUTPUT:
                ends = [(way, Choice(LOOPBACK[way.family]))]
            else:
                ends = list(_by_interface(way, Field.IN_INTERFACE))
            for end, address in ends:
                for part, port in _new_ports(end, ports, choice):
                    yield from _to(part, address, port)
        case Netmap(_, network):
            for part, moved in _windows(way, Field.DESTINATION, network, 0):
                turned = replace(part.moving({Field.DESTINATION: moved}), is_translated=True)
                yield turned if moved else part
        case _:
            raise ValueError(f"{type(action).__name__} in the destination phase")


def source(way: Way, action: Action) -> Iterator[Way]:
    """Yield `way` with its source rewritten."""
    match action:
        case Snat(addresses, ports, persistent, choice):
            yield from _from(way, _pool(addresses, is_persistent=persistent), ports, choice)
        case Masquerade(ports, choice):
            for part, address in _by_interface(way, Field.OUT_INTERFACE):
                yield from _from(part, address, ports, choice)
        case Netmap(_, network):
            for part, moved in _windows(way, Field.SOURCE, network, 0):
                yield part.moving({Field.SOURCE: moved}) if moved else part
        case _:
            raise ValueError(f"{type(action).__name__} in the source phase")


def _pool(addresses: IntervalSet, *, is_persistent: bool) -> Choice:
    if addresses.size == 1:
        return Choice(addresses)
    return Choice(addresses, "hash-of-source" if is_persistent else "hash")


def _by_interface(way: Way, field: Field) -> Iterator[tuple[Way, Choice]]:
    """Yield `way` by interface, with the gateway's address there: any where that is not known."""
    left: Way | None = way
    for names, own in way.site.primaries:
        if left is None:
            return
        part, left = left.having(field, names)
        if part is not None:
            yield part, Choice(own, "interface")
    if left is not None:
        yield left, Choice(universe(Field.SOURCE, way.family), "interface")


# Destination.


def _dnat_ports(way: Way, action: Dnat) -> Iterator[tuple[Way, Moved]]:
    if action.ports is None or action.shift_from is None:
        yield from _new_ports(way, action.ports, action.port_choice)
        return
    # Offsets are modulo the size of the new range.
    yield from _windows(
        way, Field.DESTINATION_PORT, action.ports, action.shift_from % action.ports.size
    )


def _new_ports(
    way: Way, ports: IntervalSet | None, choice: PortChoice
) -> Iterator[tuple[Way, Moved]]:
    """Yield parts of `way` with the destination port that each gets."""
    if ports is None:
        yield way, 0
        return
    ported, others = way.having(Field.PROTOCOL, _PORTED)
    if others is not None:
        yield others, 0
    if ported is None:
        return
    if choice is not PortChoice.KEEP:
        yield ported, Choice(ports, "random")
    else:
        kept, others = ported.having(Field.DESTINATION_PORT, ports)
        if kept is not None:
            yield kept, 0
        if others is not None:
            yield others, Choice(point(ports.first))


def _to(way: Way, address: Choice, port: Moved) -> Iterator[Way]:
    """Yield `way` with a new destination; one that is the old one is no translation.

    Source: net/netfilter/nf_nat_core.c, nf_nat_setup_info(): the status bit of a translated
    destination is set when the tuple changes.
    """
    # An unknown address of the gateway is no choice that could be the old one.
    known = address.values.ranges != universe(Field.DESTINATION, way.family).ranges
    same, others = way.having(Field.DESTINATION, address.values) if known else (None, way)
    for part in () if same is None else _one_by_one(same, Field.DESTINATION):
        yield from _same_address(part, address, port)
    if others is not None:
        yield _turned(others, address, port)


def _one_by_one(way: Way, field: Field) -> Iterator[Way]:
    """Yield `way` in parts of one value of `field`; as it is, where there are many."""
    values = way.now(field)
    if not 1 < values.size <= _MOST_WINDOWS:
        yield way
        return
    for low, high in values.ranges:
        for value in range(low, high + 1):
            part, _ = way.having(field, point(value))
            if part is not None:
                yield part


def _same_address(way: Way, address: Choice, port: Moved) -> Iterator[Way]:
    """Yield `way`, whose old address is one that can be chosen."""
    if address.values.size > 1 or isinstance(port, Choice):
        way = replace(way, is_choice=True)
    if port == 0:
        yield way
    elif isinstance(port, int):
        yield replace(way.moving({Field.DESTINATION_PORT: port}), is_translated=True)
    else:
        old = way.now(Field.DESTINATION_PORT)
        if old & port.values:
            yield way
        if others := port.values - old if old.size == 1 else port.values:
            turned = way.moving({Field.DESTINATION_PORT: Choice(others, port.how)})
            yield replace(turned, is_translated=True)
    old = way.now(Field.DESTINATION)
    if others := address.values - old if old.size == 1 else address.values:
        yield _turned(way, Choice(others, address.how), port)


def _turned(way: Way, address: Choice, port: Moved) -> Way:
    moved: dict[Field, Moved] = {Field.DESTINATION: address}
    if port != 0:
        moved[Field.DESTINATION_PORT] = port
    return replace(way.moving(moved), is_translated=True)


# Source.


def _from(
    way: Way, address: Choice, ports: IntervalSet | None, choice: PortChoice
) -> Iterator[Way]:
    """Yield `way` with a new source; one that can be chosen stays, unless ports are drawn.

    Source: net/netfilter/nf_nat_core.c, get_unique_tuple().
    """
    known = address.values.ranges != universe(Field.SOURCE, way.family).ranges
    changed: list[Way | None] = [way]
    if known and choice is PortChoice.KEEP:
        same, others = way.having(Field.SOURCE, address.values)
        changed = [others]
        if same is not None and ports is not None:
            same, portless = same.having(Field.PROTOCOL, _PORTED)
            if portless is not None:
                yield portless
        if same is not None and ports is not None:
            same, outside = same.having(Field.SOURCE_PORT, ports)
            changed.append(outside)
        if same is not None:
            yield same
    for rest in changed:
        if rest is not None:
            for part, port in _source_ports(rest, ports, choice):
                moved: dict[Field, Moved] = {Field.SOURCE: address}
                yield part.moving(moved | ({Field.SOURCE_PORT: port} if port else {}))


def _source_ports(
    way: Way, ports: IntervalSet | None, choice: PortChoice
) -> Iterator[tuple[Way, Moved]]:
    """Yield parts of `way` with the source port that each gets."""
    if ports is None and choice is PortChoice.KEEP:
        yield way, 0
        return
    ported, portless = way.having(Field.PROTOCOL, _PORTED)
    if portless is not None:
        yield portless, 0
    if ported is None:
        return
    if ports is not None:
        kept: Way | None = None
        others: Way | None = ported
        if choice is PortChoice.KEEP:
            kept, others = ported.having(Field.SOURCE_PORT, ports)
        if kept is not None:
            yield kept, 0
        if others is not None:
            yield others, Choice(ports, "random")
        return
    for class_, drawn_from in zip(_CLASSES, _DRAWN_FROM, strict=True):
        part, _ = ported.having(Field.SOURCE_PORT, class_)
        if part is not None:
            yield part, Choice(drawn_from, "random")


def _windows(way: Way, field: Field, new: IntervalSet, offset: int) -> Iterator[tuple[Way, Moved]]:
    """Yield parts of `way` with the distance that takes each to `new`.

    `offset + k * size + i` becomes `new.first + i`, for every k and every i below the size.
    """
    size = new.size
    first_and_last = [
        ((low - offset) // size, (high - offset) // size) for low, high in way.now(field).ranges
    ]
    if sum(last - first + 1 for first, last in first_and_last) > _MOST_WINDOWS:
        doubt = "where a mapping of more than 256 networks to one leads"
        yield replace(way, doubts=(*way.doubts, doubt)), Choice(new)
        return
    left: Way | None = way
    for k in sorted({k for first, last in first_and_last for k in range(first, last + 1)}):
        start = offset + k * size
        if left is not None:
            part, left = left.having(field, interval(max(start, 0), start + size - 1))
            if part is not None:
                yield part, new.first - start
