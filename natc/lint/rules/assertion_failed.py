"""An `assert` that does not hold for all packets that it speaks of.

## Why it matters

An assertion says what the policy is for. A packet breaks it, so either the rules are wrong or the
promise is.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
port-forward tcp/80 on wan -> 192.168.3.10
port-forward tcp/22 on wan -> 192.168.3.10
assert never tcp/1-1023 in wan : translated destination     # error: [assertion-failed]
assert never udp in wan : translated destination
```

The witness is a packet that breaks the promise; the rules that decide it are shown. Say in the
assertion what is meant (`tcp/1-1023 except { tcp/22, tcp/80 }`), or change the rules.

## Precision

Exact, for all packets. What natc cannot see, such as the members of an ipset, counts as possible
either way.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic
from natc.lint.subject import Subject
from natc.simulate.verdicts import broken_assertion, decided


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each assertion that a packet breaks."""
    for promise in decided(subject.policy):
        finding = broken_assertion(promise)
        if finding is not None:
            yield finding
