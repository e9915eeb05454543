"""Loading a saved file takes away the rules of other programs.

## Why it matters

`iptables-restore` without `--noflush` empties each table that its text names.  When the service
that does so is started again, by an administrator or by an update, the rules of Docker, libvirt or
natc in these tables are gone, and nobody puts them back.

## Example

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
COMMIT
```

```saved /etc/iptables/rules.v4 netfilter-persistent.service
# error: [foreign-flush]
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

With `--noflush` it leaves them alone:

```iptables nft
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
COMMIT
```

```saved /etc/iptables/rules.v4 netfilter-persistent.service --noflush
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Found when a unit that is enabled, or a script that runs at boot, loads a file without `--noflush`,
the file names a table, and chains of a known program are in that table now.  Commands whose words
a shell would fill in are not judged.  At boot itself it does no harm to programs that start later.
"""

import re
from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.host.doctor.facts import Loading
from natc.host.doctor.owners import Line, lines
from natc.host.doctor.patient import Patient
from natc.source import Span

_TABLE = re.compile(r"^\*(\w+)", re.MULTILINE)
_PERSISTENT = "netfilter-persistent.service"


def check(patient: Patient) -> Iterator[Diagnostic]:
    """Yield a finding for each table of each file."""
    for loading in patient.facts.loadings:
        if loading.keeps:
            continue
        dump = patient.facts.dump(loading.family)
        held = [] if dump is None else list(lines(dump.source))
        for found in _TABLE.finditer(loading.text):
            theirs = [line for line in held if line.table == found[1] and line.owner]
            if theirs:
                yield _finding(loading, Span(loading.source, *found.span()), found[1], theirs)


def _finding(loading: Loading, place: Span, table: str, theirs: list[Line]) -> Diagnostic:
    owners = ", ".join(dict.fromkeys(line.owner or "" for line in theirs))
    return Diagnostic(
        "NAT504",
        f"loading a saved file takes away the rules of {owners}",
        Label(place, f"{loading.by} empties the table `{table}` with it"),
        related=(Label(theirs[0].span, f"a chain of {theirs[0].owner}"),),
        help=_help(loading),
    )


def _help(loading: Loading) -> str:
    if loading.by == _PERSISTENT:
        return "`echo IPTABLES_RESTORE_NOFLUSH=yes >>/etc/default/netfilter-persistent`"
    return f"give its `iptables-restore` the option `--noflush`, in {loading.by}"
