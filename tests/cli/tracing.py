"""Runs `natc trace` on a policy and on rules that iptables-save printed."""

import json
from pathlib import Path
from typing import Any

from tests.cli.program import natc

POLICY = """\
address web = 192.168.3.10
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
zone dyn { interface ppp0; address dynamic; subnet 198.18.0.0/24 }

port-forward tcp/80 on wan -> web:8080 as web
dnat udp/53 in lan set blocked dst -> 192.168.3.53 as dns
snat from lan out wan -> 203.0.113.2 as share
masquerade tcp from lan out dyn ports 20000-29999 random as dialled
"""

RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:FORWARDS - [0:0]
:WEB - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j FORWARDS
-A PREROUTING -p tcp -m tcp --dport 25 -j DNAT --to-destination 192.168.3.25
-A FORWARDS -s 10.0.0.0/8 -j RETURN
-A FORWARDS -p tcp -m tcp --dport 80 -g WEB
-A FORWARDS -j LOG
-A WEB -m mac --mac-source 00:00:5e:00:53:01 -j DNAT --to-destination 192.168.3.11
-A WEB -j DNAT --to-destination 192.168.3.10:8080
-A POSTROUTING -o eth0 -m comment --comment "all out" -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 192.168.3.0/24 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -i eth1 -j ACCEPT
COMMIT
"""

INWARD = "tcp 198.51.100.7:4000 > 203.0.113.2:80 in wan"


def write_rules(folder: Path) -> None:
    """Write both, as `p.nat` and `rules.v4`."""
    (folder / "p.nat").write_text(POLICY, encoding="utf-8")
    (folder / "rules.v4").write_text(RULES, encoding="utf-8")


def trace(folder: Path, *words: str, rules: str = "p.nat", code: int = 0) -> str:
    """Return what natc prints, which ends with `code`."""
    done = natc("trace", rules, *words, cwd=folder)
    assert done.returncode == code, done.stderr.decode()
    assert not done.stderr or code
    return done.stdout.decode()


def story(folder: Path, packet: str, *words: str, rules: str = "p.nat") -> list[str]:
    """Return the lines of one packet's story, with single blanks; the packet itself left out."""
    text = trace(folder, "--packet", packet, *words, rules=rules)
    lines = [" ".join(line.split()) for line in text.splitlines() if line]
    return lines[2:] if rules != "p.nat" else lines[1:]


def outcomes(folder: Path, packet: str, *words: str, rules: str = "p.nat") -> list[dict[str, Any]]:
    """Return all that can become of a packet, from JSON."""
    said = json.loads(trace(folder, "--packet", packet, "--format", "json", *words, rules=rules))
    assert said["version"] == 1
    (traced,) = said["traces"]
    found: list[dict[str, Any]] = traced["outcomes"]
    return found
