"""Sysctls as findings speak of them: a place to point at, and the command that sets one."""

from natc.diagnostics import Label
from natc.host.doctor.facts import Facts
from natc.source import Span


def label(facts: Facts, path: str, text: str) -> Label:
    """Return a label on a sysctl below /proc/sys/net, which must be there."""
    source = facts.place(path)
    return Label(Span(source, 0, len(source.text) - 1), text)


def command(path: str, value: int) -> str:
    """Return the command that sets a sysctl below /proc/sys/net.

    Slashes stand for themselves where a name holds a dot, as that of a VLAN does.  Source:
    sysctl(8), "-w".
    """
    name = f"net/{path}"
    return f"sysctl -w {name if '.' in name else name.replace('/', '.')}={value}"


def effective(facts: Facts, path: str, name: str) -> tuple[str, int] | None:
    """Return the sysctl that holds for an interface, and its value; None: the kernel has none.

    An interface that is not there yet will start from the default.

    Args:
        path: with `{}` for the interface, such as `ipv4/conf/{}/forwarding`.
    """
    for candidate in (name, "default"):
        value = facts.setting(path.format(candidate))
        if value is not None:
            return path.format(candidate), value
    return None
