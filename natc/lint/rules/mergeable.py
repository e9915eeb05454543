"""Two rules that could be one: they differ in ports or networks that lie side by side.

## Why it matters

One line is read, changed and counted as one thing; of two that say the same, one is forgotten.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2 }

port-forward tcp/8080 on wan -> 192.168.3.10
port-forward tcp/8081-8089 on wan -> 192.168.3.10      # note: [mergeable]
port-forward tcp/9000 on wan -> 192.168.3.10 as metrics
port-forward tcp/9001 on wan -> 192.168.3.10 as logs
snat from 192.168.4.0/24 out wan -> 203.0.113.2
snat from 192.168.5.0/24 out wan -> 203.0.113.2        # note: [mergeable]
snat from 192.168.6.0/24 out wan -> 203.0.113.2
```

The ports are `tcp/8080-8089`, the networks `192.168.4.0/23`.  The last one stays: no network holds
just it and its neighbour.

```iptables
*nat
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.3.10
# note: [mergeable]
-A PREROUTING -i eth0 -p tcp --dport 81 -j DNAT --to-destination 192.168.3.10
-A PREROUTING -i eth0 -p tcp --dport 443 -j DNAT --to-destination 192.168.3.10
COMMIT
```

## Precision

Exact, for statements that stand below each other and are otherwise written alike, with both values
in numbers, and for rules of one chain of the nat table.  A name, a comment between or beside, and
in a dump a comment that differs, are reasons for two.  Left alone are matches that count or draw,
and in a policy `balance`, and ports where the target says some.  Off unless asked for; what is
repaired is policies.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.merging import in_dump, in_policy
from natc.lint.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that the one above it could hold."""
    for pair in in_dump(subject) if subject.is_dump else in_policy(subject):
        yield Diagnostic(
            "NAT702",
            "two rules that could be one",
            Label(pair.second, "does the same"),
            related=(Label(pair.first, "as this one"),),
            help=f"write one rule, with `{pair.both}`",
            fix=pair.fix,
        )
