"""A target in a chain, or in a table, where the kernel does not take it.

## Why it matters

`iptables-restore` refuses the whole text, so that a gateway comes up without any rules.  Its trial
run does not notice (`--test` accepts it), nor does `nft -c`.

## Example

A new source belongs to POSTROUTING (or INPUT), a new destination to PREROUTING or OUTPUT.  For a
chain that rules jump to, what counts is where packets come from:

```iptables
*nat
:SHARE - [0:0]
-A PREROUTING -p tcp --dport 80 -j SHARE
-A POSTROUTING -o eth0 -j SHARE
# error: [wrong-hook]
-A POSTROUTING -d 203.0.113.2 -j DNAT --to-destination 192.168.3.10
# error: [wrong-hook]
-A SHARE -j MASQUERADE
COMMIT
```

```iptables
*nat
:SHARE - [0:0]
-A PREROUTING -d 203.0.113.2 -j DNAT --to-destination 192.168.3.10
-A POSTROUTING -o eth0 -j SHARE
-A SHARE -j MASQUERADE
COMMIT
```

No rule can jump to a built-in chain; what two of them share goes to a chain of its own:

```iptables
*filter
# error: [wrong-hook]
-A FORWARD -j INPUT
COMMIT
```

## Precision

Exact for jumps to built-in chains, for the targets that translate, TPROXY apart (see
`tproxy-placement`), and for DROP, REJECT, CT and NOTRACK.  A chain that no built-in chain leads to
may hold any target of its table.  iptables-legacy is more lenient in one case: it passes over a
jump that stands below an ACCEPT of everything.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import Place, places
from natc.lint.subject import Subject
from natc.targets.iptables.model import BUILT_IN

_INWARD, _OUTWARD = ("PREROUTING", "OUTPUT"), ("INPUT", "POSTROUTING")

_TAKEN: dict[str, dict[str, tuple[str, ...]]] = {
    "DNAT": {"nat": _INWARD},
    "REDIRECT": {"nat": _INWARD},
    "SNAT": {"nat": _OUTWARD},
    "MASQUERADE": {"nat": ("POSTROUTING",)},
    "NETMAP": {"nat": BUILT_IN["nat"]},
    "CT": {"raw": BUILT_IN["raw"]},
    "NOTRACK": {"raw": BUILT_IN["raw"]},
    "REJECT": {"filter": BUILT_IN["filter"]},
    "DROP": {table: chains for table, chains in BUILT_IN.items() if table != "nat"},
}
"""Target to the tables and chains that take it.  Measured: both variants refuse the others."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each target that its place does not take."""
    for place in places(subject):
        yield from _jumps_to_built_in(place)
        refused = {target for target in _TAKEN if _trouble(place, target) is not None}
        refused -= place.targets
        for rule in place.rules if refused else ():
            if rule.jump is not None and rule.jump.target in refused:
                target = rule.jump.target
                yield Diagnostic(
                    "NAT201",
                    f"`-j {target}` where the kernel does not take it",
                    Label(rule.origin, _trouble(place, target) or ""),
                    help=f"`{target}` belongs to {_home(target)}",
                )


def _jumps_to_built_in(place: Place) -> Iterator[Diagnostic]:
    for rule in place.rules:
        if rule.jump is not None and rule.jump.target in BUILT_IN[place.table]:
            yield Diagnostic(
                "NAT201",
                f"a jump to the built-in chain {rule.jump.target}",
                Label(rule.origin, "the kernel takes none"),
                help="put the rules that both share into a chain of its own",
            )


def _trouble(place: Place, target: str) -> str | None:
    """Return why a place does not take a target, None if it does."""
    hooks = _TAKEN[target].get(place.table)
    if hooks is None:
        return f"in table {place.table}"
    wrong = [hook for hook in place.hooks if hook not in hooks]
    if not wrong:
        return None
    return f"packets come here from {' and '.join(wrong)}"


def _home(target: str) -> str:
    tables = _TAKEN[target]
    if len(tables) > 1:
        return "table filter"
    ((table, hooks),) = tables.items()
    return f"{' or '.join(hooks)} of table {table}"
