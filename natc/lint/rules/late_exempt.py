"""An exemption below the rules that it should precede.

## Why it matters

The packets that it is to leave alone are translated by the rules above it.  For a tunnel this means
that the far end sees the gateway's address, or drops the packets.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
masquerade from lan out wan
exempt from lan to 10.8.0.0/16 out wan                  # error: [late-exempt]
```

```nat
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
exempt from lan to 10.8.0.0/16 out wan
masquerade from lan out wan
```

## Precision

Exact: no packet reaches the exemption in some hook, and rules above translate packets of it.  To
move it up changes what becomes of them, as it should.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Edit, Fix, Label
from natc.lint.coming import taken
from natc.lint.fixes import deletion, whole
from natc.lint.relations import LEAVING_ALONE
from natc.lint.subject import Subject
from natc.lint.unreached import Unreached, of
from natc.source import Span


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each exemption that comes too late."""
    for found in of(subject, "NAT111"):
        translating = [rule for rule in found.by if not isinstance(rule.action, LEAVING_ALONE)]
        yield Diagnostic(
            "NAT111",
            "an exemption that comes too late",
            Label(found.rule.origin, found.said_of("never reached", "by")),
            tuple(Label(rule.origin, "translates its packets") for rule in translating),
            taken(subject, found.packets, translating),
            help="move it above the first of them",
            fix=_moved(found, translating[0].origin),
        )


def _moved(found: Unreached, above: Span) -> Fix | None:
    """Return the statement moved above another of its file; each keeps its comments."""
    moved, first = whole(found.rule.origin), whole(above)
    if moved is None or first is None or moved.source is not first.source:
        return None
    before = Edit(Span(first.source, first.start, first.start), f"{moved.text}\n")
    return Fix("move it up", (before, deletion(moved)), is_safe=False)
