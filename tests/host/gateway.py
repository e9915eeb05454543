"""A gateway in a lab that natc's own commands act on, as they would on a real one."""

import os
import shlex
import sys
import textwrap
from pathlib import Path

from natc.address import Family
from natc.targets.iptables.own import Parts, parts
from natc.testlab import Completed, Flavour, Lab

ROOT = Path(__file__).parents[2]

LASTING = "/run/natc-lab/state"
PASSING = "/run/natc"
"""The folders of natc's memory there; all of /run is the lab's own."""

FIRST = """
zone wan { interface eth0; address { 203.0.113.1, 2001:db8:113::1 } }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
snat from 192.168.3.0/24 out wan -> 203.0.113.1 as sharing
port-forward tcp/8080 on wan -> 192.168.3.10:80 as web
dnat tcp/8080 to 2001:db8:113::1 -> fd00:3::10 as web6
"""

SECOND = """
zone wan { interface eth0; address { 203.0.113.1, 2001:db8:113::1 } }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
masquerade from 192.168.3.0/24 out wan as sharing
port-forward tcp/8081 on wan -> 192.168.3.11:80 as web
port-forward tcp/8082 on wan -> 192.168.3.11:81 as other
dnat tcp/8081 to 2001:db8:113::1 -> fd00:3::11 as web6
transparent-proxy tcp/80 in lan -> 127.0.0.1:3129 tproxy mark 0x1/0x1 as web-proxy
"""
"""Other rules in each family, and rules in another table."""

FOREIGN = """
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 5000 -j DNAT --to-destination 172.17.0.2:5000
iptables -A FORWARD -o docker0 -j ACCEPT
iptables -t mangle -A PREROUTING -p udp -j MARK --set-xmark 0x10/0x10
ip6tables -t nat -A POSTROUTING -s fd17::/64 ! -o docker0 -j MASQUERADE
"""
"""Rules of somebody else, in both families."""


class Gateway:
    """What a test does on it.

    Attributes:
        folder: for policies; the host's, so that both sides see it.
    """

    def __init__(self, lab: Lab, flavour: Flavour, folder: Path) -> None:
        self.lab = lab
        self.flavour = flavour
        self.folder = folder
        self.must("mount -t proc proc /proc")  # Of the lab's own processes.

    def policy(self, name: str, text: str) -> str:
        """Write a policy and return its path."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return str(path)

    def run(self, script: str, timeout: float = 60) -> Completed:
        """Run a shell script in which `natc` is the program under test."""
        folder = Path(sys.executable).parent
        head = f"""
cd {shlex.quote(str(self.folder))}
export NATC_STATE_DIR={LASTING} NATC_RUN_DIR={PASSING} PYTHONPATH={shlex.quote(str(ROOT))}
natc() {{ {shlex.quote(str(folder / "python"))} -m natc "$@"; }}
"""
        return self.lab.run(head + textwrap.dedent(script), timeout)

    def must(self, script: str, timeout: float = 60) -> str:
        """Run a script that has no reason to fail, and return what it says."""
        done = self.run(script, timeout)
        assert done.status == 0, done.output
        return done.output

    def natc(self, command: str, timeout: float = 60) -> str:
        """Run a natc command that has no reason to fail."""
        return self.must(f"natc {command}", timeout)

    def own(self) -> dict[Family, Parts]:
        """Return natc's part of the rules."""
        return {family: parts(self.lab.save(family)) for family in Family}

    def foreign(self) -> dict[Family, list[str]]:
        """Return everybody else's rules and chains, in order, without counters."""
        return {family: _foreign(self.lab.save(family)) for family in Family}

    def routing(self) -> str:
        """Return the policy routing."""
        return self.must("ip rule show; ip -6 rule show; ip route show table 100 2>/dev/null || :")

    def everything(self) -> tuple[object, ...]:
        """Return all that an apply may change, and all that it must not."""
        return self.own(), self.foreign(), self.routing()

    def links(self) -> tuple[str, str]:
        """Return which generation is current, and which one the next boot restores."""
        current = self.run(f"readlink {PASSING}/current").output
        boot = self.run(f"readlink {LASTING}/boot").output
        return os.path.basename(current.strip()), os.path.basename(boot.strip())

    def leftovers(self) -> list[str]:
        """Return ways back that are still there, and guards that still run."""
        said = self.must(
            f"ls -A {PASSING} | grep way-back || :;"
            "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep natc-guard; done || :"
        )
        return said.split()


def _foreign(dump: str) -> list[str]:
    lines = []
    for line in dump.splitlines():
        if line.startswith("#") or "NATC-" in line:
            continue
        lines.append(line.split(" [")[0] if line.startswith(":") else line)
    # An empty table is as good as none.
    text = "\n".join(lines)
    tables = [table.strip() for table in text.split("COMMIT")]
    return sorted(table for table in tables if "-A " in table or " -\n" in table)
