"""Policy routing beside the rules: what TPROXY needs and iptables cannot hold."""

from collections.abc import Iterable, Iterator

from natc.address import Family
from natc.targets.iptables.model import PolicyRoute

ROUTING_TABLE = 100
"""The routing table that delivers marked packets to the gateway itself."""

ROUTING_PROTOCOL = 78
"""Tells natc's routing from that of others, in that table too; no program has this number.

Source: include/uapi/linux/rtnetlink.h, RTPROT_*; `ip rule` knows it since Linux 4.17.
"""

ROUTING_PREFERENCE = 100
"""Where natc's rules stand among those of `ip rule`.

Of two rules alike in one place the kernel refuses the second; without a place each gets its own.
Source: net/core/fib_rules.c, rule_exists(), Linux 6.18.
"""


def route_arguments(routes: Iterable[PolicyRoute]) -> Iterator[str]:
    """Yield arguments of `ip(8)` that put policy routing in place where there is none.

    Source: Documentation/networking/tproxy.rst, Linux 6.18.
    """
    for route in routes:
        everywhere = "0.0.0.0/0" if route.family is Family.IPV4 else "::/0"
        mark = f"{route.mark:#x}/{route.mask:#x}"
        place = f"lookup {ROUTING_TABLE} pref {ROUTING_PREFERENCE}"
        yield f"-{route.family.value} rule add fwmark {mark} {place}"
        yield f"-{route.family.value} route replace local {everywhere} dev lo table {ROUTING_TABLE}"


def route_notes(routes: Iterable[PolicyRoute]) -> Iterator[str]:
    """Yield comment lines for a restore text that name the policy routing it relies on."""
    commands = [f"#   ip {arguments}" for arguments in route_arguments(routes)]
    if commands:
        yield "# TPROXY needs policy routing beside these rules; run once at boot:"
        yield from commands
