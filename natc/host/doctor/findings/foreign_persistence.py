"""A saved file holds the rules of other programs.

## Why it matters

`iptables-save >/etc/iptables/rules.v4` saves everything that is in the kernel, what Docker or
libvirt put there included.  At the next boot these rules come back for containers and guests that
are long gone, before their program starts, which then adds its own beside them.

## Example

```saved /etc/iptables/rules.v4 netfilter-persistent.service
*nat
:PREROUTING ACCEPT [0:0]
# warning: [foreign-persistence]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
COMMIT
```

One's own rules alone are right there:

```saved /etc/iptables/rules.v4 netfilter-persistent.service
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Found when a file that is loaded at boot declares a chain with a name that belongs to a known
program, once for each program and file.  natc's own chains are not meant: to load what `natc
compile` printed is one way to have them.  What a program writes into built-in chains bears no name,
so the help's command leaves it: look through the file afterwards.
"""

import re
from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Loading
from natc.host.doctor.owners import NATC, Line, lines
from natc.host.doctor.patient import Patient


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each program and file."""
    for loading in {one.path: one for one in patient.facts.loadings}.values():
        first: dict[str, Line] = {}
        names: dict[str, dict[str, None]] = {}
        for line in lines(loading.source):
            if line.owner not in (None, NATC) and not line.is_rule:
                owner = line.owner or ""
                first.setdefault(owner, line)
                names.setdefault(owner, {})[line.chain] = None
        for owner, line in first.items():
            yield _finding(loading, owner, line, list(names[owner]))


def _finding(loading: Loading, owner: str, line: Line, names: list[str]) -> Diagnostic:
    chains = "|".join(map(re.escape, sorted(names)))
    pattern = f"(^:|-A |-[jg] )({chains})( |$)"
    return Diagnostic(
        "NAT514",
        f"a saved file holds rules of {owner}",
        Label(line.span, f"{loading.by} loads it at boot; {owner} makes its own"),
        help=f"take them out: `sed -i -E '/{pattern}/d' {loading.path}`",
    )
