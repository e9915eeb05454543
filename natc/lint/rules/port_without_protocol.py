"""A port, but no protocol that has ports.

## Why it matters

iptables refuses the rule, and the whole text with it; `-m tcp` alone is not enough, it needs
`-p tcp` as well.  With `! -p tcp` iptables-nft loads the rule and matches the ports of *other*
protocols.  The port in a target is not applied to dccp, which the kernel no longer tracks.

## Example

```nat
dnat to 203.0.113.2 in eth0 -> 192.168.3.10:80  # error: [port-without-protocol]
dnat tcp to 203.0.113.2 in eth0 -> 192.168.3.10:80
```

```iptables
*nat
# error: [port-without-protocol]
-A PREROUTING -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
# error: [port-without-protocol]
-A PREROUTING -d 203.0.113.2 -j DNAT --to-destination 192.168.3.10:80
-A PREROUTING -d 203.0.113.2 -p tcp -j DNAT --to-destination 192.168.3.10:80
# error: [port-without-protocol]
-A POSTROUTING -o eth0 -j MASQUERADE --to-ports 1024-65535
COMMIT
```

## Precision

Exact: what iptables 1.8.9 and the kernel refuse.  A target with a port below `! -p udp` loads, and
is not reported.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import places
from natc.lint.subject import Subject
from natc.targets.iptables.model import Jump, Option, Rule

_OF_MATCH = {
    "tcp": frozenset({"tcp", "6"}),
    "udp": frozenset({"udp", "17"}),
    "sctp": frozenset({"sctp", "132"}),
    "dccp": frozenset({"dccp", "33"}),
    "udplite": frozenset({"udplite", "udp-lite", "136"}),
}
_PORTED = frozenset[str]().union(*_OF_MATCH.values())
_OF_TARGET = _PORTED - _OF_MATCH["udplite"] | {"icmp", "1"}
_OF_MATCH["multiport"] = _PORTED
_WITH_ADDRESS = frozenset({"--to-destination", "--to-source"})
_NO_PROTOCOL = Option("-p", ("all",))


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each rule with a port that its protocol does not have."""
    for place in places(subject):
        for rule in place.rules:
            protocol = _protocol(rule)
            trouble = _match_trouble(rule, protocol)
            trouble = trouble or _target_trouble(rule, protocol)
            if trouble is not None:
                yield Diagnostic(
                    "NAT203",
                    "a port without a protocol that has ports",
                    Label(rule.origin, trouble),
                    help="name the protocol: `-p tcp`, `-p udp` or `-p sctp`",
                )


def _protocol(rule: Rule) -> Option:
    for match in rule.matches:
        if match.module:
            break  # The built-in ones stand first.
        if match.options[0].flag == "-p":
            return match.options[0]
    return _NO_PROTOCOL


def _match_trouble(rule: Rule, protocol: Option) -> str | None:
    for match in rule.matches:
        wanted = _OF_MATCH.get(match.module)
        if wanted is not None and (
            protocol.negated
            or (protocol.values[0] not in wanted and protocol.values[0].lower() not in wanted)
        ):
            return f"`-m {match.module}` needs `-p` with such a protocol"
    return None


def _target_trouble(rule: Rule, protocol: Option) -> str | None:
    jump = rule.jump
    if jump is None or not jump.options or not _has_ports(jump):
        return None
    name = protocol.values[0].lower()
    if name not in _OF_TARGET:
        return f"`-j {jump.target}` with a port needs `-p` with such a protocol"
    if name in _OF_MATCH["dccp"] and not protocol.negated:
        return "the port is not applied to dccp"
    return None


def _has_ports(jump: Jump) -> bool:
    for option in jump.options:
        if option.flag == "--to-ports":
            return True
        if option.flag in _WITH_ADDRESS:
            text = option.values[0]
            return ":" in text if text.count(":") < 2 else "]:" in text
    return False
