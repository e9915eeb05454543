"""A rule that stands there twice.

## Why it matters

The second does nothing.  In rules that a script adds on every run it is the sign of a script that
does not look whether they are there: each run makes the list longer.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
masquerade from 192.168.3.0/24 out wan
masquerade from 192.168.3.0-192.168.3.255 out wan     # warning: [duplicate-rule]
```

```iptables
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
# warning: [duplicate-rule]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE
# warning: [duplicate-rule]
-A POSTROUTING -o eth0 -s 10.0.0.0/255.0.0.0 -j MASQUERADE
COMMIT
```

## Precision

Exact for rules that decide: both match the same packets, and do the same.  Jumps, and other rules
after which a packet goes on, are found where they stand in one chain word for word; those that
count, draw or limit are not, since two of them are not one.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.removal import removal
from natc.lint.repeated import repeated
from natc.lint.subject import Subject
from natc.lint.unreached import of


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that repeats one above."""
    for found in of(subject, "NAT106"):
        if found.is_needed:
            continue
        yield Diagnostic(
            "NAT106",
            "the same rule again",
            Label(found.rule.origin, found.said_of("changes nothing", "for")),
            (Label(found.by[0].origin, "first here"),),
            help="delete it" if found.is_whole else None,
            fix=removal(subject, found),
        )
    for again, first in repeated(subject):
        yield Diagnostic(
            "NAT106",
            "the same rule again",
            Label(again.origin, "changes nothing"),
            (Label(first.origin, "first here"),),
            help="delete it",
        )
