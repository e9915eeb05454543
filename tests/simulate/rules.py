"""Rules as people write them, for tests of the simulator."""

from natc.address import Family, parse
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Policy
from natc.simulate import Site
from natc.simulate.site import LOOPBACK_NET
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.read import read

_OWN = [parse(text)[1] for text in ("203.0.113.1", "192.168.3.1", "192.168.50.1")]

OWN = Site(IntervalSet.of((value, value) for value in _OWN) | LOOPBACK_NET[Family.IPV4])
"""The gateway of `tests.kernel.site` by its addresses alone."""


def rules(*lines: str, family: Family = Family.IPV4) -> Policy:
    """Return what rules mean; each begins with its table: `nat PREROUTING -j ACCEPT`."""
    return lift("rules", read(Source("rules", text(*lines)), family))


def text(*lines: str) -> str:
    """Return the same rules for iptables-restore."""
    tables: dict[str, list[str]] = {}
    for line in lines:
        table, _, rule = line.partition(" ")
        tables.setdefault(table, []).append(f"-A {rule}\n")
    return "".join(f"*{table}\n{''.join(found)}COMMIT\n" for table, found in tables.items())
