"""Policy routing beside the rules: what TPROXY needs and iptables cannot hold."""

from collections.abc import Iterable, Iterator

from natc.address import Family
from natc.targets.iptables.model import PolicyRoute

ROUTING_TABLE = 100
"""The routing table that delivers marked packets to the gateway itself."""


def route_commands(routes: Iterable[PolicyRoute]) -> Iterator[str]:
    """Yield shell commands that put policy routing in place and can run any number of times.

    Source: Documentation/networking/tproxy.rst, Linux 6.18.
    """
    for route in routes:
        ip = f"ip -{route.family.value}"
        rule = f"fwmark {route.mark:#x}/{route.mask:#x} lookup {ROUTING_TABLE}"
        everywhere = "0.0.0.0/0" if route.family is Family.IPV4 else "::/0"
        yield f"while {ip} rule del {rule} 2>/dev/null; do :; done"
        yield f"{ip} rule add {rule}"
        yield f"{ip} route replace local {everywhere} dev lo table {ROUTING_TABLE}"


def route_notes(routes: Iterable[PolicyRoute]) -> Iterator[str]:
    """Yield comment lines for a restore text that name the policy routing it relies on."""
    commands = [command for command in route_commands(routes) if not command.startswith("while ")]
    if commands:
        yield "# TPROXY needs policy routing beside these rules; run once at boot:"
        yield from (f"#   {command}" for command in commands)
