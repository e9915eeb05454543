"""The kernel settings that rules need to have an effect.  Pure."""

import re
from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.targets.iptables.own import Parts

FORWARDING = {
    Family.IPV4: "net/ipv4/ip_forward",
    Family.IPV6: "net/ipv6/conf/all/forwarding",
}
"""Paths under /proc/sys, which sysctl.d takes as well.

Unlike names with dots they can name an interface such as `eth0.10`.  Source: sysctl.d(5).
"""

_SOURCES = frozenset({"SNAT", "MASQUERADE", "NETMAP"})
_DESTINATIONS = frozenset({"DNAT", "NETMAP"})
_INTERFACE = re.compile(r"(?<!!) -i ([^ +]+)(?= |$)")


def settings(own: Mapping[Family, Parts]) -> dict[str, str]:
    """Return what rules need, path under /proc/sys to value.

    Sound, may ask for too much: the destination may be an address of the gateway itself, which
    rules do not tell.

    Args:
        own: natc's part of the rules of each family.
    """
    needed = {}
    for family, parts in own.items():
        rules = tuple(_rules(parts))
        if any(_is_forwarded(*rule) for rule in rules):
            needed[FORWARDING[family]] = "1"
        needed |= {path: "1" for rule in rules for path in _loopback(*rule)}
    return needed


def _rules(parts: Parts) -> Iterator[tuple[str, str, str]]:
    """Yield chain, matches and target of each rule of a table `nat`."""
    part = parts.get("nat")
    for chain, rules in part.chains.items() if part else ():
        for rule in rules:
            matches, _, target = rule.rpartition(" -j ")
            yield chain, matches, target


def _is_forwarded(chain: str, matches: str, target: str) -> bool:
    del matches
    name = target.split(" ", 1)[0]
    if chain.startswith("NATC-POST"):
        return name in _SOURCES
    return chain.startswith("NATC-PRE") and name in _DESTINATIONS and not _is_loopback(target)


def _loopback(chain: str, matches: str, target: str) -> Iterator[str]:
    """Yield the setting without which the kernel drops what arrives for 127.0.0.0/8.

    Source: net/ipv4/route.c ip_route_input_slow(), IN_DEV_ROUTE_LOCALNET(), Linux 6.18.
    """
    if chain.startswith("NATC-PRE") and _is_loopback(target):
        named = _INTERFACE.search(matches)
        yield f"net/ipv4/conf/{named[1] if named else 'all'}/route_localnet"


def _is_loopback(target: str) -> bool:
    return " --to-destination 127." in target or target.startswith("NETMAP --to 127.")
