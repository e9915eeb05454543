"""A test in the policy whose packet does not become what is expected of it.

## Why it matters

A test says what the policy is for, packet by packet. Either the rules are wrong or the test is.

## Example

```nat
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
port-forward tcp/80 on wan -> 192.168.3.10:8080
test "the world reaches the web server" {
    tcp 198.51.100.7:40000 > 203.0.113.2:80 in wan
    expect to 192.168.3.10:80                      # error: [test-failed]
}
test "nothing else is forwarded" {
    tcp 198.51.100.7:40000 > 203.0.113.2:81 in wan
    expect unchanged
}
```

The finding says what became of the packet, and which rule decided it; `natc trace` tells the whole
story.

## Precision

Exact in natc's model of the kernel. `natc test --kernel` asks the kernel itself.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic
from natc.lint.subject import Subject
from natc.simulate.verdicts import failed_test, tested


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each packet of a test that ends otherwise."""
    for one in tested(subject.policy):
        if one.problem is not None:
            yield failed_test(one.test, one.became, deciders=one.deciders)
