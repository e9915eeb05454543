"""Draws after which a part of the connections is left over, untranslated.

## Why it matters

When every server has a draw, some connections win none of them.  They go on to the address that was
to be translated, where nobody listens: a service that fails now and then.

## Example

Eight of 27 connections get no server:

```iptables
*nat
:LEAK - [0:0]
:FULL - [0:0]
-A PREROUTING -d 203.0.113.2 -p tcp --dport 80 -j LEAK
-A PREROUTING -d 203.0.113.2 -p tcp --dport 81 -j FULL
-A LEAK -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.0.0.1
-A LEAK -m statistic --mode nth --every 3 --packet 1 -j DNAT --to-destination 10.0.0.2
# error: [balance-leak]
-A LEAK -m statistic --mode nth --every 3 --packet 2 -j DNAT --to-destination 10.0.0.3
-A FULL -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.0.0.1
-A FULL -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.0.0.2
-A FULL -j DNAT --to-destination 10.0.0.3
COMMIT
```

The last server takes whatever is left: its rule draws nothing.

## Precision

The share is exact.  Reported where two or more rules draw and the simulator shows a packet that
goes on untranslated.  If a part is to stay, a rule for the same packets with `-j ACCEPT` says so.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook
from natc.ir.policy import Rule
from natc.lint.coming import trace, witness
from natc.lint.draws import Row, rows
from natc.lint.subject import Subject
from natc.packet import Packet
from natc.simulate.trace import Outcome
from natc.source import Span

_READABLE = 10_000
"""The largest denominator that is said as a fraction."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each row of draws that leaves something over."""
    found = [row for row in rows(subject) if row.rest is None and row.left]
    if not found:
        return
    by_place: dict[Span, list[Rule]] = {}
    for rule in subject.policy.rules:
        by_place.setdefault(rule.origin, []).append(rule)
    for row in found:
        packet = _passing(subject, by_place.get(row.rules[-1].origin, []))
        if packet is not None:
            last, *others = reversed(row.rules)
            yield Diagnostic(
                "NAT304",
                "draws that leave connections untranslated",
                Label(last.origin, f"{_share(row)} of the connections get here and go on"),
                tuple(Label(rule.origin) for rule in others),
                witness=packet,
                help="let the last rule draw nothing, so that it takes the rest",
            )


def _share(row: Row) -> str:
    left = row.left
    if left.denominator <= _READABLE:
        return f"{left.numerator} of {left.denominator}"
    return f"{float(left):.4%}"


def _passing(subject: Subject, rules: list[Rule]) -> Packet | None:
    """Return a packet that comes to one of `rules`, loses, and goes on untranslated."""
    for rule in rules:
        packet = witness(subject, rule)
        if packet is not None and any(
            _is_untouched(outcome, rule.hook) for outcome in trace(subject, packet).outcomes
        ):
            return packet
    return None


def _is_untouched(outcome: Outcome, hook: Hook) -> bool:
    return any(step.hook is hook and step.rule is None for step in outcome.steps)
