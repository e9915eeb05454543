"""Sets of packets and their fates in words, as near to the language as they go."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from natc import address
from natc.address import Family
from natc.ir.conditions import EVERY_BIT, Condition, Draw, InSet, Mark, Noted, Opaque
from natc.ir.fields import ANY_USERS, NO_USER, Field, interface_patterns, universe, user_text
from natc.ir.intervals import IntervalSet, point
from natc.ir.space import Box
from natc.packet import PROTOCOL_NAMES
from natc.simulate.fate import Fate, Fates
from natc.simulate.marks import UNCHANGED, PacketMark
from natc.simulate.site import EVERY_INTERFACE
from natc.simulate.way import Moved

_MOST_LISTED = 6
"""Values of one list; more are counted."""


def packets(box: Box, family: Family) -> str:
    """Return a set of packets in words: `tcp/80 from 10.0.0.0/8 in eth0 out eth1`."""
    return " ".join(_packets(box, family)) or "every packet"


def _packets(box: Box, family: Family) -> Iterator[str]:
    ports = box.get(Field.DESTINATION_PORT)
    protocols = box.get(Field.PROTOCOL)
    if protocols is not None:
        names = _listed(protocols, Field.PROTOCOL, family, _protocol)
        yield (
            names
            if ports is None
            else f"{names}/{_listed(ports, Field.DESTINATION_PORT, family, str)}"
        )
    elif ports is not None:
        yield f"port {_listed(ports, Field.DESTINATION_PORT, family, str)}"
    if (sources := box.get(Field.SOURCE_PORT)) is not None:
        yield f"sport {_listed(sources, Field.SOURCE_PORT, family, str)}"
    for word, field in (("from", Field.SOURCE), ("to", Field.DESTINATION)):
        if (values := box.get(field)) is not None:
            yield f"{word} {addresses(values, family)}"
    local = box.get(Field.LOCAL_DESTINATION)
    if local is not None and local.size == 1:
        yield "to the gateway itself" if 1 in local else "to other hosts"
    yield from _interfaces(box)
    yield from _user(box.get(Field.USER))
    for condition in box.conditions:
        if (words := _condition(condition)) is not None:
            yield words


def _interfaces(box: Box) -> Iterator[str]:
    arriving, leaving = box.get(Field.IN_INTERFACE), box.get(Field.OUT_INTERFACE)
    if arriving is not None and arriving.ranges != EVERY_INTERFACE.ranges:
        yield "in local" if arriving == point(0) else f"in {_names(arriving)}"
    if leaving is not None and leaving.ranges != EVERY_INTERFACE.ranges:
        yield "that stay here" if leaving == point(0) else f"out {_names(leaving)}"


def _names(values: IntervalSet) -> str:
    patterns = interface_patterns(values - point(0))
    if patterns is None:
        others = interface_patterns(EVERY_INTERFACE - values)
        if others is None:
            return f"{len(values.ranges)} ranges of names"
        return f"not {_braced(others)}"
    return _braced(patterns + (["local"] if 0 in values else []))


def _user(values: IntervalSet | None) -> Iterator[str]:
    if values is None or values == point(NO_USER):
        return
    others = ANY_USERS - values
    if others.size < values.size:
        if others:
            yield f"user not {_braced([_users(block) for block in others.ranges])}"
    else:
        yield f"user {_braced([_users(block) for block in (values - point(NO_USER)).ranges])}"


def _users(block: tuple[int, int]) -> str:
    low, high = (user_text(number) for number in block)
    return low if low == high else f"{low}-{high}"


def _condition(condition: Condition) -> str | None:
    match condition:
        case Mark(value, mask, negated):
            text = f"{value:#x}" if mask == EVERY_BIT else f"{value:#x}/{mask:#x}"
            return f"mark {'not ' if negated else ''}{text}"
        case InSet(name, flags, negated):
            return f"set {'not ' if negated else ''}{name} {','.join(flags)}"
        case Opaque(text, negated):
            return f"where {'not ' if negated else ''}[{text}]"
        case Draw() | Noted():
            return None


def addresses(values: IntervalSet, family: Family) -> str:
    """Return addresses as networks, ranges, or what is missing."""
    return _listed(values, Field.SOURCE, family, lambda value: address.text_of(family, value))


def _protocol(number: int) -> str:
    return PROTOCOL_NAMES.get(number, str(number))


def _listed(values: IntervalSet, field: Field, family: Family, text: object) -> str:
    others = universe(field, family) - values
    if others and len(others.ranges) < len(values.ranges):
        return f"not {_listed(others, field, family, text)}"
    texts = [_block(block, field, text) for block in values.ranges[:_MOST_LISTED]]
    if len(values.ranges) > _MOST_LISTED:
        texts.append(f"… {len(values.ranges) - _MOST_LISTED} more")
    return _braced(texts)


def _block(block: tuple[int, int], field: Field, text: object) -> str:
    low, high = block
    if not callable(text):
        raise TypeError("a function that writes one value")
    if low == high:
        return str(text(low))
    size = high - low + 1
    if field is Field.SOURCE and not (size & (size - 1) or low & (size - 1)):
        bits = 32 if high < 1 << 32 and "." in text(low) else 128
        return f"{text(low)}/{bits - size.bit_length() + 1}"
    return f"{text(low)}-{text(high)}"


def _braced(texts: Iterable[str]) -> str:
    listed = list(texts)
    return listed[0] if len(listed) == 1 else f"{{ {', '.join(listed)} }}"


# Fates.


def fates(found: Fates, box: Box, family: Family) -> str:
    """Return what becomes of packets: `to 10.0.0.5:80`, or all that the kernel may choose."""
    texts = sorted(
        (_chance(chance) + fate(one, box, family) for one, chance in found),
        key=lambda text: (len(text), text),
    )
    return " or ".join(texts)


def _chance(chance: Fraction | None) -> str:
    if chance is None or chance == 1:
        return ""
    return f"{float(chance):.4g} of them " if chance.denominator > 1000 else f"{chance} of them "


def fate(found: Fate, box: Box, family: Family) -> str:
    """Return one fate in words."""
    if found.verdict != "accepted":
        return "dropped" if found.verdict == "dropped" else "undecided: a target natc does not know"
    words = []
    moved = dict(found.moved)
    for word, field, port_field in (
        ("to", Field.DESTINATION, Field.DESTINATION_PORT),
        ("from", Field.SOURCE, Field.SOURCE_PORT),
    ):
        if field in moved or port_field in moved:
            end = _end(moved.get(field), box.get(field), family)
            port = moved.get(port_field)
            words.append(f"{word} {end}" + (f":{_port(port)}" if port is not None else ""))
    if found.proxy is not None:
        listener = found.proxy.address
        where = "" if listener is None else address.text_of(family, listener)
        words.append(f"proxy {where}:{found.proxy.port}")
    if found.is_untracked:
        words.append("not tracked")
    if found.mark != UNCHANGED:
        words += _mark(found.mark)
    return " ".join(words) or "unchanged"


def _mark(mark: PacketMark) -> Iterator[str]:
    changed = (mark.kept ^ EVERY_BIT | mark.flipped) & ~mark.unknown
    if changed:
        yield f"mark {mark.flipped & ~mark.unknown:#x}/{changed:#x}"
    for setter, bits in mark.others:
        part = "" if bits == EVERY_BIT else f" in {bits:#x}"
        yield f"with a mark that is not known{part}, set in {setter}"


def _end(moved: Moved | None, before: IntervalSet | None, family: Family) -> str:
    if moved is None:
        return "the same address"
    if isinstance(moved, int):
        if before is None or len(before.ranges) != 1:
            return "the same place in another network"
        low, high = before.ranges[0]
        return f"{addresses(IntervalSet(((low + moved, high + moved),)), family)}, host by host"
    if moved.how == "interface":
        return "the interface's address"
    text = addresses(moved.values, family)
    return f"{text} by source" if moved.how == "hash-of-source" else text


def _port(moved: Moved) -> str:
    if isinstance(moved, int):
        return f"{moved:+d}"
    low, high = moved.values.first, moved.values.last
    text = str(low) if low == high else f"{low}-{high}"
    return f"{text} at random" if moved.how == "random" else text
