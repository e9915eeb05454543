"""Draws that were meant to give equal shares, and do not.

## Why it matters

Each rule draws among what the rules above it left.  The same chance for each server gives the later
ones less and less, and a part of the connections to none.

## Example

```iptables
*nat
:UNEVEN - [0:0]
:EVEN - [0:0]
-A PREROUTING -d 203.0.113.2 -p tcp --dport 80 -j UNEVEN
-A PREROUTING -d 203.0.113.2 -p tcp --dport 81 -j EVEN
# error: [biased-balance]
-A UNEVEN -m statistic --mode random --probability 0.33 -j DNAT --to-destination 10.0.0.1
-A UNEVEN -m statistic --mode random --probability 0.33 -j DNAT --to-destination 10.0.0.2
-A UNEVEN -m statistic --mode random --probability 0.33 -j DNAT --to-destination 10.0.0.3
-A EVEN -m statistic --mode random --probability 0.33333 -j DNAT --to-destination 10.0.0.1
-A EVEN -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.2
-A EVEN -j DNAT --to-destination 10.0.0.3
COMMIT
```

In the language it is one statement:

```nat
balance tcp/80 in eth0 -> { 10.0.0.1, 10.0.0.2, 10.0.0.3 }
```

## Precision

The shares are exact.  What was meant is a guess, so only chances are reported that would be right
if each were one of *all* connections: they add up to 1 without a rule for the rest, or are all 1/n,
n being the number of rules.  Other uneven shares are taken for weights.
"""

from collections.abc import Iterator
from fractions import Fraction

from natc.diagnostics import Diagnostic, Label
from natc.lint.draws import Row, rows
from natc.lint.subject import Subject

_TOLERANCE = Fraction(1, 50)
"""How far written chances are from those that were meant: 0.33 for a third."""

_MOST_LABELS = 8


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each row of draws with other shares than were meant."""
    for row in rows(subject):
        if not _is_of_all(row) or _near(max(row.shares), min(row.shares)):
            continue
        labels = [
            Label(rule.origin, f"gets {float(share):.4%}")
            for rule, share in zip((*row.rules, row.rest), row.shares, strict=False)
            if rule is not None
        ]
        yield Diagnostic(
            "NAT303",
            "draws that do not give the shares they seem to",
            labels[0],
            tuple(labels[1:_MOST_LABELS]),
            help="each draws among what is left: 1/3, 1/2, then a rule for the rest",
        )


def _is_of_all(row: Row) -> bool:
    """Whether the chances read like shares of all connections."""
    if row.rest is None:
        return _near(sum(row.chances, Fraction(0)), Fraction(1))
    each = Fraction(1, len(row.rules) + 1)
    return all(_near(chance, each) for chance in row.chances)


def _near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= other * _TOLERANCE
