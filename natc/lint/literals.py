"""Values of matches and targets that iptables does not take, or takes for something else."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from natc.address import Family
from natc.targets.iptables.numbers import Unreadable, address_range, addresses, ports

_DIGITS = frozenset("0123456789.:-/,[]")
_LITERALS = {Family.IPV4: _DIGITS, Family.IPV6: _DIGITS | frozenset("abcdefABCDEF")}
"""What addresses and ports are written with; other values are names."""


_TAKING_NO_NAME = frozenset({"--to-source", "--to-destination", "--src-range", "--dst-range"})
"""Options that take addresses alone.  Source: tried with iptables 1.8.9."""

is_name = re.compile(r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z][A-Za-z0-9_-]*\.?").fullmatch
"""Whether a text can be the name of a host."""


def troubles(text: str, family: Family) -> Iterator[str]:
    """Yield what is wrong with addresses and ports in a match or a target.

    Names of services, masks that may have holes, and names of hosts where iptables looks them up,
    are left alone.

    Args:
        text: as iptables-save prints it.
    """
    for flag, value in pairwise(text.split()):
        read = _READERS.get(flag)
        name = value if value.count(":") > 1 else value.partition(":")[0]  # `fd00::1` is none.
        if flag in _TAKING_NO_NAME and is_name(name):
            yield f"`{name}` is a name, which is not looked up here"
        if read is None or not _LITERALS[family].issuperset(value) or _is_mask(value):
            continue
        try:
            read(value, family)
        except Unreadable as reason:
            yield str(reason)


def _is_mask(value: str) -> bool:
    return any(mark in value.partition("/")[2] for mark in ".:")


def _end(text: str, family: Family) -> None:
    """Read what a target translates to."""
    host, _, rest = text.rpartition("]:") if "[" in text else text.partition(":")
    if family is Family.IPV6 and "]:" not in text and text.count(":") > 1:
        host, rest = text, ""
    if host:
        address_range(host.strip("[]"), family)
    if rest:
        ports(rest.partition("/")[0], "-")


def _listed(text: str, _: Family) -> None:
    for part in text.split(","):
        ports(part)


_READERS: dict[str, Callable[[str, Family], object]] = {
    "-s": addresses,
    "-d": addresses,
    "--src-range": address_range,
    "--dst-range": address_range,
    "--sport": lambda text, _: ports(text),
    "--dport": lambda text, _: ports(text),
    "--sports": _listed,
    "--dports": _listed,
    "--ports": _listed,
    "--to-source": _end,
    "--to-destination": _end,
    "--to-ports": lambda text, _: ports(text, "-"),
    "--to": addresses,
}
