"""A sender's user is asked for, of packets that may come from outside.

## Why it matters

Only what the gateway itself sends has a user.  The kernel refuses `-m owner` wherever other packets
come by, and the whole text with it.

## Example

```nat
dnat tcp/80 in eth1 user proxy -> 192.168.3.10  # error: [owner-outside-output]
dnat tcp/80 in local user proxy -> 192.168.3.10
```

```iptables
*nat
:WEB - [0:0]
# error: [owner-outside-output]
-A PREROUTING -p tcp --dport 80 -m owner --uid-owner 13 -j ACCEPT
-A PREROUTING -i eth1 -p tcp --dport 81 -j WEB
# error: [owner-outside-output]
-A WEB -m owner --uid-owner 13 -j RETURN
-A WEB -i eth1 -j REDIRECT --to-ports 3128
-A OUTPUT -p tcp --dport 80 -m owner --uid-owner 13 -j ACCEPT
COMMIT
```

## Precision

Exact.  In POSTROUTING the match is allowed, though what is forwarded has no user: `--uid-owner`
never holds for it, and its negation always does.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import places
from natc.lint.subject import Subject

_ALLOWED = frozenset({"OUTPUT", "POSTROUTING"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each user that is asked for where packets may have none."""
    for place in places(subject):
        wrong = [hook for hook in place.hooks if hook not in _ALLOWED]
        for rule in place.rules if wrong else ():
            for match in rule.matches:
                if match.module == "owner":
                    yield Diagnostic(
                        "NAT209",
                        "a sender's user where packets have none",
                        Label(rule.origin, f"packets come here from {' and '.join(wrong)}"),
                        help="ask in OUTPUT",
                    )
                    break
