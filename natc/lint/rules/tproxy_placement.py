"""TPROXY where the kernel does not take it, or without a mark for policy routing to see.

## Why it matters

TPROXY exists in mangle PREROUTING, for tcp and udp; anything else is refused, and the whole text
with it.  What it hands over is addressed to somebody else, so it is dropped unless policy routing
delivers it to the gateway itself, which it usually does by a mark.

## Example

```nat
transparent-proxy tcp/443 in eth1 -> 127.0.0.1:8443 tproxy  # error: [tproxy-placement]
transparent-proxy tcp/80 in eth1 -> 127.0.0.1:8080 tproxy mark 0x1/0x1
```

```iptables
*mangle
# error: [tproxy-placement]
-A PREROUTING -i eth1 -p tcp --dport 443 -j TPROXY --on-port 8443
-A PREROUTING -i eth1 -p tcp --dport 80 -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1
# error: [tproxy-placement]
-A PREROUTING -i eth1 -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1
# error: [tproxy-placement]
-A OUTPUT -p tcp -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1
COMMIT
```

## Precision

Exact about the place and the protocol.  A missing mark is reported where no other rule before
routing marks packets, and the rule takes nearly every destination: some may be the gateway's own.
Routing that delivers whatever comes in by an interface needs no mark; natc does not see it.
"""

from collections.abc import Iterator

from natc.address import Family
from natc.diagnostics import Diagnostic, Label
from natc.ir.actions import Hook, SetMark, Tproxy
from natc.ir.fields import Field, universe
from natc.ir.intervals import point
from natc.ir.policy import Rule
from natc.lint.chains import Place, places
from natc.lint.coming import witness
from natc.lint.subject import Subject
from natc.targets.iptables import model

_PROTOCOLS = frozenset({"tcp", "udp", "6", "17"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each TPROXY of a dump that cannot work."""
    if not subject.is_dump:
        return
    for place in places(subject):
        for rule in place.rules:
            if rule.jump is not None and rule.jump.target == "TPROXY":
                trouble = _trouble(place, rule)
                if trouble is not None and "TPROXY" not in place.targets:
                    message = "TPROXY where the kernel does not take it"
                    yield Diagnostic("NAT207", message, Label(rule.origin, trouble))
    for family in Family:
        yield from _unmarked(subject, family)


def _trouble(place: Place, rule: model.Rule) -> str | None:
    """Return why the kernel refuses a rule, None if it does not."""
    if place.table != "mangle":
        return f"in table {place.table}"
    others = [hook for hook in place.hooks if hook != "PREROUTING"]
    if others:
        return f"packets come here from {' and '.join(others)}"
    for match in rule.matches:
        for option in match.options:
            if option.flag == "-p" and not option.negated and option.values[0] in _PROTOCOLS:
                return None
    return "it needs `-p tcp` or `-p udp`"


def _unmarked(subject: Subject, family: Family) -> Iterator[Diagnostic]:
    rules = subject.rules.get((family, Hook.DIVERT), ())
    before = subject.rules.get((family, Hook.RAW_PREROUTING), ())
    if any(isinstance(rule.action, SetMark) for rule in (*before, *rules)):
        return
    for rule in rules:
        if isinstance(rule.action, Tproxy) and not rule.action.mark and _is_wide(rule):
            yield Diagnostic(
                "NAT207",
                "TPROXY without a mark",
                Label(rule.origin, "dropped where routing does not deliver it"),
                witness=witness(subject, rule),
                help="add `--tproxy-mark 0x1/0x1`, and a routing rule for the mark",
            )


def _is_wide(rule: Rule) -> bool:
    """Whether a rule takes packets that are certainly not addressed to the gateway."""
    half = universe(Field.DESTINATION, rule.family).size // 2
    return any(
        box.get(Field.LOCAL_DESTINATION) != point(1)
        and ((to := box.get(Field.DESTINATION)) is None or to.size > half)
        for box in rule.match.boxes
    )
