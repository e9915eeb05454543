"""One rule as python-iptables builds it, and what of it the kernel is to hold.

Knows the objects of python-iptables by their methods, and does not import it: `libiptc` does.

Source: python-iptables 1.2.0, iptc/ip4tc.py, ip6tc.py, xtables.py.
"""

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

from natc.address import Family
from natc.targets.iptables.matches import PROTOCOL_WORDS
from natc.targets.iptables.model import Match, Option, Rule

_NUMBERS = {name: str(number) for number, name in PROTOCOL_WORDS.items()}
"""python-iptables knows fewer protocols by name."""

_ATTRIBUTES = {
    "-s": "src",
    "-d": "dst",
    "-i": "in_interface",
    "-o": "out_interface",
    "-p": "protocol",
}

_HEADER = 32
"""Bytes of size, name and revision before the data of a match or a target.

Source: include/uapi/linux/netfilter/x_tables.h, struct xt_entry_match, xt_entry_target.
"""

_VERDICTS = frozenset({b"ACCEPT", b"RETURN"})

Meaning = tuple[bytes, list[tuple[int, bytes, int, bytes]], object]
"""What is compared of a rule: addresses, interfaces and protocol; its matches; its target."""


def build(rule: Any, wanted: Rule, family: Family) -> None:
    """Make of a new `Rule` or `Rule6` what is wanted.

    Raises:
        Exception: of any kind; python-iptables cannot say it.
    """
    for match in wanted.matches:
        if match.module:
            _say(rule.create_match(match.module), match.options)
        else:
            _built_in(rule, match, family)
    if wanted.comment is not None:
        _say(rule.create_match("comment"), (Option("--comment", (wanted.comment,)),))
    if wanted.jump is None:
        raise ValueError("a rule without a target")
    target = rule.create_target(wanted.jump.target, goto=wanted.jump.goto)
    _say(target, wanted.jump.options)


def _built_in(rule: Any, match: Match, family: Family) -> None:
    """Say `-s`, `-d`, `-i`, `-o` or `-p`."""
    (option,) = match.options
    flag = option.flag
    if flag not in _ATTRIBUTES:
        raise ValueError(f"natc writes no {flag}")
    (value,) = option.values
    if flag == "-p":
        value = _NUMBERS.get(value, value)
    setattr(rule, _ATTRIBUTES[flag], f"!{value}" if option.negated else value)
    ip = rule.get_ip()
    if flag == "-p" and family is Family.IPV6:
        # Else a negated protocol would not be looked at, and ip6tables-save print it nevertheless.
        # Source: iptc/ip6tc.py, set_protocol().
        ip.flags |= type(ip).IP6T_F_PROTO
    elif flag in ("-i", "-o"):
        # Else rules of IPv6 would compare one bit of each letter, and be printed as if they did
        # not.  Sources: iptc/ip6tc.py, set_in_interface(); what it is to be: libxtables/xtables.c,
        # xtables_parse_interface(), 1.8.9.
        name = "iniface" if flag == "-i" else "outiface"
        length = len(value) - 1 if value.endswith("+") else len(value) + 1
        setattr(ip, name, value.encode())
        setattr(ip, f"{name}_mask", b"\xff" * length)


def _say(module: Any, options: Sequence[Option]) -> None:
    """Give a match or a target its options.

    As lists: of a text it would take a `!` at the beginning for a negation.  Its own last check
    goes by way of what it prints, of which it reads 1,024 bytes; so the library's is called.
    """
    for option in options:
        if option.values[:1] == ("!",):
            raise ValueError("python-iptables takes the value `!` for a negation")
        values = ["!", *option.values] if option.negated else list(option.values)
        module.parse(option.flag.removeprefix("--"), values)
    module._final_check()  # noqa: SLF001 - see above


def meant(rule: Any, table: Any) -> Meaning:
    """Return what a rule that was built here means."""
    parts = [_part(bytes(match.match_buf), match.usersize) for match in rule.matches]
    target = ctypes.string_at(ctypes.addressof(rule.target.target), rule.target.size)
    found = _part(target, rule.target.usersize)
    name = found[1]
    # libiptc gives verdicts and jumps to chains their place by the name.
    is_verdict = name in _VERDICTS or table.is_chain(name.decode())
    return bytes(rule.get_ip()), parts, name if is_verdict else found


def held(entry: Any, rule: Any, table: Any) -> Meaning:
    """Return what a rule of the kernel's means, as far as `rule`, its like, has a say in it.

    The rest of a match or a target is the kernel's own, such as pointers.
    """
    start = ctypes.sizeof(entry)
    whole = ctypes.string_at(ctypes.addressof(entry), entry.next_offset)
    ip = entry.ipv6 if hasattr(entry, "ipv6") else entry.ip
    sizes = [match.usersize for match in rule.matches]
    parts = []
    while start < entry.target_offset:
        size = int.from_bytes(whole[start : start + 2], sys.byteorder)
        parts.append(_part(whole[start : start + size], sizes.pop(0) if sizes else size))
        start += size
    target = _part(whole[entry.target_offset :], rule.target.usersize)
    return bytes(ip), parts, target if target[1] else table.get_target(entry)


def _part(whole: bytes, size: int) -> tuple[int, bytes, int, bytes]:
    """Return size, name, revision and data; behind a name there may be anything."""
    total = int.from_bytes(whole[:2], sys.byteorder)
    name, revision = whole[2 : _HEADER - 1].partition(b"\0")[0], whole[_HEADER - 1]
    return total, name, revision, whole[_HEADER:size]
