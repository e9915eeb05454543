"""A host's name where an address belongs.

## Why it matters

iptables looks a name up when the rules are loaded, and puts the addresses that it finds in its
place.  At boot there is often no DNS yet: one name that is not found, and none of the table's
rules are loaded.  And when the name gets another address, the rules keep the old one.

## Example

```iptables
*nat
# warning: [hostname-in-policy]
-A PREROUTING -s office.example.com -p tcp --dport 22 -j DNAT --to-destination 192.168.3.12
-A PREROUTING -s 198.51.100.7 -p tcp --dport 22 -j DNAT --to-destination 192.168.3.12
COMMIT
```

Write the address.  Who is known by a name alone can be in an ipset that a program keeps up to date.

## Precision

Exact, for names in texts that were written by hand: the kernel, and so iptables-save, has addresses
only, and natc's language has no such names at all.  A name where iptables takes none, such as in
`--to-destination`, is an error (NAT206).  Names in `/etc/hosts` are found at boot, too; whether
there are any is not known.  Names of services, such as `--dport ssh`, are another matter.  Off
unless asked for.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.literals import is_name
from natc.lint.subject import Subject
from natc.source import Span
from natc.targets.iptables.model import Rule

_LOOKED_UP = frozenset(
    {
        "-s", "-d", "--to", "--on-ip", "--gateway", "--tunnel-src", "--tunnel-dst",
        "--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst",
    }
)  # fmt: skip
"""Source: tried with iptables 1.8.9."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule of a dump with the name of a host."""
    for ruleset in subject.rulesets:
        for chain in [chain for table in ruleset.tables for chain in table.chains]:
            for rule in [rule for rule in chain.rules if isinstance(rule, Rule)]:
                named = _named(rule)
                if named is not None:
                    yield _finding(rule.origin, *named)


def _named(rule: Rule) -> tuple[str, str] | None:
    """Return the first option with a name where addresses stand, and the name."""
    options = [option for match in rule.matches for option in match.options]
    for option in [*options, *(rule.jump.options if rule.jump is not None else ())]:
        if option.flag in _LOOKED_UP and option.values:
            host = option.values[0].partition("/")[0]
            if is_name(host):
                return option.flag, host
    return None


def _finding(origin: Span, flag: str, name: str) -> Diagnostic:
    return Diagnostic(
        "NAT007",
        f"the name `{name}` where an address belongs",
        Label(origin, f"`{flag}` looks it up when the rules are loaded"),
        help="write the address",
    )
